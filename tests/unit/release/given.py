"""A release, and the options that a release is ordered with."""

from __future__ import annotations

from typing import Any

from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    Kind,
    Plan,
    Release,
    Step,
)

DIGEST = "sha256:" + "a" * 64
RELEASE = Release(
    id="20260102T030405Z-deploy-ab12",
    service="scoreboard",
    kind=Kind.DEPLOY,
    digest="sha256:1",
    live=Colour.BLUE,
    candidate=Colour.GREEN,
    plan=Plan("canary", (Step(10, 60), Step(100))),
    started_at=1000.0,
    by="ada",
)

BASE: dict[str, Any] = {
    "environment": "test",
    "service": "app",
    "subnet_ids": ["subnet-1"],
    "security_group_ids": ["sg-1"],
    "port": 8080,
    "cpu": 256,
    "memory": 512,
    "desired_count": 2,
    "containers": [{"name": "app", "image": f"registry/app@{DIGEST}", "ports": [8080]}],
}
