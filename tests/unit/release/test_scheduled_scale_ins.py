"""Scale-ins that AWS carries out later: each says which release it was made for, a colour has one at most."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import autoscaling, ecs
from ansible_collections.pear.fargate.plugins.module_utils.aws.autoscaling import Bounds, ScaleIn
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.clock import SystemClock
from ansible_collections.pear.fargate.plugins.module_utils.common.progress import SilentProgress
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.fleet import ServiceFleet
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.listener import ListenerProvider
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.scaling_reader import ScalingReader
from ansible_collections.pear.fargate.plugins.module_utils.rollout.actions import ScheduleScaleIn, Stage
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
        client = boto3.client("ecs", REGION)
        client.create_cluster(clusterName="local")
        client.register_task_definition(family="app", containerDefinitions=[])
        for colour in Colour:
            client.create_service(cluster="local", serviceName=f"app-{colour}", taskDefinition="app", desiredCount=2)
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


def test_a_colour_that_is_used_again_has_the_new_version_before_autoscaling_gives_it_tasks(
    provider: ListenerProvider,
) -> None:
    """RegisterScalableTarget moves the count into its bounds at once: of the old version, if that came first."""
    aws = provider.fleet.aws
    client = aws.client("ecs")
    old = client.register_task_definition(family="app", containerDefinitions=[])["taskDefinition"]["taskDefinitionArn"]
    new = client.register_task_definition(family="app", containerDefinitions=[])["taskDefinition"]["taskDefinitionArn"]
    client.update_service(cluster="local", service="app-blue", taskDefinition=old, desiredCount=0)
    autoscaling.register(aws, "local", "app-blue", Bounds(0, 0))
    autoscaling.register(aws, "local", "app-green", Bounds(2, 4))
    place = SimpleNamespace(
        cluster="local",
        ecs_services={colour: f"app-{colour}" for colour in Colour},
        of_connections=False,
        given=None,
        target_groups={colour: SimpleNamespace(arn=f"arn:{colour}") for colour in Colour},
    )
    fleet = ServiceFleet(aws, cast(ServiceLocation, place), SilentProgress(), write_until=math.inf)
    found = ecs.services(aws, "local", [*place.ecs_services.values()])
    fleet.services = {colour: found[name] for colour, name in place.ecs_services.items()}
    sent: list[tuple[str, Any]] = []
    for service in ("ecs", "application-autoscaling"):
        fleet.writing.client(service).meta.events.register(
            "provide-client-params", lambda params, model, **_: sent.append((model.name, params))
        )
    ListenerProvider(fleet, _test_colour=BLUE).stage(Stage(BLUE, new, 2))
    (updated, update), (registered, bounds) = sent
    assert (updated, update["taskDefinition"], update["desiredCount"]) == ("UpdateService", new, 2)
    assert (registered, bounds["ResourceId"]) == ("RegisterScalableTarget", "service/local/app-blue")
    assert autoscaling.scalable_targets(aws, "local", ["app-blue"]) == {"app-blue": Bounds(2, 4)}
