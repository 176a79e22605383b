"""Containers of a task stop in the opposite order of their dependencies, as ECS stops them.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from sandbox.fargate.model import ContainerState, StartFailed, Task
from sandbox.fargate.runtime import ContainerRuntime, launch_order


def container(name: str, *first: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "dependsOn": [{"containerName": other, "condition": "START"} for other in first], **more}


# Listed in no order of theirs: the app needs its proxy, which needs the log router.
DEFINITIONS = [
    container("proxy", "router", stopTimeout=5),
    container("app", "proxy", stopTimeout=90),
    container("router"),
]


class Engine:
    """Keeps which container was stopped, with how many seconds of time."""

    def __init__(self) -> None:
        self.stopped: list[tuple[str, int]] = []

    def stop(self, runtime_id: str, seconds: int) -> None:
        self.stopped.append((runtime_id, seconds))

    def inspect(self, runtime_id: str) -> list[dict[str, Any]]:
        return [{"State": {"Status": "exited", "ExitCode": 0}}]


def stopped(monkeypatch: pytest.MonkeyPatch, ended: str = "") -> list[tuple[str, int]]:
    """What the engine is told when a task stops in which one container has ended already."""
    monkeypatch.setattr(ContainerRuntime, "_remove", lambda *_: None)
    runtime, engine = ContainerRuntime.__new__(ContainerRuntime), Engine()
    vars(runtime).update(_engine=engine, _lateness=SimpleNamespace(stretch=lambda: 1.0))
    states = {
        name: ContainerState(name, True, "STOPPED" if name == ended else "RUNNING", runtime_id=name)
        for name in launch_order(DEFINITIONS)
    }
    runtime.stop(cast(Task, SimpleNamespace(definition={"containerDefinitions": DEFINITIONS}, containers=states)))
    assert {state.status for state in states.values()} == {"STOPPED"}
    return engine.stopped


def test_a_container_stops_before_those_that_it_depends_on_each_with_its_own_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert launch_order(DEFINITIONS) == ["router", "proxy", "app"]
    assert stopped(monkeypatch) == [("app", 90), ("proxy", 5), ("router", 30)]


def test_what_has_ended_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert stopped(monkeypatch, "proxy") == [("app", 90), ("router", 30)]


def test_a_circle_is_refused() -> None:
    with pytest.raises(StartFailed, match="depend on each other in a circle: a, b"):
        launch_order([container("a", "b"), container("b", "a")])
