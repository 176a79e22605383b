# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fail if an image's scan found more than the limits allow, or if there is no result and no option permits that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..aws import ecr
from ..aws.errors import Failure
from ..common.invocation import Invocation
from ..common.waiting import Wait, WaitTimeoutError, wait_until

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED", "UNTRIAGED")
# COMPLETE is a basic scan's word, ACTIVE an enhanced one's, which goes on as long as the image is there.
_DONE = {"COMPLETE", "ACTIVE"}
_TO_COME = {"PENDING", "IN_PROGRESS", "NONE"}
_POLL_SECONDS = 3.0
_SHOWN = 10


def run(call: Invocation) -> dict[str, Any]:
    """Return counts by severity; Failure where there are more than the limits allow."""
    desired = call.params
    repository, digest = desired["repository"], desired["digest"]
    status, findings = _scanned(call)
    if status not in _DONE:
        why = f"image {digest} of repository {repository} has no result of a scan ({status})"
        if desired["without_result"] == "pass":
            return {"changed": False, "status": status, "counts": {}, "warnings": [f"{why}; it passes all the same"]}
        raise Failure(
            f"{why}, so it does not pass. `aws ecr start-image-scan --repository-name {repository} --image-id imageDigest={digest}` "
            "starts one, and registry_scan_on_push scans what is pushed; without_result: pass lets it through.",
            status=status,
        )
    judged, put_aside = split(findings, desired["ignore"])
    counts = dict(Counter(finding["severity"] for finding in judged))
    too_many = excess(counts, desired["limits"])
    answer = {
        "changed": False,
        "status": status,
        "counts": counts,
        "ignored": sorted({finding["name"] for finding in put_aside}),
    }
    if too_many:
        serious = [finding for severity in too_many for finding in judged if finding["severity"] == severity]
        shown = "".join(
            f"\n  - {finding['severity']} {finding['name']} {finding['package']}".rstrip()
            for finding in serious[:_SHOWN]
        )
        more = f"\n  and {len(serious) - _SHOWN} more" if len(serious) > _SHOWN else ""
        counted = ", ".join(f"{counts[severity]} {severity} (allowed {limit})" for severity, limit in too_many.items())
        raise Failure(
            f"The scan of {repository}@{digest} found {counted}, so it is not released. Rebuild it on a patched base image, or name a "
            f"finding that does not concern you in ignore, with the reason:{shown}{more}",
            **answer,
        )
    return answer


def split(
    findings: Sequence[Mapping[str, Any]], ignore: Mapping[str, str]
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Those that count, and those whose names are put aside."""
    return [finding for finding in findings if finding["name"] not in ignore], [
        finding for finding in findings if finding["name"] in ignore
    ]


def excess(counts: Mapping[str, int], limits: Mapping[str, int]) -> dict[str, int]:
    """The limits that are broken, the worst severity first. A severity without a limit is not limited."""
    known = {severity.upper(): int(limit) for severity, limit in limits.items()}
    return {
        severity: known[severity]
        for severity in SEVERITIES
        if severity in known and counts.get(severity, 0) > known[severity]
    }


def _scanned(call: Invocation) -> tuple[str, list[dict[str, Any]]]:
    repository, digest = call.params["repository"], call.params["digest"]
    scan: Wait[tuple[str, list[dict[str, Any]]]] = Wait(
        what=f"the scan of {repository}",
        observe=partial(ecr.scan_findings, call.aws, repository, digest),
        done=lambda observed: observed[0] not in _TO_COME,
        seconds=call.params["timeout_seconds"],
        state=lambda observed: observed[0].lower().replace("_", " "),
        longest_pause=_POLL_SECONDS,
    )
    try:
        return wait_until(call.clock, call.progress, scan)
    except WaitTimeoutError as timeout:
        # An unfinished scan is a missing result, for which there is an option.
        status, findings = timeout.last
        return status, findings
