# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure an application load balancer, with its two listeners. Rules belong to services, weights to releases."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..aws import elbv2, wafv2
from ..common.changes import Changes
from ..common.eventual import WEB_ACL_TARGET, once_ready
from ..common.invocation import Invocation
from ..common.resource import put_tags_right
from .load_balancers import APPLICATION, absent, active, answer_of, ensured, put_attributes_right, tag_calls


def run(call: Invocation) -> dict[str, Any]:
    """Create, change or remove the load balancer; return its ARNs and DNS name, null in check mode where it would be created."""
    desired, aws, changes = call.params, call.aws, Changes(call.check_mode)
    if desired["state"] == "absent":
        return {**absent(call, run), "listeners": {}}
    found = ensured(call, run, changes, APPLICATION)
    if found is None:
        return {**answer_of(changes, None), "listeners": {}}
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
