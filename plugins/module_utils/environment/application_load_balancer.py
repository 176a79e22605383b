# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure an application load balancer, with its two listeners. Rules belong to services, weights to releases."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..aws import elbv2, wafv2
from ..aws.elbv2_states import LoadBalancerSettings
from ..aws.errors import Failure
from ..aws.naming import TAG_ENVIRONMENT
from ..common.changes import Changes
from ..common.eventual import WEB_ACL_TARGET, once_ready
from ..common.invocation import Invocation, Run
from ..common.ownership import Existing, claim
from ..common.resource import TagCalls, put_tags_right
from ..common.waiting import Wait, wait_until
from . import teardown_find
from .absent import remove_all

# ELB takes 2 to 3 minutes for one.
_ACTIVE_SECONDS = 600


def run(call: Invocation) -> dict[str, Any]:
    """Create, change or remove the load balancer; return its ARNs and DNS name, null in check mode where it would be created."""
    desired, aws, changes = call.params, call.aws, Changes(call.check_mode)
    name = desired["name"]
    found = elbv2.load_balancer(aws, name)
    if desired["state"] == "absent":
        return absent_balancer(call, found, run)
    if found is None:
        made: list[dict[str, Any]] = []
        changes.want("load_balancer", None, name, lambda: made.append(create(call)))
        if not made:
            return answer_of(changes, None)
        (found,) = made
    else:
        known = elbv2.tags(aws, [found["LoadBalancerArn"]])[found["LoadBalancerArn"]]
        claim(call, run, desired["tags"], [Existing("load_balancer", name, known)])
        in_place(call, changes, found)
    arn = found["LoadBalancerArn"]
    put_attributes_right(call, changes, arn, attributes(desired))
    listeners = _listeners(call, changes, arn)
    put_tags_right(changes, desired, tag_calls(call, arn))
    ready = active(call, found)
    if desired["web_acl_arn"] is not None:
        acl = desired["web_acl_arn"]
        attach = partial(wafv2.set_web_acl, aws, arn, acl)
        changes.want(
            "web_acl_arn", wafv2.web_acl(aws, arn) or "", acl, lambda: once_ready(call, WEB_ACL_TARGET, attach)
        )
    return {**answer_of(changes, ready), "listeners": listeners}


def absent_balancer(call: Invocation, found: Mapping[str, Any] | None, run: Run) -> dict[str, Any]:
    things = []
    if found:
        name, arn = call.params["name"], found["LoadBalancerArn"]
        known = elbv2.tags(call.aws, [arn])[arn]
        claim(call, run, call.params["tags"], [Existing("load_balancer", name, known)])
        things = [teardown_find.load_balancer(call.aws, found, call.params["tags"].get(TAG_ENVIRONMENT, ""))]
    changes, _kept = remove_all(call, things)
    return answer_of(changes, found)


def create(call: Invocation, kind: str = "application") -> dict[str, Any]:
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


def attributes(desired: Mapping[str, Any]) -> dict[str, str]:
    """The desired attributes as ELB names them. HTTP/2 is always on, and invalid headers are always dropped."""
    logs = desired["access_logs"] or {}
    said: dict[str, Any] = {
        "deletion_protection.enabled": desired["deletion_protection"],
        "idle_timeout.timeout_seconds": desired["idle_timeout_seconds"],
        "routing.http2.enabled": True,
        "routing.http.drop_invalid_header_fields.enabled": True,
        "routing.http.desync_mitigation_mode": desired["desync_mitigation_mode"],
        "access_logs.s3.enabled": bool(logs),
    }
    if logs:
        said["access_logs.s3.bucket"], said["access_logs.s3.prefix"] = logs["bucket"], logs["prefix"]
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in said.items()}


def put_attributes_right(call: Invocation, changes: Changes, arn: str, desired: Mapping[str, str]) -> None:
    current = elbv2.load_balancer_attributes(call.aws, arn)
    differ = {key: value for key, value in desired.items() if current.get(key) != value}
    changes.want(
        "attributes",
        {key: current.get(key) for key in differ},
        differ,
        partial(elbv2.set_load_balancer_attributes, call.aws, arn, differ),
    )


def listeners_wanted(desired: Mapping[str, Any]) -> dict[tuple[str, int], dict[str, Any]]:
    """The listeners as CreateListener takes them, by protocol and port."""
    redirect = {
        "Type": "redirect",
        "RedirectConfig": {
            "Protocol": "HTTPS",
            "Port": "443",
            "Host": "#{host}",
            "Path": "/#{path}",
            "Query": "#{query}",
            "StatusCode": "HTTP_301",
        },
    }
    no_service = {
        "Type": "fixed-response",
        "FixedResponseConfig": {
            "StatusCode": "404",
            "ContentType": "text/plain",
            "MessageBody": "No service answers here.",
        },
    }
    return {
        ("HTTP", 80): {"Protocol": "HTTP", "Port": 80, "DefaultActions": [redirect]},
        ("HTTPS", 443): {
            "Protocol": "HTTPS",
            "Port": 443,
            "SslPolicy": desired["tls_policy"],
            "Certificates": [{"CertificateArn": desired["certificate_arn"]}],
            "DefaultActions": [no_service],
        },
    }


def differing(current: Mapping[str, Any], desired: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a listener that differ; ELB adds an order and defaults."""
    now = {
        "Protocol": current["Protocol"],
        "Port": current["Port"],
        "SslPolicy": current.get("SslPolicy"),
        "Certificates": [
            {"CertificateArn": certificate["CertificateArn"]} for certificate in current.get("Certificates", [])
        ],
        "DefaultActions": [_bare(action) for action in current["DefaultActions"]],
    }
    return {key: value for key, value in desired.items() if now[key] != value}


def _bare(action: Mapping[str, Any]) -> dict[str, Any]:
    """An action without its order."""
    return {key: value for key, value in action.items() if key != "Order"}


def in_place(call: Invocation, changes: Changes, found: Mapping[str, Any]) -> None:
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


def _listeners(call: Invocation, changes: Changes, arn: str) -> dict[str, str]:
    """ARNs by protocol. Listeners of other ports are left unchanged, and are none of ours."""
    there = {(listener["Protocol"], listener["Port"]): listener for listener in elbv2.listeners(call.aws, arn)}
    arns: dict[str, str] = {}

    def create(protocol: str, listener: Mapping[str, Any]) -> None:
        made = elbv2.create_listener(call.aws, arn, listener, call.params["tags"])
        arns[protocol.lower()] = made["ListenerArn"]

    for (protocol, port), listener in listeners_wanted(call.params).items():
        current, what = there.get((protocol, port)), f"listener {port}"
        if current is None:
            changes.want(what, None, listener, partial(create, protocol, listener))
            continue
        arns[protocol.lower()] = current["ListenerArn"]
        differ = differing(current, listener)
        changes.want(
            what,
            {key: current.get(key) for key in differ},
            differ,
            partial(elbv2.modify_listener, call.aws, current["ListenerArn"], differ),
        )
    return arns


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
        "listeners": {},
    }
