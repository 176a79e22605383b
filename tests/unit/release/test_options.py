"""Options become orders; what is wrong with them is told all at once, before anything is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.release import service_release
from ansible_collections.pear.fargate.plugins.module_utils.release.bluegreen_info import _Standing, _status, table
from ansible_collections.pear.fargate.plugins.module_utils.release.options import colour_order, order, return_order
from ansible_collections.pear.fargate.plugins.module_utils.rollout.lease import Lease
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    ColourState,
    Fleet,
    Kind,
    OldColour,
    OnInconclusive,
    Outcome,
    Phase,
    Plan,
    Policy,
    Release,
    Step,
    Weights,
    WhenStableIsDown,
)
from ansible_collections.pear.fargate.plugins.module_utils.service.specification import Specification
from ansible_collections.pear.fargate.plugins.modules.bluegreen_cutover import ARGUMENT_SPEC
from ansible_collections.pear.fargate.plugins.modules.bluegreen_rollback import ARGUMENT_SPEC as ROLLBACK
from ansible_collections.pear.fargate.plugins.modules.bluegreen_rollback import CONSTRAINTS as ROLLBACK_CONSTRAINTS

from .given import BASE, DIGEST


def made(**options: Any) -> Any:
    plan = options.pop("plan", {})
    # The module service_release adds this one.
    rolling = plan == {"strategy": "rolling"}
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate({**BASE, **options, "plan": {} if rolling else plan})
    assert not validated.error_messages, validated.error_messages
    params = validated.validated_parameters
    if rolling:
        params["plan"]["strategy"] = "rolling"
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


def test_an_ebs_volume_is_held_to_its_bounds_without_a_preflight_too() -> None:
    ebs = {"size_gib": 10, "iops": 9000, "role_arn": "arn:aws:iam::123456789012:role/ecs"}
    volumes = [{"name": "work", "ebs": ebs, "file_system_id": "fs-1"}]
    with pytest.raises(Failure) as refused:
        made(volumes=volumes)
    for told in (
        "volumes: ebs of work: the volume has file_system_id too",
        "volumes: ebs of work: iops is 9000; 10 GiB of type gp3 have at most 5000",
    ):
        assert told in str(refused.value)
    assert made(volumes=[{"name": "work", "ebs": {**ebs, "iops": 4000}}]).fingerprint != made().fingerprint


def test_what_is_done_when_live_is_down_is_as_ordered() -> None:
    assert made().policy.when_stable_is_down is WhenStableIsDown.PROMOTE
    assert made(policy={"when_stable_is_down": "hold"}).policy.when_stable_is_down is WhenStableIsDown.HOLD


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


def test_a_check_is_a_request_or_a_task_and_an_option_of_the_other_is_refused() -> None:
    task = {"name": "migrate", "command": ["migrate"], "expect_json": {"done": True}, "tries": 2}
    request = {"name": "ready", "container": "proxy"}
    with pytest.raises(Failure) as refused:
        made(checks=[task, request], version_probe={"name": "version", "command": ["version"]})
    for told in (
        "check migrate: expect_json means nothing to a task",
        "check migrate: tries means nothing to a task",
        "check ready: container means nothing to a request",
        "version_probe: command means nothing to a request",
    ):
        assert told in str(refused.value)
    once = {"name": "order", "method": "POST", "every_target": False}
    with pytest.raises(Failure, match="check order: tries means nothing where every_target is false, which asks once"):
        made(checks=[{**once, "tries": 3}])
    assert made(checks=[once]).checks == ("order",)
    task = {"name": "migrate", "command": ["migrate"], "container": "tools", "timeout_seconds": 900}
    assert made(checks=[task, {"name": "ready", "tries": 2}]).checks == ("migrate", "ready")


OF_TWO_COLOURS = {"capacity_percent": 50, "window_seconds": 60, "old_colour": "keep", "when_stable_is_down": "hold"}


READ_BY_ROLLBACK = {"window_seconds", "old_colour"}
ROLLING: dict[str, Any] = {"plan": {"strategy": "rolling"}}
ONE_WRITER = {"single_writer": True, "desired_count": 1}
GROUP = {"name": "internal", "container": "app", "port": 8080}


@pytest.mark.parametrize(
    ("options", "read", "why"),
    [
        pytest.param(ROLLING, READ_BY_ROLLBACK, "rolling has no second colour", id="rolling"),
        pytest.param({**ROLLING, "kind": "worker", "port": None}, set(), "rolling has no second colour", id="worker"),
        pytest.param(
            {**ROLLING, "further_target_groups": [GROUP]}, set(), "rolling has no second colour", id="further group"
        ),
        pytest.param({**ROLLING, **ONE_WRITER}, set(), "rolling has no second colour", id="rolling, one writer"),
        pytest.param(ONE_WRITER, set(), "single_writer lets no second", id="one writer"),
    ],
)
def test_a_setting_of_the_second_colour_is_refused_where_there_is_none(
    options: dict[str, Any], read: set[str], why: str
) -> None:
    for name, value in OF_TWO_COLOURS.items():
        if name not in read:
            with pytest.raises(Failure, match=rf"policy\.{name} is {value}, but .*{why}"):
                made(**options, policy={name: value})
    neutral = {"capacity_percent": 100, "old_colour": "scale_in", "when_stable_is_down": "promote"}
    assert made(**options, policy=neutral).policy.window_seconds == 3600


def test_what_the_rollback_of_a_rolling_release_reads_is_taken_beside_the_strategy() -> None:
    policy = {name: OF_TWO_COLOURS[name] for name in READ_BY_ROLLBACK}
    kept = made(**ROLLING, policy=policy).policy
    assert (kept.window_seconds, kept.old_colour) == (60, OldColour.KEEP)
    returned = ArgumentSpecValidator(ROLLBACK).validate({"environment": "lab", "service": "app", "policy": policy})
    assert not returned.error_messages
    assert return_order(returned.validated_parameters, 0.0).policy == kept


def test_the_strategy_of_service_release_is_named_once() -> None:
    """The option of its plan would be passed over, and traffic would move in another way than the task says."""
    params = {"service": "app", "strategy": "rolling", "plan": {"strategy": "canary"}, "failed_dependencies": []}
    with pytest.raises(Failure, match=r"plan\.strategy is canary, but strategy is rolling"):
        service_release.run(Invocation(params, Aws({"region": "eu-central-1"}), False))


def test_what_needs_two_tasks_at_once_is_refused_where_only_one_may_write() -> None:
    one = {"single_writer": True, "desired_count": 1}
    assert made(**one).single_writer
    canary = {"strategy": "canary", "percent": 10, "duration_seconds": 60}
    policy = {"minimum_healthy": 2, "hold_when_interrupted": True}
    with pytest.raises(Failure) as refused:
        made(single_writer=True, desired_count=2, plan=canary, policy=policy, stage_only=True)
    for told in (
        "desired_count is 2, but single_writer allows 1 task",
        "canary gives the candidate 10 % of traffic while live has the rest",
        "policy.minimum_healthy is 2",
        "policy.hold_when_interrupted is true",
        "stage_only starts a candidate beside live",
    ):
        assert told in str(refused.value)


def test_one_writer_has_ecs_stop_a_task_before_it_starts_the_next() -> None:
    def settings(**options: Any) -> dict[str, Any]:
        params = ArgumentSpecValidator(ARGUMENT_SPEC).validate({**BASE, **options}).validated_parameters
        found = Specification(params, "eu-central-1").settings("arn:target-group")
        return {
            key: found[key] for key in ("minimum_healthy_percent", "maximum_percent", "availability_zone_rebalancing")
        }

    assert settings(single_writer=True, desired_count=1) == {
        "minimum_healthy_percent": 0,
        "maximum_percent": 100,
        "availability_zone_rebalancing": "DISABLED",
    }
    assert settings()["maximum_percent"] == 200


def test_a_step_too_short_for_its_metrics_is_refused() -> None:
    canary = {"strategy": "canary", "percent": 10, "duration_seconds": 60, "bake_seconds": 600}
    with pytest.raises(Failure, match="lasts 60 seconds"):
        made(plan=canary, gates={"errors": {}})


def test_a_rollback_names_where_to_and_whether_by_force() -> None:
    params = ArgumentSpecValidator(ROLLBACK).validate(
        {"environment": "test", "service": "app", "to": "x", "force": True}
    )
    wanted = return_order(params.validated_parameters, 1_700_000_000.0)
    assert (wanted.named, wanted.force, wanted.service, wanted.only_abandoned) == ("x", True, "app", False)
    params = ArgumentSpecValidator(ROLLBACK).validate({"environment": "test", "service": "app", "only_abandoned": True})
    assert return_order(params.validated_parameters, 1_700_000_000.0).only_abandoned
    assert "rollback" in wanted.id


def test_a_return_to_a_colour_names_that_and_what_it_needs() -> None:
    validator = ArgumentSpecValidator(ROLLBACK, **ROLLBACK_CONSTRAINTS)
    given = {"environment": "test", "service": "app", "to_colour": "green", "policy": {"minimum_healthy": 3}}
    wanted = colour_order(validator.validate(given).validated_parameters, 1_700_000_000.0)
    assert (wanted.colour, wanted.minimum_healthy, wanted.service) == (Colour.GREEN, 3, "app")
    assert "mutually exclusive: to|to_colour" in str(validator.validate({**given, "to": "x"}).error_messages)
    assert validator.validate({**given, "to_colour": "red"}).error_messages


def test_history_is_a_table_whose_columns_line_up() -> None:
    row = {
        "id": "20260101T000000Z-deploy-1a2b",
        "version": "1.4.2",
        "by": "ada",
        "digest": DIGEST,
        "task_definition": "test-app:1",
        "strategy": "canary",
        "outcome": "succeeded",
        "seconds": 90,
        "reason": "fine",
    }
    head, first, second = table([row, {**row, "seconds": None, "strategy": "all_at_once"}])
    assert head.index("strategy") == first.index("canary") == second.index("all_at_once")
    assert first.startswith("20260101T000000Z-deploy-1a2b  1.4.2"), "what a rollback can be told to go to comes first"
    assert first.split()[2:4] == ["test-app:1", DIGEST[:18] + "…"], "the revision stands beside the digest"
    assert "…" in first


FLEET = Fleet(Weights(80, 20), ColourState(Colour.BLUE, "app:1", 2, 2, 2), ColourState(Colour.GREEN, "app:2", 2, 2, 2))
STEPS = Plan("steps", (Step(20, 60, True, 600), Step(100)))
UNDER_WAY = Release("r2", "app", Kind.DEPLOY, "d", Colour.BLUE, Colour.GREEN, STEPS, 0.0, "ada", phase=Phase.SHIFTING)
GOOD = replace(UNDER_WAY, id="r1", task_definition="app:1", version="1.4.1", outcome=Outcome.SUCCEEDED, closed=True)
LEASE = Lease("app", "ada [1]", "r2", 1, 0.0, 90.0)


def status(*history: Release, lease: Lease | None = LEASE, now: float = 100.0, fleet: Fleet = FLEET) -> str:
    return "\n".join(_status(_Standing("app", fleet, history, lease, now)))


def test_in_the_middle_of_a_release_the_way_back_is_to_stop_it() -> None:
    assert status(UNDER_WAY).endswith("rollback: stops r2, and returns all traffic to blue (one write, about a second)")
    one = status(replace(UNDER_WAY, single_writer=True))
    assert one.endswith(
        "(as long as one task takes to stop and another one to start; requests are answered with 503 meanwhile)"
    )
    assert status().endswith(
        "rollback: no release of this service has succeeded yet, so there is nothing to go back to"
    )


@pytest.mark.parametrize(
    ("release", "lease", "told"),
    [
        (UNDER_WAY, LEASE, "held by ada [1] since 1970-01-01 00:00:00Z"),
        (UNDER_WAY, None, "lost: no controller works on it"),
        (replace(UNDER_WAY, paused_since=60.0), LEASE, "paused since 1970-01-01 00:01:00Z; it returns traffic at"),
        (replace(UNDER_WAY, paused_since=60.0), LEASE, "playbooks/pause.yml -l app -e resume=true"),
        (
            replace(UNDER_WAY, paused_since=60.0),
            None,
            "nothing returns its traffic; to resume: playbooks/pause.yml -l app -e resume=true, once a controller works on it again",
        ),
        *(
            (
                replace(UNDER_WAY, stable_down_since=60.0, policy=Policy(when_stable_is_down=policy)),
                lease,
                "blue has no healthy target since 1970-01-01 00:01:00Z; to give green all traffic: playbooks/promote.yml -l app "
                f"-e promote_all=true{told}",
            )
            for policy in (WhenStableIsDown.ASK, WhenStableIsDown.HOLD)
            for lease, told in ((LEASE, "\n"), (None, ", once a controller works on it again"))
        ),
        (
            replace(UNDER_WAY, since=0.0),
            LEASE,
            "waiting for approval of step 1 since 1970-01-01 00:01:00Z, until 1970-01-01 00:11:00Z: playbooks/promote.yml -l app",
        ),
        (
            replace(
                UNDER_WAY,
                since=0.0,
                plan=Plan("canary", (Step(20, 30), Step(100))),
                policy=Policy(inconclusive=OnInconclusive.APPROVAL, patience_seconds=10),
            ),
            LEASE,
            "waiting for approval of step 1, which the gates cannot judge since 1970-01-01 00:00:40Z",
        ),
    ],
)
def test_the_status_of_a_release_says_who_has_to_act(release: Release, lease: Lease | None, told: str) -> None:
    assert told in status(release, lease=lease)


def test_a_step_that_is_not_over_does_not_wait() -> None:
    assert "waiting" not in status(replace(UNDER_WAY, since=90.0))


def test_a_release_whose_live_colour_is_down_has_no_way_back_and_says_who_is_not_served() -> None:
    told = status(UNDER_WAY, fleet=replace(FLEET, blue=replace(FLEET.blue, healthy=0)))
    assert "  80 % of requests are not served: blue has no healthy target" in told.splitlines()
    assert "rollback: blue cannot take traffic back" in told
    assert "about a second" not in told


@pytest.mark.parametrize("healthy", [2, 0], ids=["the candidate serves", "nor is the candidate healthy"])
def test_the_status_of_a_lost_release_whose_live_colour_is_down_does_not_contradict_itself(healthy: int) -> None:
    """Neither a rollback nor a promotion that nobody reads is offered."""
    fleet = replace(FLEET, blue=replace(FLEET.blue, healthy=0), green=replace(FLEET.green, healthy=healthy))
    told = status(UNDER_WAY, lease=None, fleet=fleet)
    assert "or roll back" not in told
    assert "lost: no controller works on it. Deploy the same version again to go on\n" in told
    (back,) = [line for line in told.splitlines() if "rollback:" in line]
    assert "blue cannot take traffic back" in back
    if healthy:
        assert back.endswith(
            "green has 2: release the same version again, so that a controller works on it; then playbooks/promote.yml -l app "
            "-e promote_all=true gives it all traffic"
        )
    else:
        assert "promote.yml" not in told and "release a version that works" in back


@pytest.mark.parametrize(
    ("healthy", "told"),
    [
        pytest.param(2, "rollback: to r1, 1.4.1 (app:1) (one write, about a second)", id="it is warm"),
        pytest.param(
            0, "rollback: would have returned traffic to r1 on blue, but it is sick: blue 0 healthy", id="sick"
        ),
    ],
)
def test_a_way_back_is_promised_only_where_a_rollback_would_begin(healthy: int, told: str) -> None:
    newer = replace(GOOD, id="r3", task_definition="app:2", version="1.4.2", started_at=5.0)
    fleet = Fleet(Weights(0, 100), replace(FLEET.blue, healthy=healthy), FLEET.green)
    last = status(GOOD, newer, fleet=fleet).splitlines()[-1].strip()
    assert last.startswith(told)
    assert ("-e rollback_force=true" in last) is (not healthy)


def test_versions_are_shown_by_tag_and_revision_and_the_way_forward_is_named() -> None:
    newer = replace(GOOD, id="r3", task_definition="app:2", version="1.4.2", started_at=5.0)
    back = replace(GOOD, id="r4", kind=Kind.ROLLBACK, target="r1", started_at=9.0)
    told = status(GOOD, newer, back, fleet=replace(FLEET, weights=Weights(100, 0)))
    assert "blue 2 healthy of 2 running, 2 desired  1.4.1 (app:1)" in told
    assert "roll forward to 1.4.2 (app:2) with -e rollback_to=r3" in told
    assert "only release" not in told
    newest = replace(newer, id="r5", task_definition="app:3", version="1.4.3", started_at=6.0)
    told = status(GOOD, newer, newest, replace(back, target="r3"), fleet=replace(FLEET, weights=Weights(0, 100)))
    assert "roll forward: to 1.4.3 (app:3) with playbooks/rollback.yml -l app -e rollback_to=r5" in told
    assert "rollback: to r1, 1.4.1 (app:1)" in told
