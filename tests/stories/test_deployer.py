"""Every playbook runs with exactly the role that is shipped for it, from the first run in an empty account; and no role does more."""

from __future__ import annotations

import json
import re
import ssl
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.release_markers import markers_in
from botocore.exceptions import ClientError

from .arcade import finished
from .awx_jobs import Jobs
from .conftest import Stage
from .guarded import ACCOUNT, NAME, REGION, Guarded, prepare

APPROVED = {
    "service_strategy": "steps",
    "service_strategy_options": {
        "steps": [{"weight": 50, "approval": True, "approval_timeout_seconds": 1500}, {"weight": 100}]
    },
}


@pytest.fixture(scope="module")
def guarded(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Guarded:
    return prepare(stage, tmp_path_factory.mktemp("guarded"))


def test_an_empty_account_is_provisioned_by_its_role(guarded: Guarded) -> None:
    guarded.run("provision", "provision").succeeded()
    linked = {
        role["RoleName"] for role in guarded.stage.client("iam").list_roles(PathPrefix="/aws-service-role/")["Roles"]
    }
    assert {"AWSServiceRoleForECS", "AWSServiceRoleForElasticLoadBalancing", "AWSServiceRoleForRDS"} <= linked
    again = guarded.run("provision", "provision").succeeded()
    assert again.changed == 0, again.output
    roles = guarded.stage.client("iam").list_roles()["Roles"]
    made = [role["RoleName"] for role in roles if role["RoleName"].startswith(f"{NAME}-")]
    bounded = [
        name for name in made if guarded.stage.client("iam").get_role(RoleName=name)["Role"].get("PermissionsBoundary")
    ]
    assert sorted(bounded) == sorted(made) and len(made) >= 5


def test_the_first_release_and_the_next_by_the_role_of_releases(guarded: Guarded) -> None:
    guarded.run("release", "release", image_tag="1.0.0").succeeded()
    names = guarded.stage.client("iam").list_roles(
        PathPrefix="/aws-service-role/ecs.application-autoscaling.amazonaws.com/"
    )
    assert names["Roles"], "the first scalable target made no service-linked role"
    guarded.run("release", "run_task", task_command=["python3", "-c", "pass"]).succeeded()


def test_notifications_are_tested_by_the_role_of_provisioning(guarded: Guarded) -> None:
    """Each topic asks each address for itself: that of health checks in its own region."""
    said = " ".join(guarded.run("provision", "notify_test").failed().output.split())
    for topic in (f"{NAME}-alarms", f"{NAME}-warnings", f"{NAME}-{REGION}-alarms"):
        assert f"email team@example.test has not confirmed its subscription to {topic}" in said, said
    assert f"to {NAME}-releases" not in said, "a queue needs no confirmation"
    mails = (guarded.stage.home / "mail/team@example.test").iterdir()
    for link in [link for mail in mails for link in re.findall(r"^http\S+Token=\S+$", mail.read_text(), re.MULTILINE)]:
        urllib.request.urlopen(link).close()
    _until_reached(guarded)
    guarded.run("provision", "notify_test").succeeded()
    subjects = "".join(mail.read_text() for mail in (guarded.stage.home / "mail/team@example.test").iterdir())
    assert f"{NAME}/*health-check-{REGION}/scoreboard" in subjects


def _until_reached(guarded: Guarded) -> None:
    """The alarm on a health check begins in ALARM, and is over once the checkers have reached the first release."""
    deadline = time.monotonic() + 120
    cloudwatch, name = guarded.stage.client("cloudwatch", "us-east-1"), f"{NAME}/*health-check-{REGION}/scoreboard"
    while cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"] == "ALARM":
        assert time.monotonic() < deadline, f"{name} is still firing"
        time.sleep(1)


def test_promote_pause_and_rollback_by_the_role_of_rollbacks(guarded: Guarded) -> None:
    values = {**guarded.values, **APPROVED, "image_tag": "1.1.0"}
    process = guarded.player("release").start("playbooks/release.yml", variables=values)
    try:
        _until_held(guarded)
        guarded.run("rollback", "pause").succeeded()
        guarded.run("rollback", "pause", resume=True).succeeded()
        guarded.run("rollback", "promote").succeeded()
        finished(process).succeeded()
    finally:
        if process.poll() is None:
            process.kill()
    told = [fact for fact in guarded.told() if fact["version"].startswith("1.1.0")]
    assert [fact["event"] for fact in told] == ["began", "approval", "succeeded"]
    assert told[-1]["report"] == f"https://reports.example.test/scoreboard/{told[-1]['release']}.html"
    guarded.run("rollback", "rollback").succeeded()
    dashboard = guarded.stage.client("cloudwatch").get_dashboard(DashboardName=f"{NAME}-{REGION}-scoreboard")[
        "DashboardBody"
    ]
    marked = [line["label"] for line in markers_in(json.loads(dashboard))]
    assert "release 1.1.0: succeeded" in marked and marked[-1].startswith("rollback "), marked
    assert [(fact["kind"], fact["event"]) for fact in guarded.told()][-1] == ("rollback", "succeeded")


@pytest.mark.long
def test_an_abort_by_the_role_of_rollbacks(guarded: Guarded) -> None:
    values = {**guarded.values, **APPROVED, "image_tag": "1.2.0"}
    process = guarded.player("release").start("playbooks/release.yml", variables=values)
    try:
        _until_held(guarded)
        guarded.run("rollback", "abort").succeeded()
        finished(process).failed()
    finally:
        if process.poll() is None:
            process.kill()


def _until_held(guarded: Guarded) -> None:
    """Wait for the release to hold half of the traffic at its approval."""
    elbv2 = guarded.stage.client("elbv2")
    deadline = time.monotonic() + 900
    while True:
        balancer = elbv2.describe_load_balancers(Names=[NAME])["LoadBalancers"][0]["LoadBalancerArn"]
        rules = [
            rule
            for listener in elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
            for rule in elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
        ]
        forwards = [rule["Actions"][0].get("ForwardConfig", {}).get("TargetGroups", []) for rule in rules]
        if any([group["Weight"] for group in groups] == [50, 50] for groups in forwards):
            return
        assert time.monotonic() < deadline, rules
        time.sleep(0.5)


@pytest.mark.long
@pytest.mark.parametrize(
    ("playbook", "check"),
    [
        ("provision", True),
        *((reading, False) for reading in ("drift", "status", "triage", "history", "logs", "exec")),
        ("report", True),
    ],
)
def test_reading_needs_the_reading_role_alone(guarded: Guarded, playbook: str, check: bool) -> None:
    guarded.run("read-only", playbook, check=check, image_tag="1.0.0").succeeded()


@pytest.mark.long
def test_a_shell_by_the_role_of_shells(guarded: Guarded) -> None:
    shown = guarded.run("exec", "exec", exec_command="ls /").succeeded().output
    task = re.search(r"aws ecs execute-command --region eu-central-1 --cluster guarded --task (\w+) ", shown)
    assert task is not None and "--container app --interactive --command 'ls /'" in shown, shown
    ecs = guarded.stage.client("ecs")
    (found,) = ecs.describe_tasks(cluster=NAME, tasks=[task[1]])["tasks"]
    assert found["enableExecuteCommand"]


@pytest.mark.long
def test_tasks_are_hosts_of_an_inventory_by_the_reading_role(guarded: Guarded, tmp_path: Path) -> None:
    source = tmp_path / "guarded.ecs_services.yml"
    keyed = [{"key": "ecs_zone", "prefix": "zone"}]
    options = {"environments": [NAME], "regions": [REGION], "filters": {"is_live": True}, "keyed_groups": keyed}
    source.write_text(yaml.safe_dump({"plugin": "pear.fargate.ecs_services", **options}))
    listed = guarded.player("read-only").inventory(str(source))
    assert listed["ecs_services"]["hosts"] == [f"{NAME}-scoreboard"]
    (colour,), tasks = listed["ecs_colours"]["hosts"], listed["ecs_tasks"]["hosts"]
    variables = listed["_meta"]["hostvars"]
    assert variables[colour]["ecs_weight"] == 100 and len(tasks) == variables[colour]["ecs_running"] >= 1
    # ECS knows the health of containers with a health check of their own.
    assert {variables[task]["ecs_health"] for task in tasks} == {"UNKNOWN"}
    assert [group for group in listed if group.startswith("zone_eu_central_1")]


@pytest.mark.long
def test_lines_of_one_request_and_since_the_last_release(guarded: Guarded) -> None:
    elbv2 = guarded.stage.client("elbv2")
    host = elbv2.describe_load_balancers(Names=[NAME])["LoadBalancers"][0]["DNSName"]
    headers = {"Host": "scores.guarded.example.test", "X-Request-Id": "day-to-day-1"}
    request = urllib.request.Request(f"https://{host}/leaderboard", headers=headers)
    with urllib.request.urlopen(request, context=ssl._create_unverified_context()) as answer:
        assert answer.status == 200
    deadline = time.monotonic() + 600
    while "day-to-day-1" not in (
        shown := guarded.run("read-only", "logs", logs_request_id="day-to-day-1", logs_since_release=True)
        .succeeded()
        .output
    ):
        assert time.monotonic() < deadline, shown
        time.sleep(1)
    assert "app/" in shown and "when " in shown, shown
    lines = shown.partition("Show the lines")[2]
    assert '"route": "/healthz"' not in lines and '"route": "/readyz"' not in lines, lines


@pytest.mark.long
def test_scaling_by_the_role_of_rollbacks(guarded: Guarded) -> None:
    predicted = guarded.run("rollback", "scale", check=True, scale_minimum=2).succeeded()
    assert predicted.changed == 1 and "minimum: 1" in predicted.output, predicted.output
    guarded.run("rollback", "scale", scale_minimum=2).succeeded()
    # The other colour may be warm still.
    assert max(service["runningCount"] for service in guarded.services()) == 2
    assert guarded.run("rollback", "scale", scale_minimum=2).succeeded().changed == 0
    guarded.run("rollback", "scale", scale_count=7).failed()
    guarded.run("rollback", "scale", scale_minimum=1, scale_count=1).succeeded()


@pytest.mark.long
def test_job_templates_run_as_awx_runs_them(guarded: Guarded, tmp_path: Path) -> None:
    """By ansible-runner, with the credential's files and variables, the survey's answers as extra variables, and the limit as a prompt."""
    jobs = Jobs(guarded, tmp_path)
    status = jobs.run("status")
    assert "traffic blue" in status.output, status.output
    released = jobs.run("release", image_tag="1.0.0")
    assert "release | New version of scoreboard" in released.tasks, released.tasks
    logs = jobs.run(
        "logs", logs_minutes=600, logs_request_id="day-to-day-1", logs_since_release="false", logs_filter=""
    )
    assert "day-to-day-1" in logs.output, logs.output
    jobs.run("scale", scale_count="", scale_minimum=1, scale_maximum="")
    for name in ("history", "triage", "exec", "dashboard", "converge", "pause", "promote", "abort"):
        # No release is under way that could be steered: the job says so, and it ran.
        steers = name in ("pause", "promote", "abort")
        ran = jobs.run(name, fails=steers)
        assert not steers or "has no release under way" in ran.output, ran.output
    jobs.run("report", report_path=str(tmp_path / "report.html"))
    assert (tmp_path / "report.html").stat().st_size > 0
    jobs.run("run task", task_words="python3\n-c\nprint('a task of AWX')")
    left = jobs.run("return after a failed release", fails=True)
    assert "no release is under way" in left.output and "The release failed or was cancelled" in left.output, (
        left.output
    )


@pytest.mark.long
def test_further_target_groups_by_the_roles_of_provisioning_and_of_releases(guarded: Guarded) -> None:
    inner = {
        "name": "inner",
        "port": 8080,
        "load_balancer": "inner",
        "hosts": ["inner.test"],
        "health_check": {"path": "/readyz"},
    }
    edge = {"name": "edge", "port": 8080, "protocol": "TCP", "load_balancer": "edge", "listener_port": 7100}
    listed: list[dict[str, Any]]
    for listed in ([inner, edge], []):
        further: dict[str, Any] = {"service_further_target_groups": listed}
        guarded.run("provision", "provision", **further).succeeded()
        guarded.run("release", "release", image_tag="1.0.0", **further).succeeded()
        # Live has them all; a colour that a story before has left warm has its one target group.
        assert max(len(one["loadBalancers"]) for one in guarded.services()) == 1 + len(listed)
    guarded.run("provision", "provision", service_further_target_groups=[]).succeeded()
    groups = guarded.stage.client("elbv2").describe_target_groups()["TargetGroups"]
    assert not [one["TargetGroupName"] for one in groups if one["TargetGroupName"].endswith(("inner", "edge"))]


def test_nothing_was_refused_to_any_of_them(guarded: Guarded) -> None:
    """A refusal that a playbook takes for an absence would be no failure."""
    assert guarded.refused() == []


FOREIGN = f"arn:aws:iam::{ACCOUNT}:role/pear-deployer-{NAME}-{REGION}-provision"


@pytest.mark.parametrize("kind", ["release", "rollback"])
@pytest.mark.parametrize(
    ("service", "call", "request_"),
    [
        ("ec2", "create_vpc", {"CidrBlock": "10.61.0.0/16"}),
        ("elbv2", "create_target_group", {"Name": f"{NAME}-x"}),
        ("iam", "put_role_policy", {"RoleName": f"pear-deployer-{NAME}-{REGION}-release", "PolicyName": "x", "PolicyDocument": "{}"}),
        ("iam", "create_service_linked_role", {"AWSServiceName": "elasticloadbalancing.amazonaws.com"}),
        ("ecs", "register_task_definition", {"family": f"{NAME}-x", "taskRoleArn": FOREIGN, "containerDefinitions": []}),
        ("ecs", "update_service", {"cluster": "local", "service": "scoreboard-blue", "desiredCount": 0}),
        ("sts", "assume_role", {"RoleArn": FOREIGN, "RoleSessionName": "more"}),
        ("secretsmanager", "get_secret_value", {"SecretId": "x"}),
    ],
)  # fmt: skip
def test_who_releases_or_rolls_back_does_nothing_else(
    guarded: Guarded, kind: str, service: str, call: str, request_: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(guarded.client(kind, service), call)(**request_)
    code = refused.value.response["Error"]["Code"]
    assert code in {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}, refused.value


@pytest.mark.long
def test_the_environment_goes_by_the_role_of_destroying(guarded: Guarded) -> None:
    guarded.run("destroy", "destroy", confirm=NAME).succeeded()
