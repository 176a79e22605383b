# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the collection made for an environment, found by tags, and by names where AWS has no tags: one function per service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..aws import acm, autoscaling, cloudwatch, efs, elbv2, environment, route53
from ..aws.environment import tags_of
from ..aws.errors import aws_call, is_code
from ..aws.naming import COLOURS, TAG_ENVIRONMENT, TAG_SERVICE, EnvironmentNames, ServiceNames
from ..aws.route53 import metrics_region
from ..aws.session import Aws
from ..service.alias_records import Balancer, bare, leftovers
from . import teardown_backup as backup_teardown
from . import teardown_rds as rds_teardown
from .teardown_order import Thing

_AT_ONCE = 8
# kind, operation, key of the answer, key of the id
_NETWORK = (
    ("VPC", "describe_vpcs", "Vpcs", "VpcId"),
    ("subnet", "describe_subnets", "Subnets", "SubnetId"),
    ("route table", "describe_route_tables", "RouteTables", "RouteTableId"),
    ("security group", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("internet gateway", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    (
        "egress-only gateway",
        "describe_egress_only_internet_gateways",
        "EgressOnlyInternetGateways",
        "EgressOnlyInternetGatewayId",
    ),
    ("NAT gateway", "describe_nat_gateways", "NatGateways", "NatGatewayId"),
    ("address", "describe_addresses", "Addresses", "AllocationId"),
    ("endpoint", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    ("flow log", "describe_flow_logs", "FlowLogs", "FlowLogId"),
)


def everything(aws: Aws, name: str, services: set[str]) -> list[Thing]:
    """All things of the environment but its names in DNS; services are those that the inventory knows."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        running = pool.submit(_ecs, aws, name)
        groups = pool.submit(_target_groups, aws, name)
        logs = pool.submit(_log_groups, aws, name)
        finders: list[Callable[[Aws, str], list[Thing]]] = [
            _balancer, _certificates, _roles, _ledger, _files, _topic, _alarms, _schedules,
            rds_teardown.databases, rds_teardown.parameter_groups, rds_teardown.log_groups,
            backup_teardown.plans_and_vaults,
        ]  # fmt: skip
        asked = [pool.submit(find, aws, name) for find in finders]
        asked += [pool.submit(_network, aws, name, *kind) for kind in _NETWORK]
        found = [thing for future in (running, groups, logs, *asked) for thing in future.result()]
        # An environment that is half there shows its services in one place or the other.
        services |= {
            one.detail for one in found if one.kind in {"ECS service", "target group", "log group"} and one.detail
        }
        asked = [pool.submit(find, aws, name, services) for find in (_task_definitions, _dashboards, _repositories)]
        return found + [thing for future in asked for thing in future.result()]


@aws_call("read the {kind}s of {name}")
def _network(aws: Aws, name: str, kind: str, operation: str, key: str, id_key: str) -> list[Thing]:
    client = aws.client("ec2")
    # Two operations name the parameter otherwise, in the service model itself.
    parameter = "Filter" if operation in {"describe_flow_logs", "describe_nat_gateways"} else "Filters"
    request = {parameter: [{"Name": f"tag:{TAG_ENVIRONMENT}", "Values": [name]}]}
    if client.can_paginate(operation):
        found = [one for page in client.get_paginator(operation).paginate(**request) for one in page[key]]
    else:
        found = getattr(client, operation)(**request)[key]
    # What is not ours is never removed, whatever an answer's filter let through.
    ours = [one for one in found if tags_of(dict(one)).get(TAG_ENVIRONMENT) == name]
    there = [one for one in ours if one.get("State", "") not in {"deleted", "deleting"}]
    things = [Thing(kind, one[id_key], _named(one, id_key), one) for one in there]
    if kind == "security group":
        # Groups name each other in their rules: all rules go before the first group.
        things += [Thing("security group rules", f"{one[id_key]} rules", _named(one, id_key), one) for one in there]
    return things


def _named(one: Mapping[str, Any], id_key: str) -> str:
    name = tags_of(dict(one)).get("Name", "")
    return f"{name} ({one[id_key]})" if name else one[id_key]


@aws_call("read the services of cluster {name}")
def _ecs(aws: Aws, name: str) -> list[Thing]:
    client = aws.client("ecs")
    found = client.describe_clusters(clusters=[EnvironmentNames(name).cluster], include=["TAGS"])["clusters"]
    ours = [one for one in found if one["status"] == "ACTIVE" and tags_of(one).get(TAG_ENVIRONMENT) == name]
    if not ours:
        return []
    cluster = ours[0]["clusterName"]
    pages = client.get_paginator("list_services").paginate(cluster=cluster)
    names = [arn.rpartition("/")[2] for page in pages for arn in page["serviceArns"]]
    scaled = autoscaling.scalable_targets(aws, cluster, names) if names else {}
    things = [Thing("cluster", ours[0]["clusterArn"], cluster)]
    things += [Thing("autoscaling", f"{cluster}/{one}", one, cluster) for one in scaled]
    things += [Thing("ECS service", f"{cluster} {one}", one, _service_of(one)) for one in names]
    return things


def _service_of(ecs_service: str) -> str:
    service, _, colour = ecs_service.rpartition("-")
    return service if colour in COLOURS else ""


@aws_call("read the task definitions of {name}")
def _task_definitions(aws: Aws, name: str, services: set[str]) -> list[Thing]:
    pager = aws.client("ecs").get_paginator("list_task_definitions")
    return [
        Thing("task definition", arn, arn.rpartition("/")[2])
        for service in sorted(services)
        for page in pager.paginate(familyPrefix=ServiceNames(name, service).family, status="ACTIVE")
        for arn in page["taskDefinitionArns"]
        # The API's prefix is the whole family; where it is taken for a prefix, others' families must not go.
        if arn.rpartition("/")[2].partition(":")[0] == ServiceNames(name, service).family
    ]


@aws_call("read the load balancer of {name}")
def _balancer(aws: Aws, name: str) -> list[Thing]:
    found = environment.load_balancer(aws, EnvironmentNames(name).load_balancer)
    if (
        found is None
        or elbv2.tags(aws, [found["LoadBalancerArn"]])[found["LoadBalancerArn"]].get(TAG_ENVIRONMENT) != name
    ):
        return []
    answer = aws.client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=found["LoadBalancerArn"])
    attributes = {one["Key"]: one["Value"] for one in answer["Attributes"]}
    guarded = attributes.get("deletion_protection.enabled") == "true"
    why = (
        "deletion protection is on; set load_balancer_deletion_protection to false and run provision.yml"
        if guarded
        else ""
    )
    return [Thing("load balancer", found["LoadBalancerArn"], found["LoadBalancerName"], found, protected=why)]


@aws_call("read the target groups of {name}")
def _target_groups(aws: Aws, name: str) -> list[Thing]:
    pages = aws.client("elbv2").get_paginator("describe_target_groups").paginate()
    # Names are cut to fit, but never their beginning.
    arns = [
        one["TargetGroupArn"]
        for page in pages
        for one in page["TargetGroups"]
        if one["TargetGroupName"].startswith(name)
    ]
    return [
        Thing("target group", arn, arn.split("/")[1], tags.get(TAG_SERVICE, ""))
        for arn, tags in elbv2.tags(aws, arns).items()
        if tags.get(TAG_ENVIRONMENT) == name
    ]


def _certificates(aws: Aws, name: str) -> list[Thing]:
    return [
        Thing("certificate", one["CertificateArn"], one["DomainName"])
        for one in acm.certificates(aws)
        if acm.tags(aws, one["CertificateArn"]).get(TAG_ENVIRONMENT) == name
    ]


@aws_call("read the log groups of {name}")
def _log_groups(aws: Aws, name: str) -> list[Thing]:
    prefix = f"/pear/{name}/"
    pages = aws.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
    names = [group["logGroupName"] for page in pages for group in page["logGroups"]]
    return [Thing("log group", one, one, one.removeprefix(prefix).partition("/")[0]) for one in names]


@aws_call("read the roles of {name}")
def _roles(aws: Aws, name: str) -> list[Thing]:
    client = aws.client("iam")
    pages = client.get_paginator("list_roles").paginate()
    names = [role["RoleName"] for page in pages for role in page["Roles"] if role["RoleName"].startswith(f"{name}-")]
    return [
        Thing("role", one, one)
        for one in names
        if tags_of(client.list_role_tags(RoleName=one)).get(TAG_ENVIRONMENT) == name
    ]


@aws_call("read the ledger of {name}")
def _ledger(aws: Aws, name: str) -> list[Thing]:
    client, table = aws.client("dynamodb"), EnvironmentNames(name).ledger
    try:
        found = client.describe_table(TableName=table)["Table"]
    except client.exceptions.ClientError as cause:
        if is_code(cause, "ResourceNotFoundException"):
            return []
        raise
    if found["TableStatus"] == "DELETING":
        return []
    why = "its deletion protection is on; switch it off first" if found.get("DeletionProtectionEnabled") else ""
    return [Thing("ledger", table, table, protected=why)]


def _files(aws: Aws, name: str) -> list[Thing]:
    found = efs.find_file_system(aws, name)
    if found is None or efs.from_pairs(found.get("Tags")).get(TAG_ENVIRONMENT) != name:
        return []
    file_system = found["FileSystemId"]
    if found["LifeCycleState"] in {"deleting", "deleted"}:
        return []
    targets = [Thing("mount target", one["MountTargetId"]) for one in efs.mount_targets(aws, file_system)]
    points = [Thing("access point", one["AccessPointId"]) for one in efs.access_points(aws, file_system)]
    return [Thing("file system", file_system, f"{name} ({file_system})"), *targets, *points]


@aws_call("read the topic of {name}")
def _topic(aws: Aws, name: str) -> list[Thing]:
    wanted = EnvironmentNames(name).alarm_topic
    pages = aws.client("sns").get_paginator("list_topics").paginate()
    arns = [one["TopicArn"] for page in pages for one in page["Topics"]]
    return [
        Thing("topic", arn, wanted, aws.region)
        for arn in arns
        if arn.rpartition(":")[2] == wanted
        and tags_of(aws.client("sns").list_tags_for_resource(ResourceArn=arn)).get(TAG_ENVIRONMENT) == name
    ]


@aws_call("read the schedules of {name}")
def _schedules(aws: Aws, name: str) -> list[Thing]:
    """The group goes with all that is in it."""
    client = aws.client("scheduler")
    try:
        found = client.get_schedule_group(Name=name)
    except client.exceptions.ResourceNotFoundException:
        return []
    tags = tags_of(client.list_tags_for_resource(ResourceArn=found["Arn"]))
    if found["State"] == "DELETING" or tags.get(TAG_ENVIRONMENT) != name:
        return []
    return [Thing("schedules", name, name)]


def _alarms(aws: Aws, name: str) -> list[Thing]:
    found = cloudwatch.metric_alarms(aws, f"{name}/")
    return [Thing("alarm", one["AlarmName"], one["AlarmName"], aws.region) for one in found]


def beside_health_checks(aws: Aws, name: str) -> list[Thing]:
    """Alarms and their topic where Route 53 keeps its metrics, unless that is the environment's region anyway."""
    region = metrics_region(aws.region)
    there = aws.elsewhere(region)
    return [] if there is aws else [*_alarms(there, name), *_topic(there, name)]


def _dashboards(aws: Aws, name: str, services: set[str]) -> list[Thing]:
    ours = {ServiceNames(name, service).dashboard for service in services}
    return [Thing("dashboard", one, one) for one in cloudwatch.dashboards(aws, f"{name}-") if one in ours]


@aws_call("read the repositories of {name}")
def _repositories(aws: Aws, name: str, services: set[str]) -> list[Thing]:
    """Repositories are shared by the environments of an account: theirs is the service's name alone."""
    client = aws.client("ecr")
    found = [one for page in client.get_paginator("describe_repositories").paginate() for one in page["repositories"]]
    ours = [one for one in found if one["repositoryName"] in services]
    return [
        Thing("repository", one["repositoryName"], one["repositoryName"])
        for one in ours
        if tags_of(client.list_tags_for_resource(resourceArn=one["repositoryArn"])).get(TAG_SERVICE) in services
    ]


def health_checks(aws: Aws, name: str) -> list[Thing]:
    found = route53.health_checks(aws, f"pear:{name}:")
    return [
        Thing("health check", one["Id"], one["HealthCheckConfig"].get("FullyQualifiedDomainName", "")) for one in found
    ]


def names_in_dns(aws: Aws, name: str, zone: str, certificates: Sequence[str]) -> list[Thing]:
    """Records that lead to the environment's load balancer or prove its certificates, and the zone if it is its own."""
    zone_id = route53.find_zone(aws, zone)
    if zone_id is None:
        return []
    found = route53.all_records(aws, zone_id)
    balancer = environment.load_balancer(aws, EnvironmentNames(name).load_balancer) or {}
    ours = leftovers(found, Balancer(EnvironmentNames(name).load_balancer, balancer.get("DNSName", ""), ""))
    proofs = {
        bare(option["ResourceRecord"]["Name"])
        for arn in certificates
        for option in acm.describe_certificate(aws, arn).get("DomainValidationOptions", [])
        if "ResourceRecord" in option
    }
    ours += [one for one in found if one["Type"] == "CNAME" and bare(one["Name"]) in proofs]
    things = [
        Thing("DNS record", f"{one['Name']} {one['Type']} {one.get('SetIdentifier', '')}".strip(), "", (zone_id, one))
        for one in ours
    ]
    others = [one for one in found if one not in ours and one["Type"] not in {"NS", "SOA"}]
    if not others and route53.zone_tags(aws, zone_id).get(TAG_ENVIRONMENT) == name:
        things.append(Thing("hosted zone", zone_id, zone))
    return things
