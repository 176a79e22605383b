"""A second environment beside the first one: made by pieces, taken down again, and the first one never notices."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import Any

import pytest

from tests.support.plays import ROOT, Player

from .calls import mutating_calls
from .conftest import Stage
from .load import assert_not_one_failed, traffic

SECOND = {
    "environment_name": "second",
    "load_balancer_domain": "second.example.test",
    "network_cidr": "10.30.0.0/16",
    "service_desired_count": 1,
}
PROVISION = "playbooks/provision.yml"
# Ended after so many tasks, the next run after that many more of its own. `make interruptions` takes every number in turn.
SAMPLE = (4, 9, 13, 18)


def standing(stage: Stage, name: str) -> dict[str, Any]:
    """What an environment consists of, read from AWS."""
    ec2, elbv2, ecs, iam = (stage.client(service) for service in ("ec2", "elbv2", "ecs", "iam"))
    mine = [{"Name": "tag:pear:environment", "Values": [name]}]
    balancers = [one for one in elbv2.describe_load_balancers()["LoadBalancers"] if one["LoadBalancerName"] == name]
    listeners = [
        listener["ListenerArn"]
        for one in balancers
        for listener in elbv2.describe_listeners(LoadBalancerArn=one["LoadBalancerArn"])["Listeners"]
    ]
    rules = [rule for arn in listeners for rule in elbv2.describe_rules(ListenerArn=arn)["Rules"]]
    clusters = ecs.describe_clusters(clusters=[name])["clusters"]
    active = [one["clusterArn"] for one in clusters if one["status"] == "ACTIVE"]
    files = stage.client("efs").describe_file_systems()["FileSystems"]
    roles = [role["RoleName"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    return {
        "vpc": [one["VpcId"] for one in ec2.describe_vpcs(Filters=mine)["Vpcs"]],
        "subnets": sorted(one["SubnetId"] for one in ec2.describe_subnets(Filters=mine)["Subnets"]),
        "groups": sorted(one["GroupId"] for one in ec2.describe_security_groups(Filters=mine)["SecurityGroups"]),
        "balancer": [one["LoadBalancerArn"] for one in balancers],
        "rules": sorted((rule["RuleArn"], str(rule["Actions"])) for rule in rules),
        "cluster": active,
        "services": sorted(ecs.list_services(cluster=name)["serviceArns"]) if active else [],
        "roles": sorted(role for role in roles if role.startswith(f"{name}-")),
        "files": [one["FileSystemId"] for one in files if one.get("Name") == name],
    }


class Second:
    """The second environment."""

    def __init__(self, stage: Stage) -> None:
        self.player = Player(stage.environment)

    def play(self, playbook: str, **more: Any) -> Any:
        return self.player.run(playbook, variables={**SECOND, **more})

    def provision_killed_after(self, tasks: int) -> int:
        """Return the exit status: that of SIGKILL, or 0 where there were not so many tasks."""
        killing = {
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/support/callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "stop_after",
            "PEAR_STOP_AFTER": str(tasks),
        }
        player = replace(self.player, environment={**self.player.environment, **killing})
        return player.run(PROVISION, variables=SECOND).status

    def destroy(self, *arguments: str, check: bool = False, **more: Any) -> Any:
        return self.player.run("playbooks/destroy.yml", *arguments, variables={**SECOND, **more}, check=check)


@pytest.fixture(scope="module")
def second(deployed: Player, stage: Stage) -> Second:
    return Second(stage)


@pytest.mark.long
def test_provisioning_that_is_killed_again_and_again_is_completed_by_the_next_run(second: Second) -> None:
    every = os.environ.get("PEAR_INTERRUPTIONS") == "all"
    for tasks in range(1, 100) if every else SAMPLE:
        status = second.provision_killed_after(tasks)
        if status == 0:
            break
        assert status == -signal.SIGKILL
        if every:
            second.play(PROVISION).succeeded()
            assert second.play(PROVISION).succeeded().changed == 0, f"killed after {tasks} tasks"
            second.destroy(confirm="second", destroy_data=["file_system"]).succeeded()
    second.play(PROVISION).succeeded()
    again = second.play(PROVISION).succeeded()
    assert again.changed == 0, again.output


def test_a_second_environment_changes_nothing_of_the_first(second: Second, stage: Stage) -> None:
    before = standing(stage, "local")
    with traffic(stage, "/leaderboard", 50) as running:
        second.play(PROVISION).succeeded()
        second.play("playbooks/release.yml").succeeded()
        summary = running.stop()
    assert_not_one_failed(summary, 100)
    assert standing(stage, "local") == before
    here = standing(stage, "second")
    assert len(here["vpc"]) == len(here["balancer"]) == len(here["cluster"]) == len(here["files"]) == 1
    assert len(here["services"]) == 2


def test_without_the_name_or_in_check_mode_nothing_is_removed(second: Second, stage: Stage) -> None:
    here, before = standing(stage, "second"), len(mutating_calls(stage))
    for wrong in ({}, {"confirm": "local"}):
        assert "second" in second.destroy(**wrong).failed().output
    listed = second.destroy(check=True).succeeded()
    assert here["vpc"][0] in listed.output, listed.output
    assert mutating_calls(stage)[before:] == []
    assert standing(stage, "second") == here


def test_what_was_made_goes_data_stays_and_the_neighbour_serves_on(second: Second, stage: Stage) -> None:
    neighbour, here = standing(stage, "local"), standing(stage, "second")
    with traffic(stage, "/leaderboard", 50) as running:
        second.destroy(confirm="second").succeeded()
        summary = running.stop()
    assert_not_one_failed(summary, 100)
    assert standing(stage, "local") == neighbour
    left = standing(stage, "second")
    assert {kind: found for kind, found in left.items() if found} == {"files": here["files"]}
    again = second.destroy(confirm="second").succeeded()
    assert again.changed == 0, again.output


@pytest.mark.long
def test_what_is_half_made_goes_too_and_data_where_that_is_said(second: Second, stage: Stage) -> None:
    assert second.provision_killed_after(SAMPLE[1]) == -signal.SIGKILL
    assert standing(stage, "second")["vpc"]
    second.destroy(confirm="second", destroy_data=["file_system"]).succeeded()
    assert not any(standing(stage, "second").values())
