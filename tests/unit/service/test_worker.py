"""A worker: what it cannot have is refused by name, where it is, and what is read of it."""

from __future__ import annotations

from typing import Any, cast

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.pear.fargate.plugins.module_utils.aws import autoscaling, ecs, service_definition
from ansible_collections.pear.fargate.plugins.module_utils.aws.ecs_states import Deployment, ServiceState
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.aws.tasks import ContainerState, TaskState
from ansible_collections.pear.fargate.plugins.module_utils.common.progress import SilentProgress
from ansible_collections.pear.fargate.plugins.module_utils.release.options import order
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.fleet import ServiceFleet
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.service_provider import ServiceProvider
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import (
    Begun,
    Refused,
    ReturnOrder,
    begin_rollback,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    ColourState,
    Fleet,
    Kind,
    Outcome,
    Plan,
    Release,
    Step,
    Weights,
)
from ansible_collections.pear.fargate.plugins.module_utils.service.location import (
    NotProvisionedError,
    locate_in_environment,
)
from ansible_collections.pear.fargate.plugins.module_utils.service.specification import Specification
from ansible_collections.pear.fargate.plugins.module_utils.service.variables import findings
from ansible_collections.pear.fargate.plugins.module_utils.service.worker import HEALTH_DEFAULTS
from ansible_collections.pear.fargate.plugins.modules.service_release import ARGUMENT_SPEC
from ansible_collections.pear.fargate.plugins.plugin_utils.role_variables import read_roles

from ..release.given import BASE
from .given import checked

GOOD: dict[str, Any] = {"environment_name": "production", "service_name": "mailer", "service_kind": "worker"}
WORKER = {key: value for key, value in BASE.items() if key != "port"} | {"kind": "worker", "strategy": "rolling"}
MIGRATE = {"name": "migrate", "command": ["migrate"]}


def test_a_worker_needs_no_paths_and_no_health_check_of_targets() -> None:
    filled = {"service_paths": ["/*"], "service_hosts": [], "service_health_check": {**HEALTH_DEFAULTS, "port": None}}
    assert findings({**GOOD, **filled, "service_checks": [MIGRATE], "service_gates": {"alarms": ["queue"]}}) == []


def test_what_the_specification_fills_in_is_not_taken_for_the_users() -> None:
    options = read_roles(DataLoader())["service"].options["service_health_check"]["options"]
    assert {name: option.get("default") for name, option in options.items()} == {
        "port": None,
        "matcher": None,
        **HEALTH_DEFAULTS,
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"service_strategy": "canary"}, "service_strategy is canary, which shifts the requests of a load balancer"),
        ({"service_hosts": ["a.example"]}, "service_hosts is set, but service_kind is worker"),
        ({"service_paths": ["/jobs"]}, "service_paths is set"),
        ({"service_health_check": {"path": "/readyz"}}, "Use service_health_command"),
        ({"service_version_probe": {"name": "v"}}, "service_version_probe is set"),
        ({"service_gates": {"errors": {}, "latency": {"maximum_ratio": 2}}}, "service_gates.latency judges answers"),
        ({"service_checks": [{"name": "smoke", "path": "/"}]}, "service_checks: smoke is a request"),
        ({"dns_names": ["a.example"]}, "dns_names is set"),
        ({"service_target_container": "proxy"}, "service_target_container is set"),
        (
            {
                "autoscaling_minimum": 1,
                "autoscaling_maximum": 2,
                "autoscaling_policies": [{"name": "r", "metric": "requests", "target": 9}],
            },
            "use backlog, cpu, memory or custom",
        ),
    ],
)
def test_what_a_worker_cannot_have_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    (found,) = findings({**GOOD, **change})
    assert message in found


def test_a_service_without_hosts_and_paths_is_told_of_workers() -> None:
    (found,) = findings({**GOOD, "service_kind": "web", "service_hosts": [], "service_paths": []})
    assert "set service_kind to worker" in found
    assert "/*" not in found


def ordered(**options: Any) -> Any:
    params = checked(ARGUMENT_SPEC, {**WORKER, **options})
    params = {**params, "plan": {**params["plan"], "strategy": params["strategy"]}}
    return order(params, Specification(params, "eu-central-1"), 1_700_000_000.0)


def test_a_worker_is_watched_for_a_minute_unless_it_is_told_otherwise() -> None:
    assert ordered().plan.bake_seconds == 60
    assert ordered(plan={"bake_seconds": 0}).plan.bake_seconds == 0
    assert ordered(kind="web", port=8080).plan.bake_seconds == 0


def test_a_release_of_a_worker_by_a_strategy_of_traffic_is_refused() -> None:
    with pytest.raises(Failure, match="its only strategy is rolling"):
        ordered(strategy="canary", plan={"percent": 10, "duration_seconds": 60})
    with pytest.raises(Failure, match="port is missing"):
        ordered(kind="web")


def test_its_ecs_service_has_neither_load_balancer_nor_grace_period() -> None:
    params = checked(ARGUMENT_SPEC, WORKER)
    settings = Specification(params, "eu-central-1").settings("")
    request = service_definition.create_request(settings, "task:1", 2)
    assert not {"loadBalancers", "healthCheckGracePeriodSeconds"} & set(request)
    described = {**request, "networkConfiguration": request["networkConfiguration"], "loadBalancers": []}
    assert service_definition.differences(service_definition.described(described), settings) == set()


def test_a_worker_without_its_cluster_is_not_provisioned(monkeypatch: pytest.MonkeyPatch) -> None:
    clusters = {"corp": {}}
    monkeypatch.setattr(ecs, "cluster", lambda _, name: clusters.get(name))
    place = {"environment": "prod", "service": "mailer", "kind": "worker"}
    with pytest.raises(NotProvisionedError, match="missing cluster prod"):
        locate_in_environment(cast(Aws, None), place)
    found = locate_in_environment(cast(Aws, None), {**place, "cluster": "corp"})
    assert (found.cluster, dict(found.ecs_services)) == ("corp", {Colour.BLUE: "mailer-blue"})


def test_tasks_that_die_after_ecs_is_done_are_a_failure_and_those_of_before_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopped = [_dead("old")]
    service = _service("COMPLETED")
    monkeypatch.setattr(ecs, "cluster", lambda *_: {})
    monkeypatch.setattr(ecs, "services", lambda *_: {"mailer-blue": service})
    monkeypatch.setattr(ecs, "tasks", lambda *_: list(stopped))
    monkeypatch.setattr(autoscaling, "scalable_targets", lambda *_: {})
    location = locate_in_environment(cast(Aws, None), {"environment": "prod", "service": "mailer", "kind": "worker"})
    provider = ServiceProvider(ServiceFleet(cast(Aws, None), location, SilentProgress()))
    monkeypatch.setattr(provider.narrator, "log_lines", lambda *_: ())
    fleet = provider.read()
    assert (fleet.routed, fleet.weights, fleet.blue.healthy, fleet.blue.failure) == (False, Weights(100, 0), 2, "")
    stopped += [_dead(name) for name in ("a", "b")]
    assert provider.read().blue.failure == "", "two may die by bad luck"
    stopped.append(_dead("c"))
    assert (
        "3 tasks stopped: Essential container in task exited; container app: exit code 7"
        in provider.read().blue.failure
    )


def _dead(name: str) -> TaskState:
    containers = (ContainerState("app", "STOPPED", exit_code=7),)
    reason = "Essential container in task exited"
    return TaskState(
        name,
        "task:2",
        "new",
        "STOPPED",
        stop_code="EssentialContainerExited",
        stopped_reason=reason,
        containers=containers,
    )


def _service(rollout_state: str) -> ServiceState:
    deployment = Deployment("new", "PRIMARY", "task:2", 2, 2, 0, 0, rollout_state)
    return ServiceState("mailer-blue", "arn", "ACTIVE", "task:2", 2, 2, 0, (deployment,))


def _made(number: int) -> Release:
    return Release(
        id=f"r{number}",
        service="mailer",
        kind=Kind.DEPLOY,
        digest=f"sha256:{number}",
        live=Colour.BLUE,
        candidate=Colour.BLUE,
        plan=Plan("rolling", (Step(100),)),
        started_at=float(number),
        by="ada",
        task_definition=f"task:{number}",
        outcome=Outcome.SUCCEEDED,
        closed=True,
    )


def test_a_rollback_of_a_worker_replaces_its_tasks_and_can_come_back() -> None:
    live = ColourState(Colour.BLUE, "task:2", 3, 3, 3, deployment_id="d2")
    fleet = Fleet(Weights(100, 0), live, ColourState(Colour.GREEN), routed=False)
    begun = begin_rollback(ReturnOrder("back", "mailer", "grace"), fleet, [_made(1), _made(2)], 10.0)
    assert isinstance(begun, Begun)
    begun = begun.release
    assert begun.in_place
    assert (begun.task_definition, begun.stable_task_definition) == ("task:1", "task:2")
    nothing = begin_rollback(ReturnOrder("back", "mailer", "grace"), fleet, [_made(2)], 10.0)
    assert isinstance(nothing, Refused)
