"""A check of a release that is a task of its own: how it is started."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.release import one_off as module
from ansible_collections.pear.fargate.plugins.module_utils.release.one_off import Watch, one_off
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour
from ansible_collections.pear.fargate.plugins.module_utils.service.location import GivenNames, ServiceLocation

from ..clocks import QuickClock, RecordedProgress
from .given import RELEASE

CHECK = {"name": "migrate", "container": "app", "command": "./migrate", "timeout_seconds": 60}
GIVEN = GivenNames("corp", "corp-ledger", {Colour.BLUE: "web"})


@pytest.mark.parametrize(
    ("given", "tags"),
    [
        pytest.param(
            None,
            {"pear:component": "service", "pear:environment": "live", "pear:service": "scoreboard"},
            id="a service of the environment",
        ),
        pytest.param(GIVEN, None, id="a service that others made"),
    ],
)
def test_its_task_says_whose_it_is(monkeypatch: pytest.MonkeyPatch, given: Any, tags: dict[str, str] | None) -> None:
    """Deployers may stop the environment's tasks, and no others."""
    started: list[dict[str, Any]] = []
    stopped = SimpleNamespace(status="STOPPED", containers=[], cause="", id="1")

    def run_task(_aws: Any, _cluster: str, request: dict[str, Any]) -> str:
        started.append(request)
        return "1"

    calls = SimpleNamespace(
        task_started_by=lambda *_: None,
        task_definition=lambda *_: None,
        run_task=run_task,
        task=lambda *_: stopped,
    )
    monkeypatch.setattr(module, "ecs", calls)
    monkeypatch.setattr(module.task_logs, "last_lines", lambda *_: [])
    unrouted = ServiceLocation("live", "scoreboard", "", "", {}, cast(Any, None), None)
    location = replace(unrouted, given=given)
    one_off(cast(Aws, None), location, RELEASE, CHECK, {}, Watch(QuickClock(), RecordedProgress(), lambda: False))
    (request,) = started
    # At most 64 letters; the same for the same check of the same release.
    assert request["clientToken"] == hashlib.sha256(f"scoreboard/{RELEASE.id}/migrate".encode()).hexdigest()
    found = {tag["key"]: tag["value"] for tag in request["tags"]} if "tags" in request else None
    assert found == tags
