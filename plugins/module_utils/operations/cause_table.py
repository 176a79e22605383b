# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which symptoms make which cause likely, and what to type then. Data alone."""

from __future__ import annotations

from .cause_rules import DEPLOY, DRIFT, LOGS, PROVISION, RELEASE, ROLLBACK, STATUS, TRIAGE, Remedy, Rule
from .findings import Symptom as S


def _set(*symptoms: S) -> frozenset[S]:
    return frozenset(symptoms)


_BACK = Remedy(ROLLBACK, needs=_set(S.WAY_BACK))
_BACK_IF_CHANGED = Remedy(ROLLBACK, needs=_set(S.CHANGED, S.WAY_BACK))
_FORWARD = Remedy(
    RELEASE, "there is nothing to roll back to: release a version that is right, with -e image_tag=VERSION"
)
_READ_LOG = Remedy(LOGS, "the lines before the first error say what it waits for or lacks")

RULES: tuple[Rule, ...] = (
    Rule(
        "the certificate has expired: users cannot connect, whatever the service does",
        _set(S.CERTIFICATE_EXPIRED),
        100,
        (
            Remedy(
                PROVISION, "renew an imported certificate first; ACM renews its own while its validation record exists"
            ),
        ),
        _set(S.NO_REQUESTS),
    ),
    Rule(
        "the file system cannot be mounted, so no task starts",
        _set(S.VOLUME_NOT_MOUNTED),
        95,
        (
            Remedy(
                DRIFT,
                "it shows mount targets, their security groups and access points that are gone or changed; deploy.yml puts them right",
            ),
        ),
        _set(S.TASKS_MISSING, S.NO_HEALTHY_TARGET),
    ),
    Rule(
        "the image cannot be pulled",
        _set(S.IMAGE_NOT_PULLED),
        95,
        (_BACK_IF_CHANGED, Remedy(DRIFT, "it shows the repository, and the route or the endpoints to it")),
        _set(S.CHANGED, S.TASKS_MISSING),
        _set(S.ZONE_LOST),
    ),
    Rule(
        "a secret or a parameter cannot be read, so no task starts",
        _set(S.SECRETS_NOT_READ),
        95,
        (_BACK_IF_CHANGED, Remedy(DRIFT, "it shows the execution role and the network; the secret itself may be gone")),
        _set(S.CHANGED, S.TASKS_MISSING),
        _set(S.ZONE_LOST),
    ),
    Rule(
        "the program needs more memory than the task has: it is killed",
        _set(S.OUT_OF_MEMORY),
        95,
        (_BACK_IF_CHANGED, Remedy(DEPLOY, "raise service_memory first")),
        _set(S.MEMORY_RISING, S.MEMORY_HIGH, S.CHANGED),
    ),
    Rule(
        "the newest release ends by itself, again and again",
        _set(S.CRASHES, S.CRASHES_OF_RELEASE),
        90,
        (_BACK, _FORWARD),
        _set(S.TASKS_MISSING, S.NO_HEALTHY_TARGET, S.ERROR_LINES),
        _set(S.ZONE_LOST),
    ),
    Rule(
        "a zone was lost: its tasks ended or are not reached, those of other zones go on",
        _set(S.ZONE_LOST),
        90,
        (
            Remedy(
                STATUS,
                "ECS starts the missing tasks in the other zones by itself; raise service_desired_count if those are too few",
            ),
        ),
        _set(S.TASKS_MISSING),
    ),
    Rule(
        "the newest release fails on one route",
        _set(S.ERRORS, S.ERRORS_SINCE_RELEASE, S.ONE_ROUTE),
        85,
        (_BACK, _FORWARD),
        _set(S.ERRORS_OF_NEW_COLOUR, S.FAULTY_TRACES),
        _set(S.ERRORS_WITH_LOAD),
    ),
    Rule(
        "the newest release fails once it gets full traffic: it has a limit that the version before did not reach",
        _set(S.ERRORS, S.ERRORS_WITH_LOAD, S.ERRORS_SINCE_RELEASE),
        85,
        (_BACK, _FORWARD),
        _set(S.CPU_HIGH, S.MEMORY_HIGH, S.SLOW),
    ),
    Rule(
        "the newest release answers with errors",
        _set(S.ERRORS, S.ERRORS_SINCE_RELEASE),
        80,
        (_BACK, _FORWARD),
        _set(S.ERRORS_OF_NEW_COLOUR, S.ERROR_LINES, S.FAULTY_TRACES),
        _set(S.ONE_ROUTE, S.ERRORS_WITH_LOAD, S.CRASHES_OF_RELEASE),
    ),
    Rule(
        "a dependency of the service fails",
        _set(S.DEPENDENCY_FAILS),
        75,
        (_READ_LOG,),
        _set(S.ERRORS, S.FAULTY_TRACES),
    ),
    Rule(
        "a dependency of the service is slow",
        _set(S.DEPENDENCY_SLOW),
        65,
        (_READ_LOG,),
        _set(S.SLOW, S.ERRORS, S.DATABASE_BUSY, S.FILES_AT_IO_LIMIT),
    ),
    Rule(
        "the program does not listen on the port that the load balancer asks",
        _set(S.NO_ANSWER_TO_HEALTH_CHECK, S.LISTENS_ELSEWHERE),
        85,
        (_BACK_IF_CHANGED, Remedy(DEPLOY, "set service_port to the port that the program listens on")),
        _set(S.UNHEALTHY_OF_RELEASE, S.STOPPED_WHILE_STARTING, S.NO_HEALTHY_TARGET),
        _set(S.CRASHES),
    ),
    Rule(
        "the tasks need longer to start than they are given",
        frozenset(),
        65,
        (
            Remedy(
                ROLLBACK,
                "or raise service_health_check_grace_seconds and release again",
                _set(S.UNHEALTHY_OF_RELEASE, S.WAY_BACK),
            ),
            Remedy(DEPLOY, "raise service_health_check_grace_seconds first"),
        ),
        _set(S.UNHEALTHY_OF_RELEASE, S.CPU_HIGH, S.BAD_ANSWER_TO_HEALTH_CHECK),
        _set(S.LISTENS_ELSEWHERE, S.CRASHES),
        _set(S.STOPPED_WHILE_STARTING, S.STILL_STARTING),
    ),
    Rule(
        "the tasks run and do not answer their health check: a wrong port, a security group, or a program that hangs",
        _set(S.NO_ANSWER_TO_HEALTH_CHECK),
        60,
        (
            _BACK_IF_CHANGED,
            Remedy(DRIFT, "it shows ports, security groups and health checks that differ from the inventory"),
        ),
        _set(S.UNHEALTHY_OF_RELEASE, S.NO_HEALTHY_TARGET),
        _set(S.LISTENS_ELSEWHERE, S.CRASHES),
    ),
    Rule(
        "the tasks answer their health check with an error: what they depend on is missing",
        _set(S.BAD_ANSWER_TO_HEALTH_CHECK),
        62,
        (_BACK_IF_CHANGED, _READ_LOG),
        _set(S.UNHEALTHY_OF_RELEASE, S.NO_HEALTHY_TARGET, S.ERROR_LINES),
        _set(S.CRASHES),
    ),
    Rule(
        "the program ends by itself, again and again",
        _set(S.CRASHES),
        70,
        (_BACK_IF_CHANGED, _READ_LOG),
        _set(S.TASKS_MISSING, S.NO_HEALTHY_TARGET, S.ERROR_LINES),
        _set(S.CRASHES_OF_RELEASE, S.ZONE_LOST),
    ),
    Rule(
        "the newest release is slower",
        _set(S.SLOW, S.SLOW_SINCE_RELEASE),
        60,
        (_BACK, _FORWARD),
        _set(S.CPU_HIGH),
        _set(S.DEPENDENCY_SLOW),
    ),
    Rule(
        "the tasks have too little CPU for their traffic",
        _set(S.CPU_HIGH),
        62,
        (
            Remedy(DEPLOY, "raise autoscaling_maximum first", _set(S.AT_MAXIMUM)),
            Remedy(DEPLOY, "raise service_desired_count or service_cpu first"),
        ),
        _set(S.AT_MAXIMUM, S.SLOW),
    ),
    Rule(
        "the program leaks memory: it will be killed",
        _set(S.MEMORY_RISING),
        60,
        (_BACK_IF_CHANGED, Remedy(DEPLOY, "a release starts new tasks; raise service_memory to gain time")),
        _set(S.MEMORY_HIGH, S.CHANGED),
        _set(S.OUT_OF_MEMORY),
    ),
    Rule(
        "the tasks have too little memory",
        _set(S.MEMORY_HIGH),
        58,
        (Remedy(DEPLOY, "raise service_memory first"),),
        _set(S.AT_MAXIMUM),
        _set(S.MEMORY_RISING, S.OUT_OF_MEMORY),
    ),
    Rule(
        "the file system is at its limit of operations",
        _set(S.FILES_AT_IO_LIMIT),
        60,
        (_READ_LOG,),
        _set(S.SLOW, S.FILES_WITHOUT_CREDITS),
    ),
    Rule(
        "the file system runs out of burst credits, and will be slow",
        _set(S.FILES_WITHOUT_CREDITS),
        45,
        (Remedy(PROVISION, "set file_system_throughput_mode to elastic first"),),
        _set(S.SLOW),
    ),
    Rule(
        "the database has no storage left",
        _set(S.DATABASE_FULL),
        80,
        (Remedy(PROVISION, "raise database_allocated_gib first"),),
        _set(S.ERRORS, S.ERROR_LINES),
    ),
    Rule(
        "the database's CPU is used up",
        _set(S.DATABASE_BUSY),
        58,
        (Remedy(PROVISION, "set a larger database_instance_class first"),),
        _set(S.SLOW, S.ERRORS),
    ),
    Rule(
        "ECS cannot place tasks: Fargate has no capacity there, or the subnets have no address left",
        _set(S.NOT_PLACED),
        80,
        (Remedy(STATUS, "ECS tries again by itself"),),
        _set(S.TASKS_MISSING),
    ),
    Rule(
        "a task was killed; ECS replaces it",
        _set(S.TASK_KILLED),
        50,
        (Remedy(STATUS, "nothing is to be done if all tasks are healthy again"),),
        _set(S.TASKS_MISSING),
        _set(S.ZONE_LOST, S.CRASHES, S.OUT_OF_MEMORY),
    ),
    Rule(
        "one route of the service fails, and no release began it",
        _set(S.ERRORS, S.ONE_ROUTE),
        55,
        (_READ_LOG,),
        _set(S.FAULTY_TRACES, S.DEPENDENCY_FAILS),
        _set(S.ERRORS_SINCE_RELEASE),
    ),
    Rule(
        "the service has more traffic than it can answer",
        _set(S.ERRORS, S.ERRORS_WITH_LOAD),
        60,
        (
            Remedy(DEPLOY, "raise autoscaling_maximum first", _set(S.AT_MAXIMUM)),
            Remedy(DEPLOY, "raise service_desired_count first"),
        ),
        _set(S.CPU_HIGH, S.MEMORY_HIGH, S.AT_MAXIMUM, S.SLOW),
        _set(S.ERRORS_SINCE_RELEASE),
    ),
    Rule(
        "a release was left by its controller",
        _set(S.RELEASE_LOST),
        50,
        (_BACK, Remedy(RELEASE, "the same version again: it goes on where it was left")),
    ),
    Rule(
        "a release failed, and traffic was left where it is",
        _set(S.RELEASE_FAILED),
        70,
        (_BACK, Remedy(STATUS)),
        _set(S.ERRORS, S.NO_HEALTHY_TARGET),
    ),
    Rule(
        "AWS throttles calls of this account: what could not be read may be wrong too",
        _set(S.THROTTLED),
        45,
        (Remedy(TRIAGE, "in a minute; find what else calls AWS this often"),),
    ),
    Rule(
        "the certificate expires soon",
        _set(S.CERTIFICATE_EXPIRES),
        40,
        (
            Remedy(
                PROVISION, "renew an imported certificate first; ACM renews its own while its validation record exists"
            ),
        ),
    ),
    Rule(
        "the rule, the tasks or the scheduled scale-ins disagree with the ledger",
        _set(S.DISAGREEMENT),
        40,
        (Remedy(STATUS, "the next release or rollback puts it right"),),
        _set(S.NO_HEALTHY_TARGET),
    ),
    Rule(
        "no task of the service is healthy, and nothing says why",
        _set(S.NO_HEALTHY_TARGET),
        30,
        (_BACK_IF_CHANGED, Remedy(DRIFT, "it shows what differs from the inventory")),
        _set(S.TASKS_MISSING, S.BALANCER_ERRORS),
    ),
    Rule(
        "tasks are missing, and nothing says why",
        _set(S.TASKS_MISSING),
        25,
        (Remedy(STATUS),),
        frozenset(),
        _set(
            S.NO_HEALTHY_TARGET,
            S.CRASHES,
            S.TASK_KILLED,
            S.ZONE_LOST,
            S.OUT_OF_MEMORY,
            S.VOLUME_NOT_MOUNTED,
            S.NOT_PLACED,
        ),
    ),
    Rule(
        "the service answers with errors, and no release began it",
        _set(S.ERRORS),
        20,
        (_READ_LOG,),
        _set(S.ERROR_LINES, S.FAULTY_TRACES, S.BALANCER_ERRORS),
        _set(S.ERRORS_SINCE_RELEASE, S.ONE_ROUTE, S.ERRORS_WITH_LOAD),
    ),
    Rule(
        "the service is slower than before, and no release began it",
        _set(S.SLOW),
        20,
        (_READ_LOG,),
        frozenset(),
        _set(S.SLOW_SINCE_RELEASE, S.DEPENDENCY_SLOW, S.CPU_HIGH),
    ),
    Rule(
        "users do not reach the service by its name: Route 53's health check of it fails",
        _set(S.NOT_REACHED),
        20,
        (
            Remedy(
                DRIFT,
                "it shows names in DNS, listeners, rules and security groups that differ; if none does, look at the domain's registration",
            ),
        ),
        _set(S.NO_REQUESTS),
        _set(S.CERTIFICATE_EXPIRED, S.NO_HEALTHY_TARGET, S.ERRORS),
    ),
    Rule(
        "users send nothing, or do not reach the load balancer",
        _set(S.NO_REQUESTS),
        20,
        (Remedy(DRIFT, "it shows names in DNS, listeners and rules that differ from the inventory"),),
        frozenset(),
        _set(S.CERTIFICATE_EXPIRED, S.NO_HEALTHY_TARGET),
    ),
)
