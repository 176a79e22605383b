"""Every playbook runs with exactly the role that is shipped for it, from the first run in an empty account; and no role does more."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.release_markers import markers_in
from botocore.exceptions import ClientError

from tests.support.plays import ROOT, Player

from .arcade import finished, weights
from .awx_jobs import Jobs
from .conftest import Stage
from .guarded import ACCOUNT, NAME, REGION, Guarded, make_deployers, prepare

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
    deadline = time.monotonic() + 900
    while (found := weights(guarded.stage, NAME, "scoreboard")) != {"blue": 50, "green": 50}:
        assert time.monotonic() < deadline, found
        time.sleep(0.5)


def _live(guarded: Guarded) -> str:
    """The colour with all traffic."""
    (colour,) = [colour for colour, weight in weights(guarded.stage, NAME, "scoreboard").items() if weight == 100]
    return colour


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
    logs = jobs.run(
        "logs", logs_minutes=600, logs_request_id="day-to-day-1", logs_since_release="false", logs_filter=""
    )
    assert "day-to-day-1" in logs.output, logs.output
    jobs.run("scale", scale_count="", scale_minimum=1, scale_maximum="")
    for name in ("provision", "history", "triage", "exec", "dashboard"):
        jobs.run(name)
    jobs.run("report", report_path=str(tmp_path / "report.html"))
    assert (tmp_path / "report.html").stat().st_size > 0
    jobs.run("run task", task_words="python3\n-c\nprint('a task of AWX')")
    left = jobs.run("return after a failed release", fails=True)
    assert "no release is under way" in left.output and "The release failed or was cancelled" in left.output, (
        left.output
    )


@pytest.mark.long
def test_a_game_day_is_predicted_by_its_role(guarded: Guarded, tmp_path: Path) -> None:
    quick = {"gameday_alarm_period_seconds": 5, "gameday_triage_minutes": 2}
    jobs = Jobs(guarded, tmp_path, variables=quick)
    predicted = jobs.run("game day", check=True, gameday_experiment="errors-on-one-route", gameday_report_dir="")
    assert "Require a steady service" in predicted.tasks and predicted.changed == 0, predicted.output


@pytest.mark.long
def test_an_environment_is_compared_with_another_by_the_reading_roles_of_both(
    guarded: Guarded, deployed: Player, tmp_path: Path
) -> None:
    make_deployers(guarded.stage, tmp_path, {}, ["read-only"])
    compared = Jobs(guarded, tmp_path).run("diff", diff_with="local")
    assert re.search(r"scoreboard: \d+ differences between guarded and local", compared.output), compared.output
    assert "count.desired" in compared.output, compared.output


@pytest.mark.long
def test_who_would_be_told_of_an_alarm_by_the_role_of_provisioning(guarded: Guarded) -> None:
    told = guarded.run("provision", "notify_test", check=True).succeeded()
    assert "team@example.test" in told.output, told.output


@pytest.mark.long
def test_jobs_release_steer_and_roll_back_and_tell_of_it_while_they_run(guarded: Guarded, tmp_path: Path) -> None:
    jobs, before = Jobs(guarded, tmp_path, variables=APPROVED), _live(guarded)
    candidate = {"blue": "green", "green": "blue"}[before]
    with jobs.under_way("release", image_tag="1.3.0") as release:
        _until_held(guarded)
        paused = jobs.run("pause")
        jobs.run("pause", resume="true")
        jobs.run("promote")
        released = release.ended()
    assert "pause asked of" in paused.output, paused.output
    told = released.while_running("release | New version of scoreboard")
    assert f"staging {candidate} beside {before}" in told, released.output
    assert _live(guarded) == candidate
    jobs.run("rollback")
    assert _live(guarded) == before
    with jobs.under_way("release", image_tag="1.4.0") as release:
        _until_held(guarded)
        jobs.run("abort", reason="a mistake")
        stopped = release.ended(fails=True)
    assert "stopped by ada: a mistake" in stopped.output and _live(guarded) == before, stopped.output


@pytest.mark.long
def test_traffic_of_a_release_whose_job_was_cancelled_returns_and_a_second_job_is_refused_before(
    guarded: Guarded, tmp_path: Path
) -> None:
    jobs, before = Jobs(guarded, tmp_path, variables=APPROVED), _live(guarded)
    with jobs.under_way("release", image_tag="1.5.0") as release:
        _until_held(guarded)
        refused = jobs.run("release", fails=True, image_tag="1.6.0")
        assert "holds scoreboard for release" in refused.output, refused.output
        release.cancel()
        assert release.runner.status == "canceled"
    assert weights(guarded.stage, NAME, "scoreboard") == {"blue": 50, "green": 50}, "AWX kills: nobody returned traffic"
    returned = jobs.run("return after a failed release", fails=True)
    assert "waiting until that is renewed or over" in returned.while_running(
        "rollback | Restore traffic to the last good release"
    ), returned.output
    assert _live(guarded) == before
    assert "The release failed or was cancelled" in returned.output, returned.output


@pytest.mark.long
def test_what_git_names_is_converged_to_and_what_was_rolled_back_is_left_to_a_person(
    guarded: Guarded, tmp_path: Path
) -> None:
    before = _image(guarded, _live(guarded))
    built = {**guarded.values, "image_tag": "2.0.0"}
    guarded.player("release").run("playbooks/release.yml", "--tags", "image", variables=built).succeeded()
    image = _pushed(guarded, "2.0.0")
    jobs = Jobs(guarded, tmp_path, _inventory_of_git(tmp_path / "inventory", image))
    converged = jobs.run("converge", limit="")
    assert "starting the deployment" in converged.while_running("release | New version of scoreboard"), converged.output
    assert _image(guarded, _live(guarded)).endswith(image.partition("@")[2]) and not before.endswith(
        image.partition("@")[2]
    )
    again = jobs.run("converge", limit="")
    assert again.changed == 0 and "release | New version of scoreboard" in again.tasks, again.output
    same = jobs.run("drift", limit="")
    assert "Nothing differs." in same.output, same.output

    guarded.run("rollback", "rollback").succeeded()
    assert _image(guarded, _live(guarded)) == before
    refused = jobs.run("converge", fails=True, limit="")
    assert "scoreboard was not released" in refused.output, refused.output
    assert "release | New version of scoreboard" not in refused.tasks
    assert _image(guarded, _live(guarded)) == before
    differs = jobs.run("drift", fails=True, limit="")
    assert image.partition("@")[2][:19] in differs.output and "from the inventory" in differs.output, differs.output


def _pushed(guarded: Guarded, tag: str) -> str:
    """What a pipeline writes into the file of images: the tag for people, the digest for what runs."""
    ecr = guarded.stage.client("ecr")
    (repository,) = ecr.describe_repositories(repositoryNames=["scoreboard"])["repositories"]
    found = ecr.describe_images(repositoryName=repository["repositoryName"], imageIds=[{"imageTag": tag}])
    return f"{repository['repositoryUri']}:{tag}@{found['imageDetails'][0]['imageDigest']}"


def _image(guarded: Guarded, colour: str) -> str:
    """What the tasks of a colour run."""
    (service,) = [found for found in guarded.services() if found["serviceName"].endswith(colour)]
    definition = guarded.stage.client("ecs").describe_task_definition(taskDefinition=service["taskDefinition"])
    (image,) = [
        container["image"]
        for container in definition["taskDefinition"]["containerDefinitions"]
        if container["name"] == "app"
    ]
    return str(image)


def _inventory_of_git(folder: Path, image: str) -> Path:
    """As docs/gitops.md has it: the images in a file of their own, and nothing that builds."""
    shutil.copytree(ROOT / "inventories/local", folder)
    host = folder / "host_vars/scoreboard.yml"
    described = yaml.safe_load(host.read_text())
    del described["registry_build"]
    host.write_text(yaml.safe_dump(described))
    (folder / "group_vars/services").mkdir()
    named = {"images": {"scoreboard": image}, "service_image": "{{ images[inventory_hostname] }}"}
    (folder / "group_vars/services/images.yml").write_text(yaml.safe_dump(named))
    (folder / "group_vars/all/converge.yml").write_text(yaml.safe_dump({"environment_converge": True}))
    return folder


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
