"""Service Quotas: that of Fargate, which the scheduler keeps to. moto has those of VPCs."""

from __future__ import annotations

from typing import Any

from ..laws import fargate
from .overlay import patch
from .state import Sandbox


def install(sandbox: Sandbox) -> None:
    from moto.servicequotas.models import ServiceQuotasBackend

    @patch(ServiceQuotasBackend, "get_service_quota", ("self", "service_code", "quota_code"))
    def get_service_quota(original: Any, self: Any, service_code: str, quota_code: str) -> Any:
        if (service_code, quota_code) != (fargate.SERVICE, fargate.CODE):
            return original(self, service_code, quota_code)
        return {
            "ServiceCode": fargate.SERVICE,
            "ServiceName": "AWS Fargate",
            "QuotaArn": f"arn:aws:servicequotas:{self.region_name}:{self.account_id}:{fargate.SERVICE}/{fargate.CODE}",
            "QuotaCode": fargate.CODE,
            "QuotaName": fargate.NAME,
            "Value": fargate.ALLOWED,
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }
