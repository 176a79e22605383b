# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon Route 53: one function per call."""

from __future__ import annotations

from typing import Any

from .errors import aws_call
from .session import Aws


@aws_call("find the hosted zone of {name}")
def find_zone(aws: Aws, name: str) -> str | None:
    """Id of the public hosted zone with exactly this name."""
    wanted = name.rstrip(".") + "."
    zones = aws.client("route53").list_hosted_zones_by_name(DNSName=wanted, MaxItems="10")["HostedZones"]
    found = [zone for zone in zones if zone["Name"] == wanted and not zone["Config"].get("PrivateZone")]
    return found[0]["Id"].rpartition("/")[2] if found else None


@aws_call("read record {name} {record_type} of zone {zone_id}")
def records(aws: Aws, zone_id: str, name: str, record_type: str) -> list[dict[str, Any]]:
    """All record sets of this name and type; several where they are weighted or for failover."""
    wanted = name.rstrip(".").lower() + "."
    answer = aws.client("route53").list_resource_record_sets(
        HostedZoneId=zone_id, StartRecordName=wanted, StartRecordType=record_type, MaxItems="100"
    )
    return [
        record
        for record in answer["ResourceRecordSets"]
        if record["Name"].replace("\\052", "*").lower() == wanted and record["Type"] == record_type
    ]


@aws_call("change the records of zone {zone_id}")
def upsert(aws: Aws, zone_id: str, record_sets: list[dict[str, Any]], comment: str) -> str:
    """Write record sets in one batch; return the id of the change."""
    changes = [{"Action": "UPSERT", "ResourceRecordSet": record} for record in record_sets]
    answer = aws.client("route53").change_resource_record_sets(
        HostedZoneId=zone_id, ChangeBatch={"Comment": comment, "Changes": changes}
    )
    return answer["ChangeInfo"]["Id"]
