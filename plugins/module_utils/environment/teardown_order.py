# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The removal order of an environment, and what is kept. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

# DNS records first, so that no client is sent to what is being removed; then services, their dependencies, and the network last.
ORDER = (
    "DNS record",
    # Before the checks that they watch. AWS deletes no alarm that is named in the rule of a composite one.
    "composite alarm",
    "alarm",
    "dashboard",
    "saved query",
    "trace group",
    "sampling rule",
    "topic",
    "health check",
    "hosted zone",
    "schedules",
    "schedule",
    "autoscaling",
    "ECS service",
    "listener rule",
    "listener",
    "load balancer",
    "target group",
    "certificate",
    "task definition",
    "cluster",
    "ledger",
    "database",
    "database cluster",
    "database subnet group",
    "database parameters",
    "database cluster parameters",
    "database log group",
    # Before what it backs up: nothing is to be copied while it goes.
    "backup plan",
    "backup",
    "backup vault",
    "mount target",
    "access point",
    "file system",
    "repository",
    "flow log",
    "log group",
    "role",
    "endpoint",
    "NAT gateway",
    "address",
    "internet gateway",
    "egress-only gateway",
    "subnet",
    "route table",
    "security group rules",
    "security group",
    "VPC",
    # What the playbooks run with goes after everything that they remove.
    "deployer role",
    "deployer policy",
    "identity provider",
)
# Each kind of data, and what holds it; and what an administrator made. Nothing of it goes unless that is said.
DATA = {
    "database": (
        "database",
        "database cluster",
        "database subnet group",
        "database parameters",
        "database cluster parameters",
        "database log group",
    ),
    "backups": ("backup", "backup vault"),
    "deployers": ("deployer role", "deployer policy", "identity provider"),
    "file_system": ("file system", "access point"),
    "images": ("repository",),
}


@dataclass(frozen=True)
class Resource:
    """A resource of the collection: its kind, its ID on AWS, and what its removal needs."""

    kind: str
    id: str
    name: str = ""
    detail: Any = field(default=None, compare=False)
    # Why it cannot be removed as it is.
    protected: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name or self.id}"


@dataclass(frozen=True)
class Plan:
    """What is removed, in order; what is kept; and why the removal is refused."""

    remove: tuple[Resource, ...]
    keep: tuple[Resource, ...]
    refusals: tuple[str, ...]


def plan(found: Iterable[Resource], data: Sequence[str] = ()) -> Plan:
    """Order the resources; keep data that is not listed."""
    kept_kinds = {kind for name, kinds in DATA.items() if name not in data for kind in kinds}
    everything = sorted(found, key=lambda resource: (ORDER.index(resource.kind), resource.name, resource.id))
    kept = [resource for resource in everything if resource.kind in kept_kinds]
    # By kind: a role and a vault may have the same name.
    remove = [resource for resource in everything if resource.kind not in kept_kinds]
    refusals = tuple(f"{resource}: {resource.protected}" for resource in remove if resource.protected)
    # A subnet that holds a database cannot go, and neither can what the subnet stands in; its gateways go all the same.
    if any(resource.kind in {"database", "database cluster"} for resource in kept):
        network = {"subnet", "route table", "security group rules", "security group", "VPC"}
        kept += [resource for resource in remove if resource.kind in network]
        remove = [resource for resource in remove if resource.kind not in network]
    return Plan(tuple(remove), tuple(kept), refusals)
