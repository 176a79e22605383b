# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a service asks for that only an HTTPS listener does: a login, and HTTP/2 or gRPC to its tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..aws import elbv2
from ..aws.session import Aws


def findings(aws: Aws, listener: str, login: Any, protocol_version: Any) -> Iterator[str]:
    """A sentence for each. The listener is read where one of them is asked for.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html#target-group-protocol-version
    """
    given: Mapping[str, Any] = login if isinstance(login, Mapping) else {}
    needs = {"service_login": "service_login"} if given.get("oidc") or given.get("cognito") else {}
    if protocol_version in ("HTTP2", "GRPC"):
        needs["service_protocol_version"] = f"service_protocol_version {protocol_version}"
    protocol = elbv2.listener(aws, listener)["Protocol"] if needs else "HTTPS"
    for variable, what in needs.items() if protocol != "HTTPS" else ():
        yield (
            f"{what} needs an HTTPS listener, and {listener} is {protocol}: name an HTTPS listener in load_balancer_existing, or leave "
            f"{variable} out"
        )
