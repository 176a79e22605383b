# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every AWS name of the collection, derived here from the names of environment and service.

AWS allows 32 characters for load balancers and target groups, 255 for most else. A name that would be longer is cut
and closed with a hash of the whole, so that it stays stable and two long names never meet.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

COLOURS = ("blue", "green")
# The service's own container, as the roles call it.
APP_CONTAINER = "app"
TAG_ENVIRONMENT = "pear:environment"
# Which experiment a template of Fault Injection Service is for: it has no name of its own.
TAG_EXPERIMENT = "pear:experiment"
TAG_SERVICE = "pear:service"
TAG_COMPONENT = "pear:component"
# On IAM roles, which have no region: one environment name in two regions of an account is two environments.
TAG_REGION = "pear:region"
# On a service's target groups, where it runs in a cluster, behind a listener or with a log group of others: every playbook finds
# a service by its target groups, so each runs without being told.
TAG_CLUSTER = "pear:cluster"
TAG_LISTENER = "pear:listener"
TAG_LOG_GROUP = "pear:log-group"
# On the target groups of a service behind a network load balancer, beside TAG_LISTENER: the listener for testers.
TAG_TEST_LISTENER = "pear:test-listener"
# On a further rule of a service: its name in the inventory.
TAG_RULE = "pear:rule"
# On a further target group of a service, and on the rule or the listener that leads to it: its name in the inventory.
TAG_TARGET_GROUP = "pear:target-group"
# On a rule with a login by OIDC: the version of the client secret that ELB has been given, which it never answers.
TAG_LOGIN_SECRET = "pear:login-secret"


def fit(name: str, limit: int, keep: int = 0) -> str:
    """Return name, or its head and a hash of six digits where it is longer than limit; of fewer if the head has to keep more."""
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[: max(1, min(6, limit - keep - 1))]
    return f"{name[: limit - len(digest) - 1].rstrip('-')}-{digest}"


def parameter_group(database: str, engine: str, version: str) -> str:
    """One group per family, since a group's family cannot change: a new major version gets a new group."""
    return f"{database}-{engine}{version.partition('.')[0]}"


def database_logs(database: str, of_cluster: bool) -> str:
    """What the names of the log groups begin with that RDS exports a database's logs to."""
    return f"/aws/rds/{'cluster' if of_cluster else 'instance'}/{database}/"


@dataclass(frozen=True)
class EnvironmentNames:
    """Names of an environment's resources."""

    environment: str

    @property
    def vpc(self) -> str:
        return self.environment

    @property
    def cluster(self) -> str:
        return self.environment

    @property
    def load_balancer(self) -> str:
        return fit(self.environment, 32)

    def further_load_balancer(self, name: str) -> str:
        """Of one beside the environment's first, by its name in the inventory."""
        return fit(f"{self.environment}-{name}", 32)

    def further_load_balancer_security_group(self, name: str) -> str:
        return f"{self.environment}-{name}-load-balancer"

    @property
    def load_balancer_security_group(self) -> str:
        return f"{self.environment}-load-balancer"

    @property
    def task_security_group(self) -> str:
        return f"{self.environment}-tasks"

    @property
    def file_system_security_group(self) -> str:
        return f"{self.environment}-file-system"

    @property
    def database(self) -> str:
        """Of the instance or cluster, its subnet group and its security group."""
        return f"{self.environment}-database"

    @property
    def backup(self) -> str:
        """Of the backup plan, its vault, and the role that AWS Backup takes."""
        return f"{self.environment}-backup"

    @property
    def ledger(self) -> str:
        return f"{self.environment}-releases"

    @property
    def alarm_topic(self) -> str:
        return f"{self.environment}-alarms"

    @property
    def warning_topic(self) -> str:
        """Of alarms that can wait until the morning; critical ones have the other topic."""
        return f"{self.environment}-warnings"

    @property
    def release_topic(self) -> str:
        """Of notifications of releases."""
        return f"{self.environment}-releases"

    @property
    def alarm_prefix(self) -> str:
        """Prefix of the alarms of shared resources. No service's prefix can be the same: a service name has no asterisk."""
        return f"{self.environment}/*/"

    def sampling_rule(self, name: str) -> str:
        """X-Ray's names hold 32 characters at most."""
        return fit(f"{self.environment}-{name}", 32)

    def as_dict(self) -> dict[str, str]:
        return {
            "alarm_prefix": self.alarm_prefix,
            "alarm_topic": self.alarm_topic,
            "backup": self.backup,
            "cluster": self.cluster,
            "database": self.database,
            "file_system_security_group": self.file_system_security_group,
            "ledger": self.ledger,
            "load_balancer": self.load_balancer,
            "load_balancer_security_group": self.load_balancer_security_group,
            "release_topic": self.release_topic,
            "task_security_group": self.task_security_group,
            "vpc": self.vpc,
            "warning_topic": self.warning_topic,
        }


@dataclass(frozen=True)
class ServiceNames:
    """Names of a service's resources in its environment."""

    environment: str
    service: str

    @property
    def family(self) -> str:
        return fit(f"{self.environment}-{self.service}", 255)

    @property
    def log_group(self) -> str:
        return f"/pear/{self.environment}/{self.service}"

    @property
    def alarm_prefix(self) -> str:
        """The trailing slash separates services whose names begin alike."""
        return f"{self.environment}/{self.service}/"

    @property
    def step_alarm_prefix(self) -> str:
        """Prefix of the alarms that call step scaling policies. No service's alarms have it: a service name has no capital letter."""
        return f"{self.environment}/Scaling/{self.service}/"

    @property
    def saved_query_prefix(self) -> str:
        """Logs Insights shows it as folders."""
        return f"{self.environment}/{self.service}/"

    @property
    def trace_group(self) -> str:
        """X-Ray's names hold 32 characters at most."""
        return fit(f"{self.environment}-{self.service}", 32)

    def sampling_rule(self, name: str) -> str:
        return fit(f"{self.environment}-{self.service}-{name}", 32)

    def ecs_service(self, colour: str) -> str:
        return f"{self.service}-{colour}"

    def target_group(self, colour: str) -> str:
        """Target group names hold 32 characters at most."""
        # The whole environment stays in front: by that they are found, and policies name them.
        return fit(f"{self.environment}-{self.service}", 31 - len(colour), len(self.environment)) + f"-{colour}"

    def further_target_group(self, name: str) -> str:
        """The environment's name is never cut: a deployer's policy goes by it."""
        return f"{self.environment}-" + fit(f"{self.service}-{name}", 31 - len(self.environment))

    @property
    def further_target_group_prefix(self) -> str:
        """What the names of all of them begin with, also those that are cut."""
        return f"{self.environment}-{self.service}-"[: 32 - 7].rstrip("-")

    def as_dict(self) -> dict[str, str | dict[str, str]]:
        return {
            "alarm_prefix": self.alarm_prefix,
            "ecs_service": {colour: self.ecs_service(colour) for colour in COLOURS},
            "family": self.family,
            "log_group": self.log_group,
            "target_group": {colour: self.target_group(colour) for colour in COLOURS},
            "saved_query_prefix": self.saved_query_prefix,
            "trace_group": self.trace_group,
        }


@dataclass(frozen=True)
class DashboardNames:
    """Names of dashboards. They have no region, so the names have it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
    """

    environment: str
    region: str

    @property
    def prefix(self) -> str:
        return f"{self.environment}-{self.region}-"

    @property
    def shared(self) -> str:
        """No service's dashboard can have this name: a service name has no capital letter."""
        return f"{self.prefix}Environment"

    def of_service(self, service: str) -> str:
        return fit(f"{self.prefix}{service}", 255)


# No name of an environment or of a service has such a character.
_HEALTH_ALARMS = "/*health-check-"


def is_health_alarm(alarm: str) -> bool:
    """Whether an alarm watches a health check of Route 53: its name ends with the service, not with its kind."""
    return _HEALTH_ALARMS in alarm


@dataclass(frozen=True)
class HealthCheckNames:
    """Names of Route 53's health checks and of what watches them. Route 53 has no regions and keeps all metrics in one, so the names
    have the region of the environment: one environment name in two regions is two environments.
    """

    environment: str
    region: str

    @property
    def reference_prefix(self) -> str:
        """Prefix of the caller references of an environment's checks."""
        return f"pear:{self.environment}:{self.region}:"

    @property
    def alarm_prefix(self) -> str:
        """Prefix of the alarms, distinct from all others, which may be in the same region."""
        return f"{self.of_every_region}{self.region}/"

    @property
    def of_every_region(self) -> str:
        """What the alarms of this environment name begin with, whichever region it is in. No service's alarms do."""
        return f"{self.environment}{_HEALTH_ALARMS}"

    def alarm(self, service: str) -> str:
        return f"{self.alarm_prefix}{service}"

    def is_of_another_region(self, alarm: str) -> bool:
        """Whether it watches a check of the same environment name in another region: the metrics of all are in one."""
        return alarm.startswith(self.of_every_region) and not alarm.startswith(self.alarm_prefix)

    @property
    def topic(self) -> str:
        """Of an environment that is in another region than the metrics: there an environment's own topic may have its name."""
        return f"{self.environment}-{self.region}-alarms"


@dataclass(frozen=True)
class RoleNames:
    """Names of IAM roles. IAM has no regions, so the names have them: at most 64 characters, with their kind at the end."""

    environment: str
    region: str

    @property
    def backup(self) -> str:
        return self._role("", "backup")

    @property
    def flow_log(self) -> str:
        return self._role("", "flow-log")

    def execution(self, service: str) -> str:
        return self._role(service, "execution")

    def task(self, service: str) -> str:
        return self._role(service, "task")

    def schedule(self, service: str) -> str:
        return self._role(service, "schedule")

    def infrastructure(self, service: str) -> str:
        """Of ECS, for what it makes for a service's tasks: EBS volumes."""
        return self._role(service, "infrastructure")

    def experiment(self, service: str) -> str:
        """Of Fault Injection Service, for experiments on a service."""
        return self._role(service, "experiment")

    def of_service(self, service: str) -> dict[str, str]:
        return {
            "execution_role": self.execution(service),
            "experiment_role": self.experiment(service),
            "infrastructure_role": self.infrastructure(service),
            "schedule_role": self.schedule(service),
            "task_role": self.task(service),
        }

    def as_dict(self) -> dict[str, str]:
        return {"backup_role": self.backup, "flow_log_role": self.flow_log}

    def _role(self, service: str, kind: str) -> str:
        parts = [self.environment, self.region, *([service] if service else [])]
        return f"{fit('-'.join(parts), 63 - len(kind))}-{kind}"


# The kinds of deployers, and the further policies of those whose own have no room for more.
DEPLOYERS = ("read-only", "exec", "rollback", "release", "gameday", "provision", "destroy")
DEPLOYER_POLICIES = (
    "provision-network",
    "provision-services",
    "provision-data",
    "provision-experiments",
    "provision-balancing",
    "provision-traces",
    "gameday-faults",
)


@dataclass(frozen=True)
class DeployerNames:
    """Names of the roles of those who run the playbooks, and of their managed policies."""

    environment: str
    region: str
    own_prefix: str = ""

    @property
    def prefix(self) -> str:
        """Not below the environment's own: who provisions may write the roles that begin so."""
        return self.own_prefix or f"pear-deployer-{self.environment}-{self.region}"

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(f"{self.prefix}-{kind}" for kind in DEPLOYERS)

    @property
    def policies(self) -> tuple[str, ...]:
        return tuple(f"{self.prefix}-{name}" for name in DEPLOYER_POLICIES)
