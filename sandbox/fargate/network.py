"""Addresses of tasks: a free one of the subnet's own range, spread over the subnets that were given."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..core import Core
from ..errors import ApiError
from .model import Task

# AWS keeps the first four addresses and the last one of each subnet for itself.
_RESERVED_AT_START = 4


_NO_CAPACITY = "Capacity is unavailable at this time. Please try again later or in a different availability zone"


class NoAddress(Exception):
    """No subnet has a free address, or none that has one is in a zone that works."""


class Network:
    """Hands out addresses; what load balancers and mount targets use is not ours to give."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._taken: dict[str, set[str]] = {}
        core.keep("network", self, "_taken")

    def place(self, subnets: Sequence[str], beside: Sequence[str] = ()) -> tuple[str, str, str]:
        """Subnet, zone and address for a new task. Raises NoAddress.

        The subnet with the fewest tasks of its own service first, whose subnets are `beside`: ECS spreads each service over the zones.
        """
        lost = {fault.subject for fault in self._core.faults.of_kind(["zone"])}
        own = Counter(beside)
        for subnet_id in sorted(subnets, key=lambda candidate: (own[candidate], len(self._taken.get(candidate, ())))):
            subnet = self.subnet(subnet_id)
            if subnet.availability_zone in lost:
                continue
            taken = self._taken.setdefault(subnet_id, set())
            hosts = list(ipaddress.ip_network(subnet.cidr_block))[_RESERVED_AT_START:-1]
            used_elsewhere = self._interfaces(subnet_id)
            free = (str(host) for host in hosts if str(host) not in taken and str(host) not in used_elsewhere)
            address = next(free, None)
            if address is not None:
                taken.add(address)
                return subnet_id, subnet.availability_zone, address
        if all(self.subnet(candidate).availability_zone in lost for candidate in subnets):
            raise NoAddress(_NO_CAPACITY)
        raise NoAddress("The subnets have no free IP address.")

    def subnet(self, subnet_id: str) -> Any:
        with self._core.lock:
            for by_zone in self._core.backend("ec2").subnets.values():
                if subnet_id in by_zone:
                    return by_zone[subnet_id]
        raise ApiError(
            "InvalidParameterException", f"Error retrieving subnet information for [{subnet_id}]: it does not exist"
        )

    def release(self, task: Task) -> None:
        self._taken.get(task.subnet_id, set()).discard(task.address)

    def _interfaces(self, subnet_id: str) -> set[str]:
        with self._core.lock:
            interfaces = self._core.backend("ec2").enis.values()
            return {str(interface.private_ip_address) for interface in interfaces if interface.subnet.id == subnet_id}
