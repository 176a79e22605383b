"""Scale-ins that AWS carries out later: each says which release it was made for, and a colour has one at most."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import autoscaling
from ansible_collections.pear.fargate.plugins.module_utils.aws.autoscaling import Bounds, ScaleIn
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.clock import SystemClock
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.fleet import ServiceFleet
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.listener import ListenerProvider
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.scaling_reader import ScalingReader
from ansible_collections.pear.fargate.plugins.module_utils.rollout.actions import ScheduleScaleIn
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour
from ansible_collections.pear.fargate.plugins.module_utils.service.location import ServiceLocation
from moto import mock_aws

REGION = "eu-central-1"
BLUE = Colour.BLUE


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[ListenerProvider]:
    """The provider of a service whose blue colour has tasks and no autoscaling."""
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        ecs = boto3.client("ecs", REGION)
        ecs.create_cluster(clusterName="local")
        ecs.register_task_definition(family="app", containerDefinitions=[])
        for colour in Colour:
            ecs.create_service(cluster="local", serviceName=f"app-{colour}", taskDefinition="app", desiredCount=2)
        aws = Aws({"region": REGION})
        location = SimpleNamespace(cluster="local", ecs_services={one: f"app-{one}" for one in Colour}, given=None)
        fleet = SimpleNamespace(
            aws=aws,
            writing=aws,
            location=location,
            services={BLUE: SimpleNamespace(desired=2)},
            scaling=ScalingReader(aws, cast(ServiceLocation, location), SystemClock()),
        )
        yield ListenerProvider(cast(ServiceFleet, fleet))


def scale_ins(provider: ListenerProvider) -> Any:
    return autoscaling.scale_ins(provider.fleet.aws, "local", "app-blue")


def test_a_scheduled_scale_in_carries_its_release_and_replaces_those_of_others(provider: ListenerProvider) -> None:
    provider.schedule_scale_in(ScheduleScaleIn(BLUE, 2e9, "deploy-7"))
    assert scale_ins(provider) == (ScaleIn(2e9, "deploy-7"),)
    assert provider.fleet.scaling.read().scale_ins["app-blue"] == scale_ins(provider)
    provider.schedule_scale_in(ScheduleScaleIn(BLUE, 2e9 + 60, "deploy-8"))
    assert scale_ins(provider) == (ScaleIn(2e9 + 60, "deploy-8"),)
    assert provider.fleet.scaling.read().scale_ins["app-blue"] == scale_ins(provider), (
        "what was read before is forgotten"
    )
    assert provider.fleet.scaling.read().suspended("app-blue"), "and nothing takes tasks from it before"


def test_a_colour_that_is_used_again_has_no_scale_in_left_whatever_release_made_it(provider: ListenerProvider) -> None:
    provider.schedule_scale_in(ScheduleScaleIn(BLUE, 2e9, "deploy-7"))
    for late in ("pear-rollback-window-over", ScaleIn(2e9, "deploy-6").name):
        autoscaling.schedule(provider.fleet.aws, "local", "app-blue", late, 2e9, Bounds(0, 0))
    autoscaling.schedule(provider.fleet.aws, "local", "app-blue", "of-the-user", 2e9, Bounds(1, 2))
    assert [found.release_id for found in scale_ins(provider)] == ["", "deploy-6", "deploy-7"]
    provider._unschedule("app-blue", set())
    assert scale_ins(provider) == ()
    left = autoscaling.scheduled_actions(provider.fleet.aws, "local", "app-blue")
    assert [action["ScheduledActionName"] for action in left] == ["of-the-user"]


def test_bounds_of_a_scale_in_that_has_struck_already_are_opened_with_it(provider: ListenerProvider) -> None:
    provider.schedule_scale_in(ScheduleScaleIn(BLUE, 2e9, "deploy-7"))
    autoscaling.register(provider.fleet.aws, "local", "app-blue", Bounds(0, 0))
    provider.cancel_scale_in(BLUE)
    assert autoscaling.scalable_targets(provider.fleet.aws, "local", ["app-blue"]) == {}
