# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make an application load balancer what it should be, with its two listeners. Rules are services', weights releases'."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..aws import elbv2, wafv2
from ..aws.elbv2_states import LoadBalancerSettings
from ..aws.errors import Failure
from ..common.changes import Changes
from ..common.invocation import Invocation

# ELB takes 2 to 3 minutes for one.
_ACTIVE_SECONDS = 600
_POLL_SECONDS = 2.0


def run(call: Invocation) -> dict[str, Any]:
    """Create or change the load balancer; return its ARNs and DNS name, null in check mode where it would be created."""
    wanted, aws, changes = call.params, call.aws, Changes(call.check_mode)
    name = wanted["name"]
    found = elbv2.load_balancer(aws, name)
    if found is None:
        made: list[dict[str, Any]] = []
        changes.want("load_balancer", None, name, lambda: made.append(_create(call)))
        if not made:
            return _answer(changes, None)
        (found,) = made
    else:
        _in_place(call, changes, found)
    arn = found["LoadBalancerArn"]
    is_now = elbv2.load_balancer_attributes(aws, arn)
    differ = {key: value for key, value in attributes(wanted).items() if is_now.get(key) != value}
    changes.want(
        "attributes",
        {key: is_now.get(key) for key in differ},
        differ,
        partial(elbv2.set_load_balancer_attributes, aws, arn, differ),
    )
    listeners = _listeners(call, changes, arn)
    _tags(call, changes, arn)
    if wanted["web_acl_arn"] is not None:
        acl = wanted["web_acl_arn"]
        changes.want("web_acl_arn", wafv2.web_acl(aws, arn) or "", acl, partial(wafv2.set_web_acl, aws, arn, acl))
    return {**_answer(changes, _active(call, found)), "listeners": listeners}


def _create(call: Invocation) -> dict[str, Any]:
    wanted, name = call.params, call.params["name"]
    call.progress.line(f"creating load balancer {name}, which takes up to 3 minutes")
    settings = LoadBalancerSettings(
        scheme=wanted["scheme"],
        address_type=wanted["ip_address_type"],
        subnet_ids=wanted["subnet_ids"],
        security_group_ids=wanted["security_group_ids"],
    )
    return elbv2.create_load_balancer(call.aws, name, settings, wanted["tags"])


def attributes(wanted: Mapping[str, Any]) -> dict[str, str]:
    """What is wanted in ELB's words. HTTP/2 is on and invalid headers are dropped, always."""
    logs = wanted["access_logs"] or {}
    said: dict[str, Any] = {
        "deletion_protection.enabled": wanted["deletion_protection"],
        "idle_timeout.timeout_seconds": wanted["idle_timeout_seconds"],
        "routing.http2.enabled": True,
        "routing.http.drop_invalid_header_fields.enabled": True,
        "routing.http.desync_mitigation_mode": wanted["desync_mitigation_mode"],
        "access_logs.s3.enabled": bool(logs),
    }
    if logs:
        said["access_logs.s3.bucket"], said["access_logs.s3.prefix"] = logs["bucket"], logs["prefix"]
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in said.items()}


def listeners_wanted(wanted: Mapping[str, Any]) -> dict[tuple[str, int], dict[str, Any]]:
    """The listeners in ELB's words, by protocol and port."""
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
    nobody = {
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
            "SslPolicy": wanted["tls_policy"],
            "Certificates": [{"CertificateArn": wanted["certificate_arn"]}],
            "DefaultActions": [nobody],
        },
    }


def differing(is_now: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What of a listener is not as it is wanted; ELB adds an order and what is not said."""
    now = {
        "Protocol": is_now["Protocol"],
        "Port": is_now["Port"],
        "SslPolicy": is_now.get("SslPolicy"),
        "Certificates": [{"CertificateArn": one["CertificateArn"]} for one in is_now.get("Certificates", [])],
        "DefaultActions": [_bare(action) for action in is_now["DefaultActions"]],
    }
    return {key: value for key, value in wanted.items() if now[key] != value}


def _bare(action: Mapping[str, Any]) -> dict[str, Any]:
    """An action without its place among others: here it is the only one."""
    return {key: value for key, value in action.items() if key != "Order"}


def _in_place(call: Invocation, changes: Changes, found: Mapping[str, Any]) -> None:
    """What a load balancer was created with; all but its scheme can be changed."""
    wanted, arn = call.params, found["LoadBalancerArn"]
    if found["Scheme"] != wanted["scheme"]:
        raise Failure(
            f"Nothing was changed: load balancer {wanted['name']} is {found['Scheme']}, and ELB cannot make it "
            f"{wanted['scheme']}. Set load_balancer_scheme to what it is, or destroy the environment's load balancer first."
        )
    subnets = sorted(zone["SubnetId"] for zone in found["AvailabilityZones"])
    changes.want(
        "subnet_ids",
        subnets,
        sorted(wanted["subnet_ids"]),
        partial(elbv2.set_subnets, call.aws, arn, wanted["subnet_ids"]),
    )
    changes.want(
        "security_group_ids",
        sorted(found.get("SecurityGroups", [])),
        sorted(wanted["security_group_ids"]),
        partial(elbv2.set_security_groups, call.aws, arn, wanted["security_group_ids"]),
    )
    changes.want(
        "ip_address_type",
        found.get("IpAddressType", "ipv4"),
        wanted["ip_address_type"],
        partial(elbv2.set_address_type, call.aws, arn, wanted["ip_address_type"]),
    )


def _listeners(call: Invocation, changes: Changes, arn: str) -> dict[str, str]:
    """ARNs by protocol. Listeners of other ports are somebody else's."""
    there = {(one["Protocol"], one["Port"]): one for one in elbv2.listeners(call.aws, arn)}
    arns = {protocol.lower(): one["ListenerArn"] for (protocol, _port), one in there.items()}
    for (protocol, port), listener in listeners_wanted(call.params).items():
        is_now, what = there.get((protocol, port)), f"listener {port}"
        if is_now is None:

            def create(protocol: str = protocol, listener: Mapping[str, Any] = listener) -> None:
                made = elbv2.create_listener(call.aws, arn, listener, call.params["tags"])
                arns[protocol.lower()] = made["ListenerArn"]

            changes.want(what, None, listener, create)
            continue
        differ = differing(is_now, listener)
        changes.want(
            what,
            {key: is_now.get(key) for key in differ},
            differ,
            partial(elbv2.modify_listener, call.aws, is_now["ListenerArn"], differ),
        )
    return arns


def _tags(call: Invocation, changes: Changes, arn: str) -> None:
    wanted = call.params["tags"]
    known = elbv2.tags(call.aws, [arn])[arn] if wanted else {}
    differ = {key: value for key, value in wanted.items() if known.get(key) != value}
    changes.want(
        "tags", {key: known.get(key) for key in differ}, differ, partial(elbv2.add_tags, call.aws, [arn], differ)
    )


def _active(call: Invocation, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Wait until it carries traffic: names are given to it next."""
    name, began = found["LoadBalancerName"], call.clock.now()
    now: Mapping[str, Any] | None = found
    while now is not None and now["State"]["Code"] == "provisioning":
        waited = call.clock.now() - began
        if waited > _ACTIVE_SECONDS:
            raise Failure(
                f"Load balancer {name} is still being provisioned after {waited:.0f} seconds. Run the playbook again: "
                "it goes on where it stands. If it stays so, AWS Health may say why."
            )
        call.progress.heartbeat(f"load balancer {name} is being provisioned")
        call.clock.sleep(_POLL_SECONDS)
        now = elbv2.load_balancer(call.aws, name)
    if now is None or now["State"]["Code"] == "failed":
        reason = now["State"].get("Reason", "no reason was given") if now else "it is gone"
        raise Failure(f"Load balancer {name} could not be set up: {reason}. Delete it, and run the playbook again.")
    return now


def _answer(changes: Changes, found: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "load_balancer_arn": found["LoadBalancerArn"] if found else None,
        "dns_name": found["DNSName"] if found else None,
        "zone_id": found["CanonicalHostedZoneId"] if found else None,
        "listeners": {},
    }
