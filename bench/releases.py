"""Releases against what a person would write by hand: wall time, calls, and how both grow."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from .measure import Row, ratio_row, row, wall
from .stage import Stage

INVENTORY = "inventories/local"
# No task: what is measured is the tool, not the start of a container.
IDLE = {"service_desired_count": 0}
# What is read again until a release is done.
_WATCHING = (
    "ecs:DescribeServices",
    "ecs:DescribeServiceDeployments",
    "ecs:ListTasks",
    "elasticloadbalancing:DescribeTargetHealth",
)
_COMMAND = "make bench"


class Releases:
    """One service with no tasks, on an environment that is up."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.number = 0
        stage.play("playbooks/deploy.yml", INVENTORY, variables=IDLE)

    def settings(self) -> dict[str, str]:
        """Something that makes the next release a new one."""
        self.number += 1
        return {"RELEASE": str(self.number)}

    def ours(self) -> float:
        values = {**IDLE, "service_environment": self.settings()}
        return wall(lambda: self.stage.play("playbooks/release.yml", INVENTORY, variables=values))

    def boto3(self) -> float:
        return wall(
            lambda: self.stage.python(
                "-m", "bench.boto3_release", "local", "scoreboard-blue", f"RELEASE=b{self._next()}"
            )
        )

    def empty(self) -> float:
        """No task at all: what is left of the difference is the collection's."""
        return wall(lambda: self.stage.play("bench/plays/empty.yml", INVENTORY))

    def _next(self) -> int:
        self.number += 1
        return self.number

    def community(self) -> float:
        variables = self._plain()
        return wall(lambda: self.stage.play("bench/plays/community_release.yml", "localhost,", variables=variables))

    def _plain(self) -> dict[str, Any]:
        ecs = self.stage.client("ecs")
        (found,) = ecs.describe_services(cluster="local", services=["scoreboard-blue"])["services"]
        live = ecs.describe_task_definition(taskDefinition=found["taskDefinition"])["taskDefinition"]
        (container, *_others) = live["containerDefinitions"]
        plain = {
            key: container[key] for key in ("name", "image", "portMappings", "logConfiguration") if key in container
        }
        network = found["networkConfiguration"]["awsvpcConfiguration"]
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "cluster": "local",
            "service": "scoreboard-blue",
            "live": {**{key: live[key] for key in ("family", "cpu", "memory", "executionRoleArn", "taskRoleArn")}},
            "containers": [
                {**plain, "essential": True, "environment": [{"name": "RELEASE", "value": str(self._next())}]}
            ],
            "subnets": network["subnets"],
            "security_groups": network["securityGroups"],
            "load_balancers": found["loadBalancers"],
        }

    def count(self, *but: str) -> int:
        """Calls of one release, but those named."""
        before = len(self.stage.calls())
        self.ours()
        return len([call for call in self.stage.calls()[before:] if call not in but])

    def calls(self) -> tuple[int, int]:
        """Ours and theirs. The goal of 1.6 is eight calls to their five."""
        ours = self.count()
        before = len(self.stage.calls())
        self.boto3()
        return ours, len(self.stage.calls()) - before

    def seen_after(self) -> float:
        """Release two tasks; seconds from ECS's word that the deployment is complete to the first of our reads after it."""
        values = {"service_desired_count": 2, "service_environment": self.settings()}
        self.stage.play("playbooks/release.yml", INVENTORY, variables=values)
        (found,) = self.stage.client("ecs").describe_services(cluster="local", services=["scoreboard-blue"])["services"]
        done = next(
            event["createdAt"] for event in found["events"] if "deployment completed" in event["message"]
        ).timestamp()
        return next(at for name, at in self.stage.timed_calls() if name == "ecs:DescribeServices" and at >= done) - done

    def old_revisions(self, number: int) -> None:
        ecs = self.stage.client("ecs")
        for index in range(number):
            ecs.register_task_definition(
                family="local-scoreboard",
                containerDefinitions=[{"name": "app", "image": f"old:{index}", "memory": 128}],
            )


def rows(stage: Stage, runs: int) -> Iterator[Row]:
    releases = Releases(stage)
    yield ratio_row(
        "release: wall time, against boto3 with the same calls", 1.3, _COMMAND, releases.ours, releases.boto3, runs
    )
    yield ratio_row(
        "an empty playbook: wall time, against the boto3 release", None, _COMMAND, releases.empty, releases.boto3, runs
    )
    yield ratio_row("release: wall time, against community.aws", 0.5, _COMMAND, releases.ours, releases.community, runs)
    yield row("release: API calls, against boto3", 1.6, _COMMAND, [releases.calls() for _run in range(runs)])
    few = [releases.count(*_WATCHING) for _run in range(runs)]
    releases.old_revisions(40)
    many = [releases.count(*_WATCHING) for _run in range(runs)]
    yield row(
        "release: calls with 40 old revisions, against calls with few", 1.0, _COMMAND, list(zip(many, few, strict=True))
    )
    waited = [(releases.seen_after(), 2.0) for _run in range(runs)]
    yield row("release: stable tasks are seen to be stable, against two seconds", 1.0, _COMMAND, waited)
