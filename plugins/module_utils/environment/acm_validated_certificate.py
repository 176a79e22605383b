# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure a public certificate for a domain: find it, or request it, validate it by DNS records and wait."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..aws import acm, route53
from ..aws.errors import Failure
from ..aws.session import Aws
from ..common.invocation import Invocation
from ..common.waiting import Wait, wait_until

_RECORD_SECONDS = 60
_POLL_SECONDS = 3
_ISSUER = "AMAZON_ISSUED"


def run(call: Invocation) -> dict[str, Any]:
    """Return the ARN of an issued certificate for the domain and exactly the given alternative names."""
    desired, aws = call.params, call.aws
    names = {desired["domain"], *desired["alternative_names"]}
    found = _find(aws, desired["domain"], names)
    before: dict[str, Any] = {"status": found["Status"] if found else None, "records": []}
    changed = found is None
    if found is None:
        if call.check_mode:
            return _answer(True, None, "would be requested", [], before)
        arn = acm.request_certificate(
            aws, desired["domain"], sorted(desired["alternative_names"]), desired["key_algorithm"], desired["tags"]
        )
        call.progress.line(f"requested a certificate for {', '.join(sorted(names))}")
        found = _await_records(call, arn)
    records = validation_records(found)
    if found["Status"] == "PENDING_VALIDATION":
        changed = _prove(call, records) or changed
        if not call.check_mode and desired["wait"]:
            found = _await_issue(call, found["CertificateArn"], records)
    return _answer(changed, found["CertificateArn"], found["Status"], records, before)


def _find(aws: Aws, domain: str, names: set[str]) -> dict[str, Any] | None:
    """An issued certificate, otherwise a pending one."""
    candidates = [summary for summary in acm.certificates(aws) if summary["DomainName"] == domain]
    described = [acm.describe_certificate(aws, summary["CertificateArn"]) for summary in candidates]
    fitting = [
        certificate
        for certificate in described
        if certificate.get("Type") == _ISSUER and set(certificate["SubjectAlternativeNames"]) == names
    ]
    return min(fitting, key=lambda certificate: certificate["Status"] != "ISSUED", default=None)


def validation_records(certificate: Mapping[str, Any]) -> list[dict[str, str]]:
    """The CNAME records that validate the names, without duplicates: a wildcard shares its parent's record."""
    found = {
        option["ResourceRecord"]["Name"]: option["ResourceRecord"]["Value"]
        for option in certificate.get("DomainValidationOptions", [])
        if "ResourceRecord" in option
    }
    return [{"name": name, "value": value} for name, value in sorted(found.items())]


def _await_records(call: Invocation, arn: str) -> dict[str, Any]:
    def named(found: Mapping[str, Any]) -> bool:
        options = found.get("DomainValidationOptions", [])
        return bool(options) and all("ResourceRecord" in option for option in options)

    return wait_until(
        call.clock,
        call.progress,
        Wait(
            what=f"the validation records of {arn}",
            observe=partial(acm.describe_certificate, call.aws, arn),
            done=named,
            seconds=_RECORD_SECONDS,
            state=lambda found: str(found["Status"]),
            longest_pause=_POLL_SECONDS,
        ),
    )


def _prove(call: Invocation, records: list[dict[str, str]]) -> bool:
    """Write the records that are missing or differ; write nothing without a hosted zone."""
    zone = _zone(call)
    if zone is None:
        return False
    missing = [
        record
        for record in records
        if [{"Value": record["value"]}]
        not in [found.get("ResourceRecords") for found in route53.records(call.aws, zone, record["name"], "CNAME")]
    ]
    if missing and not call.check_mode:
        sets = [
            {"Name": r["name"], "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": r["value"]}]}
            for r in missing
        ]
        route53.upsert(call.aws, zone, sets, "Proof of ownership for AWS Certificate Manager")
        call.progress.line(f"wrote {len(missing)} validation records into zone {zone}")
    return bool(missing)


def _zone(call: Invocation) -> str | None:
    name = call.params["zone"]
    if name is None:
        return None
    found = route53.find_zone(call.aws, name)
    if found is None:
        raise Failure(
            f"Route 53 has no public hosted zone named {name} in this account, so the certificate cannot be proven there. "
            "Create the zone and delegate the domain to it, or leave zone out and write the returned records yourself."
        )
    return found


def _await_issue(call: Invocation, arn: str, records: list[dict[str, str]]) -> dict[str, Any]:
    desired = "; ".join(f"{record['name']} CNAME {record['value']}" for record in records)
    found = wait_until(
        call.clock,
        call.progress,
        Wait(
            what=f"ACM to issue {arn}",
            observe=partial(acm.describe_certificate, call.aws, arn),
            done=lambda found: found["Status"] != "PENDING_VALIDATION",
            seconds=call.params["timeout_seconds"],
            state=lambda found: str(found["Status"]),
            advice=f"ACM looks for these records in public DNS: {desired}. Check that the name servers of the domain are "
            "those of the hosted zone, then run the playbook again.",
            longest_pause=_POLL_SECONDS,
        ),
    )
    if found["Status"] != "ISSUED":
        raise Failure(f"ACM ended {arn} as {found['Status']}: {found.get('FailureReason', 'no reason given')}.")
    return found


def _answer(
    changed: bool, arn: str | None, status: str, records: list[dict[str, str]], before: dict[str, Any]
) -> dict[str, Any]:
    return {
        "changed": changed,
        "certificate_arn": arn,
        "status": status,
        "validation_records": records,
        "diff": {"before": before, "after": {"status": status, "records": records}},
    }
