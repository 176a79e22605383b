# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What application and network load balancers have in common: making them, putting them right, waiting for them, removing them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..aws import elbv2
from ..aws.elbv2_states import LoadBalancerSettings
from ..aws.errors import Failure
from ..aws.naming import TAG_ENVIRONMENT
from ..common.changes import Changes
from ..common.invocation import Invocation, Run
from ..common.ownership import Existing, claim
from ..common.resource import TagCalls
from ..common.waiting import Wait, wait_until
from . import teardown_find
from .absent import remove_all

APPLICATION, NETWORK = "application", "network"
# ELB takes 2 to 3 minutes for one.
_ACTIVE_SECONDS = 600


def absent(call: Invocation, run: Run) -> dict[str, Any]:
    """Remove it, where it is ours."""
    found = elbv2.load_balancer(call.aws, call.params["name"])
    resources = []
    if found:
        _claim(call, run, found)
        resources = [teardown_find.load_balancer(call.aws, found, call.params["tags"].get(TAG_ENVIRONMENT, ""))]
    changes, _kept = remove_all(call, resources)
    return answer_of(changes, found)


def ensured(call: Invocation, run: Run, changes: Changes, kind: str) -> Mapping[str, Any] | None:
    """The load balancer, made, or put right as far as it was created with it; None in check mode where it would be made."""
    name = call.params["name"]
    found = elbv2.load_balancer(call.aws, name)
    if found is None:
        made: list[dict[str, Any]] = []
        changes.want("load_balancer", None, name, lambda: made.append(_create(call, kind)))
        return made[0] if made else None
    _claim(call, run, found)
    if found["Type"] != kind:
        raise Failure(
            f"Nothing was changed: load balancer {name} is of the type {found['Type']}, which ELB cannot change. Choose another name."
        )
    _in_place(call, changes, found)
    return found


def _claim(call: Invocation, run: Run, found: Mapping[str, Any]) -> None:
    arn = found["LoadBalancerArn"]
    known = elbv2.tags(call.aws, [arn])[arn]
    claim(call, run, call.params["tags"], [Existing("load_balancer", call.params["name"], known)])


def _create(call: Invocation, kind: str) -> dict[str, Any]:
    desired, name = call.params, call.params["name"]
    call.progress.line(f"creating load balancer {name}, which takes up to 3 minutes")
    settings = LoadBalancerSettings(
        scheme=desired["scheme"],
        address_type=desired["ip_address_type"],
        subnet_ids=desired["subnet_ids"],
        security_group_ids=desired["security_group_ids"],
        type=kind,
    )
    return elbv2.create_load_balancer(call.aws, name, settings, desired["tags"])


def put_attributes_right(call: Invocation, changes: Changes, arn: str, desired: Mapping[str, str]) -> None:
    current = elbv2.load_balancer_attributes(call.aws, arn)
    differ = {key: value for key, value in desired.items() if current.get(key) != value}
    changes.want(
        "attributes",
        {key: current.get(key) for key in differ},
        differ,
        partial(elbv2.set_load_balancer_attributes, call.aws, arn, differ),
    )


def _in_place(call: Invocation, changes: Changes, found: Mapping[str, Any]) -> None:
    """What a load balancer was created with; all but its scheme can be changed."""
    desired, arn = call.params, found["LoadBalancerArn"]
    if found["Scheme"] != desired["scheme"]:
        raise Failure(
            f"Nothing was changed: load balancer {desired['name']} is {found['Scheme']}, and ELB cannot make it "
            f"{desired['scheme']}. Set its scheme (load_balancer_scheme, or the one in load_balancer_further) to what it is, or destroy "
            "the load balancer first."
        )
    subnets = sorted(zone["SubnetId"] for zone in found["AvailabilityZones"])
    changes.want(
        "subnet_ids",
        subnets,
        sorted(desired["subnet_ids"]),
        partial(elbv2.set_subnets, call.aws, arn, desired["subnet_ids"]),
    )
    changes.want(
        "security_group_ids",
        sorted(found.get("SecurityGroups", [])),
        sorted(desired["security_group_ids"]),
        partial(elbv2.set_security_groups, call.aws, arn, desired["security_group_ids"]),
    )
    changes.want(
        "ip_address_type",
        found.get("IpAddressType", "ipv4"),
        desired["ip_address_type"],
        partial(elbv2.set_address_type, call.aws, arn, desired["ip_address_type"]),
    )


def tag_calls(call: Invocation, arn: str) -> TagCalls:
    aws = call.aws
    return TagCalls(
        lambda: elbv2.tags(aws, [arn])[arn],
        partial(elbv2.add_tags, aws, [arn]),
        partial(elbv2.remove_tags, aws, [arn]),
    )


def active(call: Invocation, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Wait until it is active: DNS records point to it next."""
    name = found["LoadBalancerName"]
    if found["State"]["Code"] == "active":
        return found
    now = wait_until(
        call.clock,
        call.progress,
        Wait(
            what=f"load balancer {name}",
            observe=partial(elbv2.load_balancer, call.aws, name),
            done=lambda now: now is None or now["State"]["Code"] != "provisioning",
            seconds=_ACTIVE_SECONDS,
            state=lambda now: now["State"]["Code"] if now else "missing",
            advice="Run the playbook again to continue. If the state does not change, look at AWS Health.",
        ),
    )
    if now is None or now["State"]["Code"] == "failed":
        reason = now["State"].get("Reason", "no reason was given") if now else "it is gone"
        raise Failure(f"Load balancer {name} could not be set up: {reason}. Delete it, and run the playbook again.")
    return now


def answer_of(changes: Changes, found: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "load_balancer_arn": found["LoadBalancerArn"] if found else None,
        "dns_name": found["DNSName"] if found else None,
        "zone_id": found["CanonicalHostedZoneId"] if found else None,
    }
