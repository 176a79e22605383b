# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon Route 53: one function per call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .errors import aws_call
from .session import Aws
from .tags import tag_list, tags_of


@aws_call("find the hosted zone of {name}")
def find_zone(aws: Aws, name: str) -> str | None:
    """Id of the public hosted zone with exactly this name."""
    desired = name.rstrip(".") + "."
    zones = aws.client("route53").list_hosted_zones_by_name(DNSName=desired, MaxItems="10")["HostedZones"]
    found = [zone for zone in zones if zone["Name"] == desired and not zone["Config"].get("PrivateZone")]
    return found[0]["Id"].rpartition("/")[2] if found else None


@aws_call("read record {name} {record_type} of zone {zone_id}")
def records(aws: Aws, zone_id: str, name: str, record_type: str) -> list[dict[str, Any]]:
    """All record sets of this name and type; weighted and failover records are several."""
    desired = name.rstrip(".").lower() + "."
    answer = aws.client("route53").list_resource_record_sets(
        HostedZoneId=zone_id, StartRecordName=desired, StartRecordType=record_type, MaxItems="100"
    )
    return [
        record
        for record in answer["ResourceRecordSets"]
        if record["Name"].replace("\\052", "*").lower() == desired and record["Type"] == record_type
    ]


@aws_call("read the records of {name} in zone {zone_id}")
def records_of(aws: Aws, zone_id: str, name: str) -> list[dict[str, Any]]:
    """All record sets of this name, of whatever type."""
    desired = name.rstrip(".").lower() + "."
    pages = (
        aws.client("route53")
        .get_paginator("list_resource_record_sets")
        .paginate(HostedZoneId=zone_id, StartRecordName=desired, PaginationConfig={"PageSize": 100})
    )
    found: list[dict[str, Any]] = []
    for page in pages:
        here = [
            record for record in page["ResourceRecordSets"] if record["Name"].replace("\\052", "*").lower() == desired
        ]
        found += here
        # Records are sorted by name: the first other name ends the search.
        if len(here) < len(page["ResourceRecordSets"]):
            break
    return found


@aws_call("read the records of zone {zone_id}")
def all_records(aws: Aws, zone_id: str) -> list[dict[str, Any]]:
    pages = aws.client("route53").get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone_id)
    return [record for page in pages for record in page["ResourceRecordSets"]]


@aws_call("change the records of zone {zone_id}")
def upsert(aws: Aws, zone_id: str, record_sets: list[dict[str, Any]], comment: str) -> str:
    """Write record sets in one batch; return the id of the change."""
    changes = [{"Action": "UPSERT", "ResourceRecordSet": record} for record in record_sets]
    answer = aws.client("route53").change_resource_record_sets(
        HostedZoneId=zone_id, ChangeBatch={"Comment": comment, "Changes": changes}
    )
    return answer["ChangeInfo"]["Id"]


@aws_call("change the records of zone {zone_id}")
def change(aws: Aws, zone_id: str, changes: Sequence[dict[str, Any]], comment: str) -> str:
    """Carry out a change batch as a whole; return its id."""
    answer = aws.client("route53").change_resource_record_sets(
        HostedZoneId=zone_id, ChangeBatch={"Comment": comment, "Changes": list(changes)}
    )
    return answer["ChangeInfo"]["Id"]


@aws_call("read the state of change {change_id}")
def change_status(aws: Aws, change_id: str) -> str:
    """PENDING until every name server of Route 53 answers with the change, then INSYNC."""
    return aws.client("route53").get_change(Id=change_id)["ChangeInfo"]["Status"]


@aws_call("read the health checks")
def health_checks(aws: Aws, reference_prefix: str) -> list[dict[str, Any]]:
    """The account's health checks whose caller reference has this prefix."""
    pages = aws.client("route53").get_paginator("list_health_checks").paginate()
    return [
        health_check
        for page in pages
        for health_check in page["HealthChecks"]
        if health_check["CallerReference"].startswith(reference_prefix)
    ]


@aws_call("create health check {reference}")
def create_health_check(aws: Aws, reference: str, config: dict[str, Any]) -> str:
    answer = aws.client("route53").create_health_check(CallerReference=reference, HealthCheckConfig=config)
    return answer["HealthCheck"]["Id"]


@aws_call("change health check {health_check_id}")
def update_health_check(aws: Aws, health_check_id: str, config: dict[str, Any]) -> None:
    aws.client("route53").update_health_check(HealthCheckId=health_check_id, **config)


@aws_call("delete health check {health_check_id}")
def delete_health_check(aws: Aws, health_check_id: str) -> None:
    aws.client("route53").delete_health_check(HealthCheckId=health_check_id)


@aws_call("read the tags of health check {health_check_id}")
def health_check_tags(aws: Aws, health_check_id: str) -> dict[str, str]:
    answer = aws.client("route53").list_tags_for_resource(ResourceType="healthcheck", ResourceId=health_check_id)
    return tags_of(answer["ResourceTagSet"])


@aws_call("tag health check {health_check_id}")
def tag_health_check(aws: Aws, health_check_id: str, tags: dict[str, str]) -> None:
    aws.client("route53").change_tags_for_resource(
        ResourceType="healthcheck",
        ResourceId=health_check_id,
        AddTags=tag_list(tags),
    )


@aws_call("untag health check {health_check_id}")
def untag_health_check(aws: Aws, health_check_id: str, keys: list[str]) -> None:
    aws.client("route53").change_tags_for_resource(
        ResourceType="healthcheck", ResourceId=health_check_id, RemoveTagKeys=keys
    )


@aws_call("read the tags of zone {zone_id}")
def zone_tags(aws: Aws, zone_id: str) -> dict[str, str]:
    answer = aws.client("route53").list_tags_for_resource(ResourceType="hostedzone", ResourceId=zone_id)
    return tags_of(answer["ResourceTagSet"])


_REGIONS = {"cn-": "cn-northwest-1", "us-gov-": "us-gov-west-1"}


def metrics_region(region: str) -> str:
    """The region that keeps the metrics of health checks, of the partition that `region` is in."""
    return next((source for prefix, source in _REGIONS.items() if region.startswith(prefix)), "us-east-1")


@aws_call("delete hosted zone {zone_id}")
def delete_zone(aws: Aws, zone_id: str) -> None:
    aws.client("route53").delete_hosted_zone(Id=zone_id)
