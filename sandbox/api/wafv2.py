"""AWS WAF: a web ACL is put in front of load balancers that are active, one in front of each."""

from __future__ import annotations

import time
from typing import Any

from ..errors import ApiError
from .overlay import patch
from .state import Sandbox


def install(sandbox: Sandbox) -> None:
    from moto.wafv2.models import WAFV2Backend

    @patch(WAFV2Backend, "associate_web_acl", ("self", "web_acl_arn", "resource_arn"))
    def associate_web_acl(original: Any, self: Any, web_acl_arn: str, resource_arn: str) -> None:
        balancer = sandbox.backend("elbv2").load_balancers.get(resource_arn)
        if ":loadbalancer/" in resource_arn and (balancer is None or time.time() < balancer.active_at):
            # https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html#API_AssociateWebACL_Errors
            raise ApiError(
                "WAFUnavailableEntityException",
                "AWS WAF couldn't retrieve the resource that you requested. Retry your request.",
            )
        if web_acl_arn in self.wacls:
            self.disassociate_web_acl(resource_arn)
        original(self, web_acl_arn, resource_arn)
