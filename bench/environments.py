"""A second run of deploy.yml on an unchanged environment, against the same environment as plain tasks of amazon.aws and community.aws."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from .measure import Row, row, wall
from .releases import IDLE, INVENTORY
from .stage import Stage

_COMMAND = "make bench"


def rows(stage: Stage, runs: int) -> Iterator[Row]:
    """On the environment that the releases' rows made, or on one of its own."""
    stage.play("playbooks/deploy.yml", INVENTORY, variables=IDLE)
    ecs = stage.client("ecs")
    (found,) = ecs.describe_services(cluster="local", services=["scoreboard-blue"])["services"]
    live = ecs.describe_task_definition(taskDefinition=found["taskDefinition"])["taskDefinition"]
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "region": stage.environment["AWS_DEFAULT_REGION"],
        "image": live["containerDefinitions"][0]["image"],
    }

    def ours() -> None:
        stage.play("playbooks/deploy.yml", INVENTORY, variables=IDLE)

    def plain() -> None:
        stage.play("bench/plays/plain_environment.yml", "localhost,", variables=variables)

    ours()
    plain()
    pairs = [(_measured(stage, ours), _measured(stage, plain)) for _run in range(runs)]
    yield row("second deploy: wall time, against plain tasks", 0.15, _COMMAND, [(a[0], b[0]) for a, b in pairs])
    yield row("second deploy: API calls, against plain tasks", 0.4, _COMMAND, [(a[1], b[1]) for a, b in pairs])

    def reader() -> None:
        stage.python("-m", "bench.boto3_reader", "local", "scoreboard")

    reader()
    pairs = [(_measured(stage, ours), _measured(stage, reader)) for _run in range(runs)]
    name = "second deploy: {}, against a batched boto3 reader of the same state"
    yield row(name.format("wall time"), None, _COMMAND, [(a[0], b[0]) for a, b in pairs])
    yield row(name.format("API calls"), None, _COMMAND, [(a[1], b[1]) for a, b in pairs])


def _measured(stage: Stage, action: Callable[[], None]) -> tuple[float, int]:
    """Seconds and API calls."""
    before = len(stage.calls())
    seconds = wall(action)
    return seconds, len(stage.calls()) - before
