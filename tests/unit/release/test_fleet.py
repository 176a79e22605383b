"""What one look at a service asks AWS for: no more than a decision needs, since all runs of an account share its quotas."""

from __future__ import annotations

import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import autoscaling, ecs, elbv2, launch_volumes
from ansible_collections.pear.fargate.plugins.module_utils.aws.ecs_states import Deployment, ServiceState
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import Conditions, Rule, TargetState
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError, Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.progress import SilentProgress
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import PortError
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.ecs import EcsProvider
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.fleet import ServiceFleet
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.joined_targets import joined
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.listener import ListenerProvider
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.service_provider import (
    ServiceProvider,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.actions import Replace, Stage
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour, Weights
from ansible_collections.pear.fargate.plugins.module_utils.service.location import ServiceLocation
from botocore.exceptions import ClientError

from ..clocks import QuickClock, RecordedProgress

BLUE, GREEN = Colour.BLUE, Colour.GREEN
SERVICE_UNAVAILABLE = ClientError({"Error": {"Code": "ServerException", "Message": "Try again"}}, "DescribeServices")
THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "DescribeTargetHealth")


class Account:
    """Blue serves with two tasks; green has none. Every read is noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.tasks = {"web-blue": 2, "web-green": 0}
        self.throttled: set[str] = set()
        self.settings: dict[str, Any] = {}
        self.weights = {"arn:blue": 100, "arn:green": 0}
        # Weights of rules beside the production rule, by ARN.
        self.further: dict[str, dict[str, int]] = {}
        self._lock = threading.Lock()
        monkeypatch.setattr(ecs, "services", self.services)
        monkeypatch.setattr(elbv2, "rules", self.rules)
        monkeypatch.setattr(elbv2, "rules_by_arn", self.rules_by_arn)
        monkeypatch.setattr(elbv2, "target_health", self.target_health)
        monkeypatch.setattr(autoscaling, "scalable_targets", lambda *_: {})

    def note(self, what: str) -> None:
        with self._lock:
            self.asked.append(what)

    def services(self, _aws: Any, _cluster: str, names: list[str]) -> dict[str, Any]:
        return {
            name: SimpleNamespace(
                desired=self.tasks[name], running=self.tasks[name], primary=None, settings=self.settings
            )
            for name in names
        }

    def rules(self, _aws: Any, _listener: str) -> list[Rule]:
        self.note("rule")
        own = {"arn:rule": self.weights, **self.further}
        return [
            *(Rule(arn, 20 - number, Conditions(), dict(weights)) for number, (arn, weights) in enumerate(own.items())),
            Rule("arn:debug", 1, Conditions(), {"arn:green": 1}),
            Rule("arn:theirs", 2, Conditions(), {"arn:other": 1}),
        ]

    def rules_by_arn(self, _aws: Any, arns: list[str]) -> list[Rule] | None:
        found = {rule.arn: rule for rule in self.rules(_aws, "")}
        self.asked[-1] = "known rules"
        return [found[arn] for arn in arns] if {*arns} <= {*found} else None

    def target_health(self, _aws: Any, arn: str) -> tuple[Any, ...]:
        self.note(arn)
        if arn in self.throttled:
            raise AwsError("read the health of targets", THROTTLED)
        return ()


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    return Account(monkeypatch)


def fleet(clock: QuickClock) -> ServiceFleet:
    place = SimpleNamespace(
        cluster="c",
        is_routed=True,
        of_connections=False,
        test=None,
        ecs_services={BLUE: "web-blue", GREEN: "web-green"},
        service="web",
        listener_arn="arn:listener",
        given=None,
        production=SimpleNamespace(arn="arn:rule"),
        further=(),
        target_groups={
            BLUE: SimpleNamespace(arn="arn:blue", health_check="GET /"),
            GREEN: SimpleNamespace(arn="arn:green", health_check="GET /"),
        },
    )
    return ServiceFleet(cast(Aws, None), cast(ServiceLocation, place), SilentProgress(), clock=clock)


def look(account: Account, reader: ServiceFleet, longest_seconds: float = 0.0) -> list[str]:
    account.asked.clear()
    reader.read(longest_seconds)
    return sorted(account.asked)


def test_the_targets_of_a_colour_without_tasks_and_traffic_are_not_asked_for(account: Account) -> None:
    reader = fleet(QuickClock())
    assert look(account, reader) == ["arn:blue", "arn:green", "rule"], "at first nothing is known"
    assert look(account, reader) == ["arn:blue", "known rules"]
    account.tasks["web-green"] = 1
    assert look(account, reader) == ["arn:blue", "arn:green", "known rules"], "in the same look in which it has a task"


def test_a_glance_takes_a_rule_that_was_read_some_seconds_ago_and_a_write_forgets_it(account: Account) -> None:
    clock = QuickClock()
    reader = fleet(clock)
    look(account, reader)
    clock.sleep(6)
    assert look(account, reader, 10.0) == ["arn:blue"]
    clock.sleep(6)
    assert look(account, reader, 10.0) == ["arn:blue", "known rules"]
    reader.forget_rules()
    clock.sleep(1)
    assert look(account, reader, 10.0) == ["arn:blue", "rule"], "all of the listener's: one may have been added"
    clock.sleep(61)
    assert look(account, reader) == ["arn:blue", "rule"]
    account.further = {"arn:gone": {"arn:blue": 100, "arn:green": 0}}
    reader.forget_rules()
    assert [rule.arn for rule in reader.read().rules] == ["arn:rule", "arn:gone"]
    account.further = {}
    assert [rule.arn for rule in reader.read().rules] == ["arn:rule"], "one that was removed is missed no look longer"


def test_when_the_weights_changed_is_known_of_changes_by_others_too(account: Account) -> None:
    clock = QuickClock()
    reader = fleet(clock)
    began = clock.now()
    clock.sleep(20)
    look(account, reader)
    assert reader.weights_changed_at == began, "somebody may have changed them just before this run"
    clock.sleep(20)
    account.weights = {"arn:blue": 0, "arn:green": 100}
    look(account, reader)
    assert reader.weights_changed_at == began + 40
    clock.sleep(20)
    look(account, reader)
    assert reader.weights_changed_at == began + 40


@pytest.mark.parametrize(
    ("of_connections", "test", "expected"),
    [(True, "arn:test", 50.0), (True, None, 0.0), (False, "arn:test", 0.0)],
)
def test_a_run_does_not_know_when_the_test_listener_was_changed_before(
    of_connections: bool, test: str | None, expected: float
) -> None:
    """A run that died may have changed it just now: a check would ask the colour that serves already."""
    place, clock = SimpleNamespace(of_connections=of_connections, test=test), QuickClock()
    clock.sleep(50)
    reader = ServiceFleet(cast(Aws, None), cast(ServiceLocation, place), SilentProgress(), clock=clock)
    assert reader.test_rule_changed_at == expected


def test_a_shift_changes_the_weights_even_if_its_answer_is_lost(account: Account, monkeypatch: Any) -> None:
    clock = QuickClock()
    reader = fleet(clock)
    look(account, reader)
    clock.sleep(20)
    monkeypatch.setattr(elbv2, "set_weights", Mock(side_effect=AwsError("set the weights", THROTTLED)))
    monkeypatch.setattr(ServiceFleet, "writing", None)
    with pytest.raises(AwsError):
        ListenerProvider(reader).shift(Weights.all_to(GREEN))
    assert reader.weights_changed_at == clock.now()


def test_a_rule_that_was_added_since_the_run_began_is_read_and_written_after_the_first(
    account: Account, monkeypatch: Any
) -> None:
    reader = fleet(QuickClock())
    account.further = {"arn:added": {"arn:blue": 100, "arn:green": 0}}
    assert [rule.arn for rule in reader.read().rules] == ["arn:rule", "arn:added"], "not a rule of one colour alone"
    written: list[str] = []

    def write(_aws: Any, rule: Rule, weights: dict[str, int]) -> Rule:
        written.append(rule.arn)
        return Rule(rule.arn, 10, Conditions(), weights)

    monkeypatch.setattr(elbv2, "set_weights", write)
    monkeypatch.setattr(ServiceFleet, "writing", None)
    ListenerProvider(reader).shift(Weights.all_to(GREEN))
    assert written == ["arn:rule", "arn:added"]


def test_where_the_first_rule_is_not_written_no_further_one_is(account: Account, monkeypatch: Any) -> None:
    reader = fleet(QuickClock())
    account.further = {"arn:added": {"arn:blue": 100, "arn:green": 0}}
    reader.read()
    refused = Mock(side_effect=AwsError("set the weights", THROTTLED))
    monkeypatch.setattr(elbv2, "set_weights", refused)
    monkeypatch.setattr(ServiceFleet, "writing", None)
    with pytest.raises(AwsError):
        ListenerProvider(reader).shift(Weights.all_to(GREEN))
    assert refused.call_count == 1


def test_the_targets_of_a_colour_that_any_rule_sends_requests_to_are_asked_for(account: Account) -> None:
    reader = fleet(QuickClock())
    account.further = {"arn:added": {"arn:blue": 80, "arn:green": 20}}
    look(account, reader)
    assert look(account, reader) == ["arn:blue", "arn:green", "known rules"]


def test_a_production_rule_that_somebody_deleted_is_told_with_what_makes_it(account: Account) -> None:
    account.weights = {"arn:other": 100}
    with pytest.raises(
        Failure, match=r"its production rule is not there any more\. playbooks/provision\.yml -l web makes it"
    ):
        fleet(QuickClock()).read()


def test_a_look_that_was_throttled_goes_on_where_it_was(account: Account) -> None:
    clock = QuickClock()
    reader = fleet(clock)
    account.tasks["web-green"] = 2
    account.throttled = {"arn:green"}
    with pytest.raises(AwsError, match="Rate exceeded"):
        look(account, reader)
    account.throttled = set()
    clock.sleep(20)
    assert look(account, reader) == ["arn:green", "known rules"]
    assert look(account, reader) == ["arn:blue", "arn:green", "known rules"], "a finished look is not used again"
    account.throttled = {"arn:green"}
    with pytest.raises(AwsError):
        look(account, reader)
    account.throttled = set()
    clock.sleep(60)
    assert look(account, reader) == ["arn:blue", "arn:green", "rule"], "nor one that is old"


def test_no_read_of_a_look_waits_for_another_that_hangs(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(5)

    def hang(*_: Any) -> Any:
        together.wait(30)
        raise AwsError("read ECS services", SERVICE_UNAVAILABLE)

    for module, name in (
        (ecs, "services"),
        (elbv2, "rules"),
        (elbv2, "target_health"),
        (autoscaling, "scalable_targets"),
    ):
        monkeypatch.setattr(module, name, hang)
    with pytest.raises(AwsError, match="read ECS services"):
        fleet(QuickClock()).read()
    assert not together.broken


def cannot_read_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AwsError("read the services", SERVICE_UNAVAILABLE)

    monkeypatch.setattr(ecs, "services", refuse)
    monkeypatch.setattr(ecs, "tasks", refuse)
    monkeypatch.setattr(autoscaling, "scalable_targets", refuse)


def test_the_load_balancer_alone_tells_weights_and_healthy_targets(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    cannot_read_tasks(monkeypatch)
    healthy, ill = TargetState("10.0.0.1", 80, "healthy"), TargetState("10.0.0.2", 80, "unhealthy")
    found = {"arn:blue": (healthy, ill), "arn:green": (healthy, replace(healthy, address="10.0.0.3"))}
    monkeypatch.setattr(elbv2, "target_health", lambda _aws, arn: found[arn])
    account.weights = {"arn:blue": 50, "arn:green": 50}
    account.further = {"arn:further": {"arn:blue": 90, "arn:green": 10}}
    provider = ServiceProvider(fleet(QuickClock()))
    with pytest.raises(PortError, match="Failed to read the services"):
        provider.read()
    seen = provider.read_load_balancer()
    assert (seen.weights, seen.others) == (Weights(50, 50), (Weights(90, 10),))
    assert (seen.blue.healthy, seen.green.healthy) == (1, 2)


def test_looks_of_both_colours_bear_one_odd_answer_and_say_at_once_why_a_target_is_unhealthy(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = Deployment("ecs-svc/1", "PRIMARY", "web:1", 2, 2, 0, 0, "COMPLETED")
    state = ServiceState("web-green", "arn", "ACTIVE", "web:1", 2, 2, 0, (deployment,))
    monkeypatch.setattr(ecs, "services", lambda *_: {name: replace(state, name=name) for name in account.tasks})
    first, second = TargetState("10.0.0.1", 80, "healthy"), TargetState("10.0.0.2", 80, "healthy")
    mismatch = ("Target.ResponseCodeMismatch", "Health checks failed with these codes: [404]")
    looks = [
        (first, second),
        (first, replace(second, state="unavailable")),
        (),
        (first, second),
        (first, TargetState("10.0.0.2", 80, "unhealthy", *mismatch)),
    ]
    found: list[tuple[TargetState, ...]] = []
    monkeypatch.setattr(elbv2, "target_health", lambda *_: found[-1])
    said = RecordedProgress()
    reader = fleet(QuickClock())
    reader.progress = said
    provider = ServiceProvider(reader)
    counts = []
    for look_now in looks:
        found.append(look_now)
        seen = provider.read()
        counts.append((seen.blue.healthy, seen.green.healthy))
    assert counts == [(2, 2), (2, 2), (2, 2), (2, 2), (1, 1)]
    for colour in (BLUE, GREEN):
        (told,) = [line for line in said.lines if line.startswith(f"web-{colour}: ")]
        assert told.endswith("Target.ResponseCodeMismatch: Health checks failed with these codes: [404] (GET /)")


FIRST, SECOND = TargetState("10.0.0.1", 80, "healthy"), TargetState("10.0.0.2", 80, "healthy")


@pytest.mark.parametrize(
    ("looks", "healthy"),
    [
        pytest.param([(FIRST, SECOND)], 2, id="nothing is odd"),
        pytest.param([(), (FIRST, SECOND)], 2, id="all are missing once"),
        pytest.param([(FIRST, replace(SECOND, state="unavailable")), (FIRST, SECOND)], 2, id="one is not known"),
        pytest.param([(), ()], 0, id="two looks are believed"),
        pytest.param([(FIRST, replace(SECOND, state="unhealthy"))], 1, id="the load balancer calls it unhealthy"),
        pytest.param([(FIRST, replace(SECOND, state="initial"))], 1, id="it starts"),
    ],
)
def test_an_odd_first_look_is_taken_again(
    account: Account, monkeypatch: pytest.MonkeyPatch, looks: list[tuple[TargetState, ...]], healthy: int
) -> None:
    deployment = Deployment("ecs-svc/1", "PRIMARY", "web:1", 2, 2, 0, 0, "COMPLETED")
    state = ServiceState("web-blue", "arn", "ACTIVE", "web:1", 2, 2, 0, (deployment,))
    monkeypatch.setattr(ecs, "services", lambda *_: {"web-blue": state})
    answers = {"arn:blue": list(looks), "arn:green": [()] * len(looks)}
    monkeypatch.setattr(elbv2, "target_health", lambda _aws, arn: answers[arn].pop(0))
    clock = QuickClock()
    provider = ServiceProvider(fleet(clock))
    assert (provider.read().blue.healthy, answers["arn:blue"]) == (healthy, [])
    assert clock.seconds == 2.0 * (len(looks) - 1)


def test_health_that_an_earlier_look_left_is_read_again_before_traffic_is_returned_by_it(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    cannot_read_tasks(monkeypatch)
    reader = fleet(QuickClock())
    with pytest.raises(AwsError):
        reader.read()
    account.asked.clear()
    reader.read_load_balancer()
    assert {"arn:blue", "arn:green"} <= {*account.asked}


def test_a_service_without_a_load_balancer_has_none_to_ask(account: Account) -> None:
    reader = fleet(QuickClock())
    cast(Any, reader.location).is_routed = False
    with pytest.raises(PortError, match="Service web has no load balancer"):
        ServiceProvider(reader).read_load_balancer()


VOLUME = {"name": "work", "encrypted": True, "size_gib": 10, "type": "gp3", "role_arn": "arn:role"}
WITH_VOLUME: dict[str, Any] = {
    "volumes": [{"name": "work", "configuredAtLaunch": True}],
    "containerDefinitions": [{"name": "app", "dockerLabels": launch_volumes.label([VOLUME])}],
}
WITHOUT: dict[str, Any] = {"volumes": [{"name": "work"}], "containerDefinitions": [{"name": "app"}]}
OF_OTHERS: dict[str, Any] = {**WITH_VOLUME, "containerDefinitions": [{"name": "app"}]}


@pytest.mark.parametrize(
    ("held", "definition", "written"),
    [
        pytest.param([VOLUME], WITHOUT, [], id="back to a version without a volume"),
        pytest.param([], WITH_VOLUME, launch_volumes.request([VOLUME]), id="back to a version with one"),
        pytest.param([{**VOLUME, "size_gib": 20}], WITH_VOLUME, launch_volumes.request([VOLUME]), id="to another size"),
        pytest.param([VOLUME], WITH_VOLUME, None, id="to the same"),
        pytest.param([], WITHOUT, None, id="none on either side"),
        pytest.param([VOLUME], OF_OTHERS, None, id="of others, who did not say"),
    ],
)
def test_a_version_that_is_deployed_again_brings_its_volumes(held: list[Any], definition: Any, written: Any) -> None:
    reader = fleet(QuickClock())
    reader.services = {BLUE: cast(Any, SimpleNamespace(settings={"volumes": held}))}
    expected = {} if written is None else {"volumeConfigurations": written}
    assert reader.of_version(BLUE, definition) == expected


def test_a_return_in_place_writes_the_volumes_of_the_version_before(account: Account, monkeypatch: Any) -> None:
    sent: list[dict[str, Any]] = []
    reader = fleet(QuickClock())
    reader.services = {BLUE: cast(Any, SimpleNamespace(settings={"volumes": [VOLUME]}))}
    monkeypatch.setattr(ecs, "task_definition", lambda *_: WITHOUT)
    monkeypatch.setattr(ServiceFleet, "update", lambda _self, _colour, request: sent.append(request))
    EcsProvider(reader).replace(Replace(BLUE, "web:1", specified=False))
    assert sent == [{"taskDefinition": "web:1", "volumeConfigurations": []}]


MADE_IN_PLACE = {
    "minimum_healthy_percent": 100,
    "maximum_percent": 200,
    "circuit_breaker": True,
    "rollback": True,
    "alarms": ["error-share"],
}
WITHOUT_RETURN = {
    "minimumHealthyPercent": 100,
    "maximumPercent": 200,
    "deploymentCircuitBreaker": {"enable": True, "rollback": False},
    "alarms": {"alarmNames": [], "enable": False, "rollback": False},
}


@pytest.mark.parametrize("alarms", [["error-share"], []])
def test_a_return_in_place_is_not_watched(account: Account, monkeypatch: Any, alarms: list[str]) -> None:
    """Late errors of the version that is left would fire during the return, and ECS would put that version back."""
    sent: list[dict[str, Any]] = []
    reader = fleet(QuickClock())
    reader.services = {BLUE: cast(Any, SimpleNamespace(settings={**MADE_IN_PLACE, "alarms": alarms}))}
    monkeypatch.setattr(ecs, "task_definition", lambda *_: WITHOUT)
    monkeypatch.setattr(ServiceFleet, "update", lambda _self, _colour, request: sent.append(request))
    EcsProvider(reader).replace(Replace(BLUE, "web:1", specified=False))
    (request,) = sent
    assert request["taskDefinition"] == "web:1"
    written = request.get("deploymentConfiguration")
    assert (written and written["alarms"]) == (
        {"alarmNames": [], "enable": False, "rollback": False} if alarms else None
    )
    assert not written or written["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}


@pytest.mark.parametrize(
    ("settings", "given", "written"),
    [
        pytest.param(MADE_IN_PLACE, None, WITHOUT_RETURN, id="made beside a colour that is released in place"),
        pytest.param({**MADE_IN_PLACE, "rollback": False, "alarms": []}, None, None, id="staged by a release"),
        pytest.param(MADE_IN_PLACE, object(), None, id="of others"),
    ],
)
def test_a_rollback_to_the_other_colour_waits_for_no_alarm_of_ecs(
    account: Account, monkeypatch: Any, settings: dict[str, Any], given: Any, written: Any
) -> None:
    """ECS would watch it for minutes before the deployment is completed, and could put an even older version back."""
    sent: list[dict[str, Any]] = []
    reader = fleet(QuickClock())
    reader.location.given = given  # type: ignore[misc]
    state = SimpleNamespace(task_definition="web:1", desired=0, settings=settings)
    reader.services = {GREEN: cast(Any, state)}
    monkeypatch.setattr(ServiceFleet, "update", lambda _self, _colour, request: sent.append(request))
    provider = ListenerProvider(reader, _test_colour=GREEN)
    provider.stage(Stage(GREEN, "web:1", 2, fresh=True))
    deployment = {"deploymentConfiguration": written} if written else {}
    assert sent == [{"desiredCount": 2, "forceNewDeployment": True, **deployment}]


SPOT = [{"capacity_provider": "FARGATE_SPOT", "weight": 1, "base": 0}]
ON_SPOT = {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]}


def test_other_capacity_providers_are_written_with_a_new_deployment(account: Account, monkeypatch: Any) -> None:
    """ECS refuses them without one, also where the version stays the same."""
    sent: list[dict[str, Any]] = []
    reader = fleet(QuickClock())
    reader.location.further_target_groups = {}  # type: ignore[misc]
    settings = {**MADE_IN_PLACE, "rollback": False, "alarms": [], "capacity_providers": []}
    state = SimpleNamespace(name="web", task_definition="web:1", desired=2, settings=settings, tags={})
    reader.services = {BLUE: cast(Any, state), GREEN: cast(Any, state)}
    specified = {**settings, "capacity_providers": SPOT}
    spec = SimpleNamespace(settings=lambda *_: specified, task_definition=lambda: WITHOUT, desired_count=2, tags={})
    reader.spec = cast(Any, spec)
    monkeypatch.setattr(ecs, "task_definition", lambda *_: {**WITHOUT, "status": "ACTIVE"})
    monkeypatch.setattr(ServiceFleet, "update", lambda _self, _colour, request: sent.append(request))
    ListenerProvider(reader, _test_colour=GREEN).stage(Stage(GREEN, "web:1", 2))
    EcsProvider(reader, in_place=True).replace(Replace(BLUE, "web:1"))
    staged, replaced = sent
    assert staged == {"desiredCount": 2, "forceNewDeployment": True, **ON_SPOT}
    assert replaced == {"forceNewDeployment": True, **ON_SPOT}


HELD = {"target_group_arn": "arn:blue", "container": "app", "port": 9090}
OLD_PORT: dict[str, Any] = {
    "containerDefinitions": [
        {"name": "app", "portMappings": [{"containerPort": 8080}, {"containerPort": 8081}]},
        {"name": "log"},
    ]
}
BEHIND_A_PROXY: dict[str, Any] = {
    "containerDefinitions": [{"name": "app"}, {"name": "proxy", "portMappings": [{"containerPort": 80}]}]
}
SAME_PORT: dict[str, Any] = {"containerDefinitions": [{"name": "app", "portMappings": [{"containerPort": 9090}]}]}


@pytest.mark.parametrize(
    ("definition", "registers"),
    [
        pytest.param(OLD_PORT, ("app", 8080), id="a version that listens on another port"),
        pytest.param(BEHIND_A_PROXY, ("proxy", 80), id="a version whose requests went to another container"),
        pytest.param(SAME_PORT, None, id="the same"),
        pytest.param(
            {"containerDefinitions": [{"name": "app"}]}, None, id="no port, which ECS refuses with its own words"
        ),
        pytest.param(None, None, id="unknown"),
    ],
)
def test_a_return_in_place_registers_the_port_of_the_version_before(
    account: Account, monkeypatch: Any, definition: Any, registers: tuple[str, int] | None
) -> None:
    """ECS refuses a service whose task definition lacks the port: the bad version would have stayed."""
    sent: list[dict[str, Any]] = []
    reader = fleet(QuickClock())
    reader.services = {BLUE: cast(Any, SimpleNamespace(settings={"load_balancers": [HELD]}))}
    monkeypatch.setattr(ecs, "task_definition", lambda *_: definition)
    monkeypatch.setattr(ServiceFleet, "update", lambda _self, _colour, request: sent.append(request))
    EcsProvider(reader).replace(Replace(BLUE, "web:1", specified=False))
    (request,) = sent
    found = [(one["containerName"], one["containerPort"]) for one in request.get("loadBalancers", [])]
    assert found == ([registers] if registers else [])


def test_a_task_is_healthy_where_it_is_in_all_target_groups_of_its_service() -> None:
    def target(address: str, state: str, port: int = 8080, why: str = "") -> TargetState:
        return TargetState(address, port, state, why and "Target.Timeout", why)

    own = (target("10.0.0.1", "healthy"), target("10.0.0.2", "healthy"), target("10.0.0.3", "healthy"))
    assert joined({"own": own}) == own
    game = (target("10.0.0.1", "healthy", 7000), target("10.0.0.2", "unhealthy", 7000, "Health checks failed"))
    found = {one.address: one for one in joined({"own": own, "game": game})}
    assert {address: one.state for address, one in found.items()} == {
        "10.0.0.1": "healthy",
        "10.0.0.2": "unhealthy",
        "10.0.0.3": "initial",
    }
    assert found["10.0.0.2"].explanation == "Target.Timeout: Health checks failed (target group game)"
    assert found["10.0.0.3"].explanation == "not registered: in target group game"


def test_the_targets_of_further_target_groups_are_asked_for_while_there_are_tasks(account: Account) -> None:
    account.settings = {"load_balancers": [{"target_group_arn": arn} for arn in ("arn:blue", "arn:game")]}
    reader = fleet(QuickClock())
    look(account, reader)
    assert look(account, reader) == ["arn:blue", "arn:game", "known rules"], "green has no tasks"
    assert reader.further_target_groups(BLUE) == ["arn:game"]
    assert reader.read().colours[BLUE].checked


def named(*ports: str) -> dict[str, Any]:
    mappings = [{"containerPort": int(name.rpartition("-")[2]), "name": name} for name in ports]
    return {"containerDefinitions": [{"name": "app", "portMappings": mappings}, {"name": "log"}]}


@pytest.mark.parametrize(
    ("definition", "serves"),
    [
        pytest.param(named("port-8080", "port-8081"), {"web": "port-8080", "admin": "port-8081"}, id="both others"),
        pytest.param(named("port-8080", "port-9091"), {"web": "port-8080", "admin": "port-9091"}, id="one of them"),
        pytest.param(named("port-9091"), {"admin": "port-9091"}, id="one less"),
        pytest.param(named(), {}, id="a version that offered none is a client alone"),
        pytest.param(named("port-9090", "port-9091"), None, id="the same"),
        pytest.param(None, None, id="unknown"),
    ],
)
def test_a_return_in_place_offers_the_ports_of_the_version_before(
    account: Account, monkeypatch: Any, definition: Any, serves: dict[str, str] | None
) -> None:
    """ECS refuses names of Service Connect for a port that the task definition lacks, or that has no name in it."""
    sent: list[dict[str, Any]] = []
    services = [
        {"port_name": port, "name": name, "aliases": [{"port": 80, "dns_name": name}]}
        for name, port in (("web", "port-9090"), ("admin", "port-9091"))
    ]
    held = {"service_connect": {"namespace": "arn:namespace", "services": services}}
    reader = fleet(QuickClock())
    reader.services = {BLUE: cast(Any, SimpleNamespace(settings=held))}
    monkeypatch.setattr(ecs, "task_definition", lambda *_: definition)
    monkeypatch.setattr(ServiceFleet, "update", lambda _self, _colour, request: sent.append(request))
    EcsProvider(reader).replace(Replace(BLUE, "web:1", specified=False))
    connect = sent[0].get("serviceConnectConfiguration")
    found = {one["discoveryName"]: one["portName"] for one in connect["services"]} if connect else None
    assert found == serves
