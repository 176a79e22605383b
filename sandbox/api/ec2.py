"""EC2: tags of NAT gateways carry the resource type that AWS gives them."""

from __future__ import annotations

from .overlay import OverlayMismatch
from .state import Sandbox


def install(sandbox: Sandbox) -> None:
    from moto.ec2 import utils

    if utils.EC2_PREFIX_TO_RESOURCE.get("nat") not in {"nat-gateway", "natgateway"}:
        raise OverlayMismatch(f"moto calls NAT gateways {utils.EC2_PREFIX_TO_RESOURCE.get('nat')!r} now")
    utils.EC2_PREFIX_TO_RESOURCE["nat"] = "natgateway"
    utils.EC2_RESOURCE_TO_PREFIX["natgateway"] = "nat"
