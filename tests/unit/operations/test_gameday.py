"""Experiments: each names what must notice it; the verdict is right for each way it can go; the steps watch, and change nothing."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.pear.fargate.plugins.filter.monitoring import service_alarms
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.alarm_parts import SEVERITIES
from ansible_collections.pear.fargate.plugins.module_utils.operations import gameday_step
from ansible_collections.pear.fargate.plugins.module_utils.operations.cause_table import RULES
from ansible_collections.pear.fargate.plugins.module_utils.operations.experiments import (
    BY_NAME,
    CALLS,
    CERTIFICATE,
    FILES,
    FIS,
    RELEASE,
)
from ansible_collections.pear.fargate.plugins.module_utils.operations.gameday import (
    Mended,
    Watched,
    markdown,
    problems,
)
from ansible_collections.pear.fargate.plugins.module_utils.release.report import page as page_file
from ansible_collections.pear.fargate.plugins.module_utils.release.report.facts import ColourTraffic, Facts, Period
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour

from tests.support.pages import ReadPage
from tests.support.plays import ROOT

from ..clocks import QuickClock
from ..monitoring.given import ENVIRONMENT

# As the container has it on its path.
sys.path.append(str(ROOT / "examples/scoreboard"))
from scoreboard.settings import Settings

ERRORS = BY_NAME["errors-on-one-route"]
GOOD = Watched(400.0, 410.0, "the newest release fails on one route", {"error-share": 400.0})
STEADY = Mended(420.0, 800.0)


@pytest.mark.parametrize("experiment", BY_NAME.values(), ids=BY_NAME)
def test_each_names_alarms_and_causes_that_exist_and_one_who_notices(experiment: Any) -> None:
    assert {*experiment.noticed_by, experiment.abort_alarm} <= {"", *SEVERITIES}
    assert experiment.alarm or not experiment.or_alarm
    assert experiment.alarm != experiment.abort_alarm or not experiment.alarm
    known = [rule.cause for rule in RULES]
    assert all(any(cause.startswith(expected) for cause in known) for expected in experiment.causes)
    assert (experiment.fault in {FIS, FILES}) == (experiment.action is not None)
    assert (ROOT / f"roles/gameday/tasks/{experiment.fault}.yml").exists()
    assert bool(experiment.alarm) + experiment.refused + experiment.is_quiet == 1


@pytest.mark.parametrize(
    "experiment", [one for one in BY_NAME.values() if one.fault == RELEASE], ids=lambda one: one.name
)
def test_the_sample_app_knows_the_variables(experiment: Any) -> None:
    environment = experiment.as_dict()["environment"]
    harmless = Settings.read({})
    assert Settings.read(environment) != harmless


def test_the_role_and_the_page_have_all_of_them() -> None:
    options = yaml.safe_load((ROOT / "roles/gameday/meta/argument_specs.yml").read_text())
    assert options["argument_specs"]["main"]["options"]["gameday_experiment"]["choices"] == list(BY_NAME)
    page = (ROOT / "docs/playbooks/gameday.md").read_text()
    assert all(f"`{name}`" in page for name in BY_NAME)


def test_check_mode_breaks_nothing_and_waits_for_no_alarm() -> None:
    _read, steady, *others = yaml.safe_load((ROOT / "roles/gameday/tasks/main.yml").read_text())
    assert "when" not in steady and steady["pear.fargate.gameday_step"]["step"] == "steady"
    assert [task["when"] for task in others] == ["not ansible_check_mode"] * 3


def _steps(step: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each block's tasks, and those of the one that follows it always."""
    for task in (*step["block"], *step["always"]):
        yield from _steps(task) if "block" in task else [task]


def test_what_lasts_is_mended_before_the_traffic_whatever_happened_to_it() -> None:
    """An experiment that runs, mount targets that let nobody in, a certificate that ends soon. test_gameday_mend.py plays it."""
    (step,) = yaml.safe_load((ROOT / "roles/gameday/tasks/mend.yml").read_text())
    tasks = list(_steps(step))
    stopped, opened, certificate, *others = tasks
    assert stopped["pear.fargate.fis_experiment"]["until"] == "stopped"
    assert opened["pear.fargate.gameday_fault"]["state"] == "absent"
    # Made before the certificate is replaced: a replacement that failed half-way is mended too.
    names = [task["name"] for task in yaml.safe_load((ROOT / "roles/gameday/tasks/certificate.yml").read_text())]
    assert names.index("certificate | Begin") < len(names) - 1
    assert certificate["when"] == "gameday__certificate | default(false)"
    assert any("pear.fargate.bluegreen_rollback" in task for task in others)


def test_what_lasts_lasts_longer_than_it_is_watched() -> None:
    """Otherwise it would be over before its alarm may fire; and it ends by itself where nobody is left to stop it."""
    lasting = [one for one in BY_NAME.values() if one.action and "duration" in one.action.parameters]
    assert [one.name for one in lasting] == ["zone-loss"]
    for experiment in lasting:
        assert experiment.action is not None
        match = re.fullmatch(r"PT(\d+)M", experiment.action.parameters["duration"])
        assert match and int(match[1]) > 2 * experiment.deadline_periods


def test_a_template_does_not_outlive_its_experiment() -> None:
    tasks = yaml.safe_load((ROOT / "roles/gameday/tasks/fis.yml").read_text())
    module = "pear.fargate.fis_experiment_template"
    (made,) = [task[module] for task in tasks if module in task]
    (started,) = [task for task in tasks if "block" in task]
    assert [module for task in started["block"] for module in task if "fis" in module] == [
        "pear.fargate.fis_experiment"
    ]
    (removed,) = [task[module] for task in started["always"]]
    assert removed == {"name": made["name"], "state": "absent", "tags": made["tags"]}


@pytest.mark.parametrize(
    ("name", "watched", "mended", "expected"),
    [
        pytest.param("errors-on-one-route", GOOD, STEADY, [], id="as expected"),
        pytest.param(
            "errors-on-one-route",
            Watched(cause="", alarms={}),
            STEADY,
            ["the alarm error-share did not fire within 720 s", "the triage said 'nothing', and should have said"],
            id="nobody noticed",
        ),
        pytest.param(
            "errors-on-one-route",
            Watched(400.0, None, "the tasks have too little CPU for their traffic", {"error-share": 400.0}),
            STEADY,
            ["the triage said 'the tasks have too little CPU"],
            id="another cause",
        ),
        pytest.param(
            "errors-on-one-route",
            Watched(aborted_by="no-healthy-target", alarms={"no-healthy-target": 200.0}),
            STEADY,
            ["the abort condition no-healthy-target fired"],
            id="aborted",
        ),
        pytest.param(
            "errors-on-one-route",
            GOOD,
            Mended(420.0, None, "5xx"),
            ["did not become steady again: 5xx"],
            id="still broken",
        ),
        pytest.param(
            "crash-at-start",
            Watched(60.0, 61.0, refusal="3 tasks stopped", outcome="rolled_back"),
            STEADY,
            [],
            id="refused",
        ),
        pytest.param(
            "crash-at-start",
            Watched(refusal="nothing was changed: the error budget", outcome="refused"),
            STEADY,
            ["nothing was broken, as the release failed: nothing was changed"],
            id="refused before it began",
        ),
        pytest.param(
            "crash-at-start", Watched(refusal="no image"), STEADY, ["nothing was broken"], id="no release at all"
        ),
        pytest.param(
            "errors-on-one-route",
            Watched(refusal="no image"),
            STEADY,
            ["as the release failed: no image"],
            id="not released",
        ),
        pytest.param(
            "wrong-port",
            Watched(60.0, None, "the program leaks memory", refusal="3 tasks stopped", outcome="rolled_back"),
            STEADY,
            ["the triage said 'the program leaks memory', and should have said nothing"],
            id="refused, and another cause named",
        ),
        pytest.param("crash-at-start", Watched(), STEADY, ["should have been refused"], id="not refused"),
        pytest.param(
            "throttled-api",
            Watched(refusal="waited 600 s", outcome="failed"),
            STEADY,
            ["the release did not go through: waited 600 s"],
            id="a release that throttling ends",
        ),
        pytest.param("task-kill", Watched(None, 5.0, "a task was killed", {}), STEADY, [], id="quiet"),
        pytest.param(
            "task-kill",
            Watched(None, 5.0, "a task was killed", {"missing-tasks": 90.0}),
            STEADY,
            ["no alarm should have fired; missing-tasks did"],
            id="woken up for nothing",
        ),
    ],
)
def test_the_verdict(name: str, watched: Watched, mended: Mended, expected: list[str]) -> None:
    found = problems(BY_NAME[name], BY_NAME[name].deadline_periods * 60.0, watched, mended)
    assert len(found) == len(expected), found
    assert all(sentence in problem for sentence, problem in zip(expected, found, strict=True))
    report = markdown(BY_NAME[name], watched, mended, found)
    assert report.startswith(f"# {name}: {'failed' if expected else 'as expected'}\n")
    assert all(problem in report for problem in found)


class Account:
    """Alarms and a triage that change with the clock: what CloudWatch and the six checks would say."""

    def __init__(self, clock: QuickClock) -> None:
        self.clock = clock
        self.firing: dict[str, tuple[float, float]] = {}
        self.causes: list[tuple[float, float, str]] = []

    def alarms(self, call: Any, place: Any) -> Iterator[tuple[str, float]]:
        for kind, (start, end) in self.firing.items():
            if start <= self.clock.now() < end:
                yield kind, start

    def triage(self, call: Any) -> dict[str, Any]:
        causes = [{"cause": cause} for start, end, cause in self.causes if start <= self.clock.now() < end]
        return {
            "state": "problem" if causes else "ok",
            "causes": causes,
            "headline": causes[0]["cause"] if causes else "nothing wrong",
        }


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    made = Account(QuickClock())
    monkeypatch.setattr(gameday_step, "_firing", made.alarms)
    monkeypatch.setattr(gameday_step.service_triage, "run", made.triage)
    monkeypatch.setattr(gameday_step, "find", lambda aws, params: None)
    return made


def step(account: Account, name: str, **options: Any) -> dict[str, Any]:
    given = {
        "service": "scores",
        "experiment": "errors-on-one-route",
        "step": name,
        "refusal": "",
        "outcome": "",
        "steady_at": 0.0,
        "watched": {},
        "live": "green",
        "report_path": None,
        "steady_periods": 15,
        "recovery_periods": 30,
        "alarm_period_seconds": 60,
        **options,
    }
    return gameday_step.run(Invocation(given, Aws({"region": "eu-central-1"}), clock=account.clock))


def test_nothing_is_begun_where_something_is_wrong_already(account: Account) -> None:
    account.firing["memory"] = (0, 10_000)
    with pytest.raises(
        Failure, match=r"scores is not steady: nothing wrong; alarms: memory\. The experiment was not begun"
    ):
        step(account, "steady")


def test_an_experiment_on_a_worker_is_ended_by_an_alarm_that_it_has(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gameday_step, "_target", lambda call, experiment, action: {})
    environment = {**ENVIRONMENT, "load_balancer": None}
    shipped = {alarm["name"].rpartition("/")[2] for alarm in service_alarms(environment, "mailer", kind="worker")}
    for experiment in BY_NAME.values():
        # Those of an environment are of all that is in it.
        if not experiment.needs_requests and experiment.fault not in {CALLS, CERTIFICATE}:
            begun = step(account, "steady", experiment=experiment.name, kind="worker")["experiment"]
            assert {begun["abort_alarm"], begun["alarm"]} <= {"", *shipped}
    account.firing["no-running-task"] = (100, 10_000)
    watched = step(account, "watch", began=90.0, experiment="task-kill", kind="worker")["watched"]
    assert watched["aborted_by"] == "no-running-task"


@pytest.mark.parametrize("name", ["errors-on-one-route", "slow-answers", "latency-trend", "wrong-port", "zone-loss"])
def test_a_worker_takes_no_part_where_requests_have_to_notice(account: Account, name: str) -> None:
    with pytest.raises(Failure, match="scores is a worker, which is sent no requests"):
        step(account, "steady", experiment=name, kind="worker")


def test_an_alarm_of_an_hour_ago_does_not_count(account: Account) -> None:
    account.firing["task-restarts"] = (0, 10_000)
    assert step(account, "steady")["began"] == 0


def test_it_is_watched_until_the_alarm_fires_and_the_cause_is_right(account: Account) -> None:
    account.firing = {"error-share": (300, 900), "latency-p99": (200, 250)}
    account.causes = [(0, 330, "the newest release is slower"), (330, 900, "the newest release fails on one route")]
    watched = step(account, "watch", began=0.0)["watched"]
    assert watched["know_seconds"] == 300
    assert 330 <= watched["cause_seconds"] < 340
    # One that was over again before the end is known too.
    assert set(watched["alarms"]) == {"error-share", "latency-p99"}
    report = step(account, "recovered", began=0.0, watched=watched)["report"]
    assert report["succeeded"], report
    assert report["quiet_seconds"] >= 900


def test_either_alarm_of_two_notices_and_the_first_one_counts(account: Account) -> None:
    account.firing = {"crash-loop": (300, 900), "memory": (500, 900)}
    account.causes = [(0, 900, "the program leaks memory")]
    watched = step(account, "watch", began=0.0, experiment="memory-leak")["watched"]
    assert watched["know_seconds"] == 300
    account.firing, account.clock.seconds = {}, 0.0
    watched = step(account, "watch", began=0.0, experiment="memory-leak")["watched"]
    report = step(account, "recovered", began=0.0, experiment="memory-leak", watched=watched)["report"]
    assert "the alarm memory or crash-loop did not fire within" in report["problems"][0]


def test_the_watch_ends_at_the_deadline_and_by_the_abort_alarm(account: Account) -> None:
    watched = step(account, "watch", began=0.0)["watched"]
    assert watched["know_seconds"] is None and 720 < account.clock.now() < 730
    account.firing["no-healthy-target"] = (800, 10_000)
    account.clock.seconds = 800
    assert step(account, "watch", began=790.0)["watched"]["aborted_by"] == "no-healthy-target"


def test_a_service_that_must_stay_quiet_is_watched_to_the_end(account: Account) -> None:
    account.causes = [(0, 5_000, "a task was killed; ECS replaces it")]
    watched = step(account, "watch", began=0.0, experiment="task-kill")["watched"]
    assert account.clock.now() > 600
    assert watched["alarms"] == {} and watched["cause_seconds"] is not None


def test_what_the_release_refused_is_known_by_the_release(account: Account) -> None:
    account.clock.seconds = 75
    said = {"began": 0.0, "experiment": "crash-at-start", "refusal": "tasks stopped"}
    watched = step(account, "watch", **said, outcome="rolled_back")["watched"]
    assert (watched["know_seconds"], watched["refusal"]) == (75, "tasks stopped")
    assert (watched["cause"], watched["cause_seconds"]) == ("", 75)
    # A release that never began has judged nothing, and its error is not the version's.
    watched = step(account, "watch", **said, outcome="refused")["watched"]
    assert watched["know_seconds"] is None
    report = step(account, "recovered", began=0.0, experiment="crash-at-start", watched=watched)["report"]
    assert not report["succeeded"]


def test_after_a_refusal_the_triage_names_a_cause_that_is_right_or_none(account: Account) -> None:
    """Of a worker, whose tasks are replaced in place, those that did not start are still seen."""
    said = {"began": 0.0, "experiment": "wrong-port", "refusal": "no healthy target", "outcome": "rolled_back"}
    silent = (
        "the tasks run and do not answer their health check: a wrong port, a security group, or a program that hangs"
    )
    account.causes = [
        (0, 100, "the program leaks memory"),
        (100, 200, silent),
        (200, 5_000, "the newest release is slower"),
    ]
    watched = step(account, "watch", **said)["watched"]
    assert watched["cause"] == silent and 100 <= watched["cause_seconds"] < 110
    account.clock.seconds = 300
    watched = step(account, "watch", **said)["watched"]
    assert (watched["cause"], watched["cause_seconds"]) == ("the newest release is slower", None)
    assert 600 < account.clock.now() < 610


def test_of_calls_that_aws_throttles_the_triage_says_so_or_nothing(account: Account) -> None:
    account.causes = [(0, 5_000, "AWS throttles calls of this account: what could not be read may be wrong too")]
    assert step(account, "watch", began=0.0, experiment="throttled-api")["watched"]["cause_seconds"] == 0
    account.causes = [(0, 5_000, "the program leaks memory")]
    account.clock.seconds = 0
    watched = step(account, "watch", began=0.0, experiment="throttled-api")["watched"]
    report = step(account, "recovered", began=0.0, experiment="throttled-api", watched=watched)["report"]
    assert "the triage said 'the program leaks memory', and should have said nothing" in report["problems"]


def test_an_alarm_that_fires_already_cannot_notice(account: Account) -> None:
    account.firing["latency-trend"] = (0, 10_000)
    with pytest.raises(Failure, match="alarms: latency-trend"):
        step(account, "steady", experiment="latency-trend")
    account.clock.seconds = 2_000
    assert step(account, "steady", experiment="memory-leak")["began"] == 2_000


def test_an_alarm_from_before_the_experiment_is_not_its_alarm(account: Account) -> None:
    account.clock.seconds = 2_000
    account.firing["task-restarts"] = (1_000, 10_000)
    watched = step(account, "watch", began=2_000.0, steady_at=2_000.0, experiment="task-kill")["watched"]
    assert watched["alarms"] == {}


def test_error_budgets_that_an_experiment_spent_do_not_keep_it_from_its_end(account: Account) -> None:
    """Their alarms look back for hours and days."""
    account.firing |= {"burn-fast": (0, 50_000), "burn-slow": (0, 50_000)}
    account.clock.seconds = 500
    watched = {"know_seconds": 400.0, "cause_seconds": 410.0, "alarms": {"error-share": 400.0}}
    assert step(account, "recovered", began=0.0, watched=watched)["report"]["succeeded"]


class Fleet:
    """The live colour's tasks, its subnets, and what its task definition mounts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.zones = [f"eu-central-1{letter}" for letter in "aabcc"]
        self.volumes: list[dict[str, Any]] = [{"efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]
        place = SimpleNamespace(cluster="staging", ecs_services={"green": "scores-green"})
        service = SimpleNamespace(
            task_definition="scores:1", settings={"subnets": ["subnet-a", "subnet-b", "subnet-c"]}
        )
        monkeypatch.setattr(gameday_step, "find", lambda aws, params: place)
        monkeypatch.setattr(gameday_step.ecs, "services", lambda aws, cluster, names: {"scores-green": service})
        monkeypatch.setattr(gameday_step.ecs, "tasks", self._tasks)
        monkeypatch.setattr(gameday_step.ecs, "task_definition", lambda aws, arn: {"volumes": self.volumes})
        monkeypatch.setattr(gameday_step.ec2, "subnets_by_id", self._subnets)

    def _tasks(self, aws: Any, cluster: str, name: str, status: str) -> list[Any]:
        return [SimpleNamespace(zone=zone, status="RUNNING") for zone in self.zones]

    @staticmethod
    def _subnets(aws: Any, ids: list[str]) -> list[dict[str, str]]:
        return [{"SubnetArn": f"arn:{subnet}", "AvailabilityZone": f"eu-central-1{subnet[-1]}"} for subnet in ids]


@pytest.fixture
def fleet(account: Account, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    return Fleet(monkeypatch)


def test_the_zone_that_is_lost_is_the_one_with_the_fewest_tasks(account: Account, fleet: Fleet) -> None:
    target = step(account, "steady", experiment="zone-loss")["target"]
    assert (target["resource_type"], target["resource_arns"]) == ("aws:ec2:subnet", ["arn:subnet-b"])


def test_a_task_is_one_of_the_live_colour(account: Account, fleet: Fleet) -> None:
    target = step(account, "steady", experiment="task-kill")["target"]
    assert target["parameters"] == {"cluster": "staging", "service": "scores-green"}


@pytest.mark.parametrize(
    ("experiment", "zones", "why"),
    [
        pytest.param("zone-loss", ["eu-central-1a"] * 2, "runs in 1 zone,", id="all tasks in one zone"),
        pytest.param("file-system-unavailable", ["eu-central-1a"], "runs in 1 task,", id="one task"),
    ],
)
def test_what_would_be_an_outage_is_not_begun(
    account: Account, fleet: Fleet, experiment: str, zones: list[str], why: str
) -> None:
    fleet.zones = zones
    with pytest.raises(Failure, match=f"{why}.*nobody would serve. The experiment was not begun"):
        step(account, "steady", experiment=experiment)


def test_a_service_without_files_does_not_lose_them(account: Account, fleet: Fleet) -> None:
    fleet.volumes = []
    with pytest.raises(Failure, match="scores mounts no file system"):
        step(account, "steady", experiment="file-system-unavailable")


def test_the_page_shows_what_happened_when_and_what_users_were_answered(
    account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    location = SimpleNamespace(service="scores", environment="staging", cluster="staging")
    asked: list[tuple[float, float]] = []

    def measured(reader: Any, facts: Facts, start: float, end: float) -> Facts:
        asked.append((start, end))
        return replace(facts, traffic={Colour.GREEN: ColourTraffic((Period(60, 600, 0), Period(360, 600, 60)))})

    monkeypatch.setattr(gameday_step, "locate_by", lambda aws, params: location)
    monkeypatch.setattr(gameday_step.Reader, "measured", measured)
    account.clock.seconds = 430
    watched = {"know_seconds": 400.0, "cause_seconds": 410.0, "cause": "<b>", "alarms": {"error-share": 400.0}}
    path = tmp_path / "new" / "report.html"
    step(account, "recovered", began=10.0, watched=watched, report_path=str(path))
    read = ReadPage(path.read_text())
    assert asked == [(10.0, 430.0)]
    assert "scores in staging" in read.text and "errors-on-one-route: as expected" in read.text
    assert ERRORS.hypothesis in read.text and ERRORS.blast_radius in read.text
    assert [row[1] for row in read.rows["events"][1:]] == [
        "errors-on-one-route began",
        "alarm error-share fired",
        "the triage said: <b>",
        "what was broken is mended",
        "the service is steady again",
    ]
    assert read.rows["totals"][1][:3] == ["green", "1,200", "60"]
    assert {"chart-of-requests", "chart-of-errors"} <= {value for name, value in read.attributes if name == "id"}


def test_a_page_that_cannot_be_made_is_refused_before_anything_is_broken(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_file, "HAS_PYGAL", False)
    with pytest.raises(Failure, match="pygal"):
        step(account, "steady", report_path="report.html")
    step(account, "steady")


def test_a_zone_is_lost_where_the_others_have_tasks_too(account: Account, fleet: Fleet) -> None:
    """Otherwise ECS would fill an empty zone first, and whether anybody is called would be chance."""
    fleet.zones = ["eu-central-1a", "eu-central-1b"]
    with pytest.raises(Failure, match=r"no task in eu-central-1c: .*scale_count=3 or more first"):
        step(account, "steady", experiment="zone-loss")
