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
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import is_ours
from ..common.resource import TagCalls, put_tags_right
from ..common.waiting import Wait, wait_until
from .absent import remove_all
from .teardown_order import Resource

_RECORD_SECONDS = 60
_POLL_SECONDS = 3
_ISSUER = "AMAZON_ISSUED"


def run(call: Invocation) -> dict[str, Any]:
    """Return the ARN of an issued certificate for the domain and exactly the given alternative names; or remove ours."""
    desired, aws = call.params, call.aws
    names = {desired["domain"], *desired["alternative_names"]}
    fitting = _fitting(aws, desired["domain"], names)
    if desired["state"] == "absent":
        return _absent(call, fitting)
    # An issued certificate, otherwise a pending one.
    found = min(fitting, key=lambda certificate: certificate["Status"] != "ISSUED", default=None)
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
    tagged = _tags(call, found["CertificateArn"])
    records = validation_records(found)
    if found["Status"] == "PENDING_VALIDATION":
        changed = _prove(call, records) or changed
        if not call.check_mode and desired["wait"]:
            found = _await_issue(call, found["CertificateArn"], records)
    answer = _answer(changed or bool(tagged.after), found["CertificateArn"], found["Status"], records, before)
    answer["diff"]["before"] |= tagged.before
    answer["diff"]["after"] |= tagged.after
    return answer


def _absent(call: Invocation, fitting: list[dict[str, Any]]) -> dict[str, Any]:
    """Several certificates may have the same names: those of others stay. Validation records stay, which they may share."""
    ours = [found for found in fitting if is_ours(acm.tags(call.aws, found["CertificateArn"]), call.params["tags"])]
    resources = [Resource("certificate", found["CertificateArn"], found["CertificateArn"]) for found in ours]
    changes, _kept = remove_all(call, resources)
    answer = _answer(bool(changes.after), ours[0]["CertificateArn"] if ours else None, "", [], {})
    return {**answer, "diff": {"before": changes.before, "after": changes.after}}


def _tags(call: Invocation, arn: str) -> Changes:
    """Tags of our certificate; one of others is used as it is."""
    changes, known = Changes(call.check_mode), acm.tags(call.aws, arn)
    if is_ours(known, call.params["tags"]):
        calls = TagCalls(lambda: known, partial(acm.tag, call.aws, arn), partial(acm.untag, call.aws, arn))
        put_tags_right(changes, call.params, calls)
    return changes


def _fitting(aws: Aws, domain: str, names: set[str]) -> list[dict[str, Any]]:
    """The certificates of ACM's own authority with exactly these names."""
    candidates = [summary for summary in acm.certificates(aws) if summary["DomainName"] == domain]
    described = [acm.describe_certificate(aws, summary["CertificateArn"]) for summary in candidates]
    return [
        certificate
        for certificate in described
        if certificate.get("Type") == _ISSUER and set(certificate["SubjectAlternativeNames"]) == names
    ]


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
