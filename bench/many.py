"""Fifty services in one run against one, with fifty milliseconds on each call: what a real network adds."""

from __future__ import annotations

import json
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .measure import Row, row, wall
from .releases import INVENTORY
from .stage import ROOT, Stage

_COMMAND = "make bench"
MANY = 50
LATENCY_MILLISECONDS = 50


class Fleet:
    """Services that differ by name and priority, without tasks: what is measured is the tool."""

    def __init__(self, stage: Stage, folder: Path, services: int = MANY, name: str = "many") -> None:
        self.stage = stage
        self.number = 0
        self.names = [f"{name}-{index}" for index in range(services)]
        hosts = {
            host: {"service_priority": 1000 + 10 * index, "service_hosts": [f"{host}.example.test"]}
            for index, host in enumerate(self.names)
        }
        folder.joinpath("hosts.json").write_text(json.dumps({"services": {"hosts": hosts}}))
        self.inventories = (INVENTORY, str(folder))
        self._play("playbooks/deploy.yml", ",".join(["environment", *hosts]))

    def release(self, services: int, *options: str) -> tuple[float, float]:
        """Wall and CPU seconds of one run that releases a new version of the first `services`."""
        before, limit = _cpu(), ",".join(self.names[:services])
        seconds = wall(lambda: self._play("playbooks/release.yml", limit, *options))
        return seconds, _cpu() - before

    def _play(self, playbook: str, limit: str, *options: str) -> None:
        self.number += 1
        values = {
            "service_desired_count": 0,
            "service_image": self._image(),
            "service_environment": {"RELEASE": str(self.number)},
            "service_port": 8080,
            # AWS takes three alarms a second: those of fifty services take five minutes, and no release waits for them.
            "monitoring_enabled": False,
        }
        self.stage.play(playbook, *self.inventories, variables=values, more=("--limit", limit, *options))

    def _image(self) -> str:
        """What the scoreboard runs, by its digest; it is deployed first where no other row did."""
        ecs = self.stage.client("ecs")
        if not ecs.list_task_definitions(familyPrefix="local-scoreboard")["taskDefinitionArns"]:
            self.stage.play("playbooks/deploy.yml", INVENTORY)
        live = ecs.describe_task_definition(taskDefinition="local-scoreboard")["taskDefinition"]
        return str(live["containerDefinitions"][0]["image"])

    @contextmanager
    def latency(self) -> Iterator[None]:
        self.stage.python(
            "-m", "sandbox", "fault", "add", "latency", "*:*", "--milliseconds", str(LATENCY_MILLISECONDS)
        )
        try:
            yield
        finally:
            self.stage.python("-m", "sandbox", "fault", "clear")


def _cpu() -> float:
    """Seconds of all programs that ran and ended so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rows(stage: Stage, runs: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        fleet = Fleet(stage, Path(folder))
        with fleet.latency():
            pairs = [(fleet.release(MANY), fleet.release(1)) for _run in range(runs)]
    told = f"{MANY} services in one run, {LATENCY_MILLISECONDS} ms added to each call"
    yield row(f"{told}: wall time, against one", 4.0, _COMMAND, [(many[0], single[0]) for many, single in pairs])
    yield row(
        f"{told}: CPU per service, against one", 1.0, _COMMAND, [(many[1] / MANY, single[1]) for many, single in pairs]
    )
