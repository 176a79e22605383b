"""Where a new task is placed: each service is spread over its subnets, whatever other services have there."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.api.state import Sandbox
from sandbox.config import Settings
from sandbox.engine import Engine
from sandbox.fargate.network import Network, NoAddress


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    settings = Settings(home=tmp_path, prefix="127.77", engine="podman", network="none")
    return Sandbox(settings, Engine(settings))


@pytest.fixture
def subnets(sandbox: Sandbox) -> list[str]:
    """One in each of three zones."""
    by_zone = sandbox.backend("ec2").subnets
    return [str(next(iter(by_zone[f"eu-central-1{zone}"]))) for zone in "abc"]


def test_a_service_is_spread_though_others_fill_a_zone(sandbox: Sandbox, subnets: list[str]) -> None:
    network = Network(sandbox)
    for _other in range(4):
        network.place([subnets[2]])
    placed: list[str] = []
    for _task in range(3):
        placed.append(network.place(subnets, placed)[0])
    assert sorted(placed) == sorted(subnets)


def test_the_zone_that_has_none_of_its_tasks_is_next_though_it_is_lost_to_the_network(
    sandbox: Sandbox, subnets: list[str]
) -> None:
    """A subnet that is cut off is placed in all the same; a zone without capacity is not."""
    network = Network(sandbox)
    sandbox.faults.add({"kind": "subnet", "subject": subnets[1]})
    assert network.place(subnets, [subnets[0], subnets[2]])[0] == subnets[1]
    sandbox.faults.add({"kind": "zone", "subject": "eu-central-1b"})
    assert network.place(subnets, [subnets[0], subnets[2]])[0] != subnets[1]
    with pytest.raises(NoAddress, match="Capacity is unavailable"):
        network.place([subnets[1]])
