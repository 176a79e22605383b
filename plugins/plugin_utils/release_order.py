# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The release order of services by their dependencies: each wave depends only on earlier waves."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible.utils.helpers import pct_to_int


@dataclass(frozen=True)
class Node:
    """A service of the inventory: its environment's name and region, its own name, and the names that it depends on."""

    environment: tuple[str, str]
    name: str
    depends_on: Sequence[str] = ()


class Disorder(Exception):
    """The reasons why there is no valid order, as sentences."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("; ".join(sentences))
        self.sentences = sentences


def waves(nodes: Mapping[str, Node], hosts: Sequence[str]) -> list[list[str]]:
    """Hosts of a play (keys of nodes, in their order) in waves; nothing in a wave depends on another in it or in a later one.

    A dependency that is not in the play is not released, and nothing waits for it. Raises Disorder.
    """
    known = {(node.environment, node.name): host for host, node in nodes.items()}
    sorter: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter()
    missing = []
    for host, node in nodes.items():
        sorter.add(host)
        for name in node.depends_on:
            other = known.get((node.environment, name))
            if other is None:
                named = ", ".join(
                    sorted(name for place, name in known if place == node.environment and name != node.name)
                )
                missing.append(
                    f"service_depends_on of {host} names {name}, which is no service of its environment ({named})"
                )
            else:
                sorter.add(host, other)
    if missing:
        raise Disorder(*missing)
    try:
        sorter.prepare()
    except graphlib.CycleError as circle:
        raise Disorder(f"service_depends_on goes in a circle: {' → '.join(reversed(circle.args[1]))}") from circle
    found = []
    while sorter.is_active():
        ready = sorter.get_ready()
        sorter.done(*ready)
        # One that is left out keeps those apart that depend on it through each other.
        found.append([host for host in hosts if host in ready])
    return [wave for wave in found if wave]


def batches(sizes: Iterable[int], serial: Any, total: int) -> list[int]:
    """Sizes of batches for Ansible's serial: never over the end of a wave, and no larger than what was asked for."""
    limits = _limits(serial if isinstance(serial, list) else [serial], total)
    found = []
    for left in sizes:
        while left > 0:
            found.append(min(next(limits), left))
            left -= found[-1]
    return found


def _limits(serial: Sequence[Any], total: int) -> Iterator[int]:
    """As Ansible reads serial: numbers, or shares of all hosts; 0 is all of them, and the last one goes on for ever."""
    size = total
    for item in serial:
        size = pct_to_int(item, total)
        yield size if size > 0 else total
    while True:
        yield size if size > 0 else total
