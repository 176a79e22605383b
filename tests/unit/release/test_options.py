"""Options become orders; what is wrong with them is told all at once, before anything is read."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.release.bluegreen_info import _status, table
from ansible_collections.pear.fargate.plugins.module_utils.release.options import order, return_order
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    ColourState,
    Fleet,
    Kind,
    OnInconclusive,
    Plan,
    Release,
    Step,
    Weights,
)
from ansible_collections.pear.fargate.plugins.module_utils.service.specification import Specification
from ansible_collections.pear.fargate.plugins.modules.bluegreen_cutover import ARGUMENT_SPEC
from ansible_collections.pear.fargate.plugins.modules.bluegreen_rollback import ARGUMENT_SPEC as ROLLBACK

DIGEST = "sha256:" + "a" * 64
BASE: dict[str, Any] = {
    "environment": "test",
    "service": "app",
    "subnets": ["subnet-1"],
    "security_groups": ["sg-1"],
    "port": 8080,
    "cpu": 256,
    "memory": 512,
    "desired_count": 2,
    "containers": [{"name": "app", "image": f"registry/app@{DIGEST}", "ports": [8080]}],
}


def made(**options: Any) -> Any:
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate({**BASE, **options})
    assert not validated.error_messages, validated.error_messages
    params = validated.validated_parameters
    return order(params, Specification(params, "eu-central-1"), 1_700_000_000.0)


def test_defaults_make_an_order_that_moves_all_at_once() -> None:
    wanted = made(by="ada")
    assert (wanted.digest, wanted.by, wanted.plan.strategy) == (DIGEST, "ada", "all_at_once")
    assert wanted.policy.inconclusive is OnInconclusive.RETURN
    assert wanted.policy.window_seconds == 3600


def test_the_same_version_has_the_same_fingerprint_and_another_one_has_not() -> None:
    other = [{**BASE["containers"][0], "environment": {"A": "b"}}]
    assert made().fingerprint == made().fingerprint
    assert made().fingerprint != made(containers=other).fingerprint


def test_every_finding_is_told() -> None:
    check = {"name": "ready"}
    with pytest.raises(Failure) as refused:
        made(plan={"strategy": "canary", "step_percent": 7}, checks=[check, check])
    for told in (
        "step_percent means nothing",
        "percent is needed",
        "duration_seconds is needed",
        "ready is there twice",
    ):
        assert told in str(refused.value)


def test_a_step_too_short_for_its_metrics_is_refused() -> None:
    canary = {"strategy": "canary", "percent": 10, "duration_seconds": 60, "bake_seconds": 600}
    with pytest.raises(Failure, match="lasts 60 seconds"):
        made(plan=canary, gates={"errors": {}})


def test_a_rollback_names_where_to_and_whether_by_force() -> None:
    params = ArgumentSpecValidator(ROLLBACK).validate(
        {"environment": "test", "service": "app", "to": "x", "force": True}
    )
    wanted = return_order(params.validated_parameters, 1_700_000_000.0)
    assert (wanted.named, wanted.force, wanted.service) == ("x", True, "app")
    assert "rollback" in wanted.id


def test_history_is_a_table_whose_columns_line_up() -> None:
    row = {
        "at": "2026-01-01 00:00:00Z",
        "kind": "deploy",
        "by": "ada",
        "digest": DIGEST,
        "task_definition": "test-app:1",
        "strategy": "canary",
        "outcome": "succeeded",
        "seconds": 90,
        "reason": "fine",
    }
    head, first, second = table([row, {**row, "seconds": None, "kind": "rollback"}])
    assert head.index("kind") == first.index("deploy") == second.index("rollback")
    assert "…" in first


def test_in_the_middle_of_a_release_the_way_back_is_to_stop_it() -> None:
    fleet = Fleet(
        Weights(80, 20), ColourState(Colour.BLUE, "app:1", 2, 2, 2), ColourState(Colour.GREEN, "app:2", 2, 2, 2)
    )
    under_way = Release(
        "r2", "app", Kind.DEPLOY, "d", Colour.BLUE, Colour.GREEN, Plan("canary", (Step(20), Step(100))), 0.0, "ada"
    )
    lines = _status("app", fleet, under_way, None, "there is nothing before it")
    assert lines[-1] == "  rollback: stops r2, and returns all traffic to blue (one write, about a second)"
    assert "nobody works on it" in lines[-2]
    assert (
        _status("app", fleet, None, None, "there is nothing before it")[-1] == "  rollback: there is nothing before it"
    )
