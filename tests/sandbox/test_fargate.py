"""Services on the sandbox: real containers behind a real load balancer, and the truth about them."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.arns import ArnScope
from ansible_collections.pear.fargate.plugins.module_utils.service import policies
from botocore.exceptions import ClientError

from tests.sandbox.world import World, make_role
from tests.support.waiting import eventually


@pytest.fixture
def cleaned(world: World) -> Iterator[World]:
    """Ends the services that a test made."""
    yield world
    for arn in world.client("ecs").list_services(cluster="tests")["serviceArns"]:
        world.delete_service(arn.rpartition("/")[2])


def get(world: World, path: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://{world.address}{path}", timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def test_a_service_serves_rolls_and_leaves_nothing(cleaned: World) -> None:
    world = cleaned
    group = world.target_group("rolls", "/rolls")
    world.create_service("rolls", world.define("rolls", {"VERSION": "1"}), group, desired=2)
    eventually(lambda: world.steady("rolls"), message="the first deployment")
    answer = get(world, "/rolls")
    assert answer["version"] == "1"
    assert answer["headers"]["X-Forwarded-Proto"] == "http"
    tasks = world.tasks("rolls")
    assert {task["lastStatus"] for task in tasks} == {"RUNNING"}
    assert len({task["availabilityZone"] for task in tasks}) == 2, "tasks are spread over zones"
    health = world.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    addresses = {
        detail["value"]
        for task in tasks
        for detail in task["attachments"][0]["details"]
        if detail["name"] == "privateIPv4Address"
    }
    assert {one["Target"]["Id"] for one in health} == addresses
    assert {one["TargetHealth"]["State"] for one in health} == {"healthy"}

    world.client("ecs").update_service(
        cluster="tests", service="rolls", taskDefinition=world.define("rolls", {"VERSION": "2"})
    )
    eventually(lambda: world.steady("rolls"), message="the second deployment")
    assert get(world, "/rolls")["version"] == "2"
    messages = [event["message"] for event in world.service("rolls")["events"]]
    assert messages[0] == "(service rolls) has reached a steady state."
    assert any("has begun draining connections on 1 tasks." in one for one in messages)

    world.delete_service("rolls")
    assert world.running.engine.containers() == []


def test_a_killed_container_is_replaced_and_told(cleaned: World) -> None:
    world = cleaned
    group = world.target_group("killed", "/killed")
    world.create_service("killed", world.define("killed"), group)
    eventually(lambda: world.steady("killed"))
    (task,) = world.tasks("killed")
    (container,) = world.running.engine.containers(
        **{"pear.task": task["taskArn"].rpartition("/")[2], "pear.container": "app"}
    )
    world.running.engine.kill(container)
    stopped = eventually(lambda: [one for one in world.tasks("killed", "STOPPED") if one["lastStatus"] == "STOPPED"])[0]
    assert stopped["stoppedReason"] == "Essential container in task exited"
    assert stopped["containers"][0]["exitCode"] == 137
    eventually(lambda: world.steady("killed") and world.tasks("killed")[0]["taskArn"] != task["taskArn"])


def test_the_circuit_breaker_returns_to_what_worked(cleaned: World) -> None:
    world = cleaned
    group = world.target_group("breaks", "/breaks")
    sensitive = {"enable": True, "rollback": True, "thresholdConfiguration": {"type": "COUNT", "value": 2}}
    breaker = {"deploymentConfiguration": {"deploymentCircuitBreaker": sensitive}}
    good = world.define("breaks", {"VERSION": "good"})
    world.create_service("breaks", good, group, **breaker)
    eventually(lambda: world.steady("breaks"))
    bad = world.define("breaks", command=["print('no database', flush=True); raise SystemExit(3)"])
    world.client("ecs").update_service(cluster="tests", service="breaks", taskDefinition=bad)
    eventually(lambda: world.service("breaks")["taskDefinition"] == good, message="rolled back")
    eventually(lambda: world.steady("breaks"))
    assert get(world, "/breaks")["version"] == "good"
    ecs = world.client("ecs")
    arns = [
        one["serviceDeploymentArn"]
        for one in ecs.list_service_deployments(cluster="tests", service="breaks")["serviceDeployments"]
    ]
    records = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
    failed = next(one for one in records if one["status"] == "ROLLBACK_SUCCESSFUL")
    assert failed["deploymentCircuitBreaker"] == {"status": "TRIGGERED", "failureCount": 2, "threshold": 2}
    assert failed["alarms"]["status"] == "DISABLED"
    (newest,) = ecs.list_service_deployments(cluster="tests", service="breaks", maxResults=1)["serviceDeployments"]
    revisions = [failed["targetServiceRevision"]["arn"], failed["rollback"]["serviceRevisionArn"]]
    assert newest["targetServiceRevisionArn"] == revisions[1]
    told = ecs.describe_service_revisions(serviceRevisionArns=[*revisions, f"{revisions[0]}0"])
    assert [one["taskDefinition"] for one in told["serviceRevisions"]] == [bad, good]
    assert [one["containerImages"][0]["image"] for one in told["serviceRevisions"]] == [world.image] * 2
    assert [one["reason"] for one in told["failures"]] == ["MISSING"]
    stopped = world.tasks("breaks", "STOPPED")
    assert {3} <= {one["containers"][0].get("exitCode") for one in stopped}


@pytest.mark.long
def test_what_a_container_is_given(cleaned: World) -> None:
    world = cleaned
    group = world.target_group("given", "/given")
    world.client("logs").create_log_group(logGroupName="/given")
    secret = world.client("secretsmanager").create_secret(
        Name="given", SecretString=json.dumps({"password": "s3cret"})
    )["ARN"]
    world.client("ssm").put_parameter(Name="/given/flag", Value="on", Type="SecureString")
    system = world.client("efs").create_file_system(CreationToken="given")["FileSystemId"]
    for subnet in world.subnets:
        world.client("efs").create_mount_target(FileSystemId=system, SubnetId=subnet)
    point = world.client("efs").create_access_point(
        ClientToken="given",
        FileSystemId=system,
        PosixUser={"Uid": 1000, "Gid": 1000},
        RootDirectory={"Path": "/scores", "CreationInfo": {"OwnerUid": 1000, "OwnerGid": 1000, "Permissions": "0750"}},
    )["AccessPointId"]
    definition = world.define(
        "given",
        taskRoleArn=world.role,
        secrets=[
            {"name": "PASSWORD", "valueFrom": f"{secret}:password::"},
            {"name": "FLAG", "valueFrom": "/given/flag"},
        ],
        user="1000:1000",
        readonlyRootFilesystem=True,
        mountPoints=[{"sourceVolume": "data", "containerPath": "/data"}],
        volumes=[
            {
                "name": "data",
                "efsVolumeConfiguration": {
                    "fileSystemId": system,
                    "transitEncryption": "ENABLED",
                    "authorizationConfig": {"accessPointId": point, "iam": "ENABLED"},
                },
            }
        ],
        logConfiguration={
            "logDriver": "awslogs",
            "options": {"awslogs-group": "/given", "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "app"},
        },
        healthCheck={"command": ["CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1:8080/healthz"], "interval": 5},
        sidecars=[
            {
                "name": "beside",
                "image": world.image,
                "essential": False,
                "entryPoint": ["sh", "-c"],
                "command": ["wget -q -O - http://127.0.0.1:8080/from-beside; sleep 600"],
                "dependsOn": [{"containerName": "app", "condition": "HEALTHY"}],
                # Not essential: what it says of its health is nobody's concern.
                "healthCheck": {"command": ["CMD", "/bin/false"], "interval": 5, "retries": 1},
                "stopTimeout": 2,
            }
        ],
    )
    world.create_service("given", definition, group)
    eventually(lambda: world.steady("given"))
    answer = get(world, "/given")
    assert (answer["environment"]["PASSWORD"], answer["environment"]["FLAG"], answer["user"]) == ("s3cret", "on", 1000)
    (task,) = world.tasks("given")
    assert task["healthStatus"] == "HEALTHY"
    task_id = task["taskArn"].rpartition("/")[2]
    (container,) = world.running.engine.containers(**{"pear.task": task_id, "pear.container": "app"})
    engine = world.running.engine
    assert engine.exec(container, ["sh", "-c", "echo kept > /data/file && cat /data/file"]).stdout == "kept\n"
    assert "Read-only" in engine.exec(container, ["sh", "-c", "echo x > /file"]).stderr
    address = answer["environment"]["ECS_CONTAINER_METADATA_URI_V4"]
    described = json.loads(engine.exec(container, ["wget", "-q", "-O", "-", f"{address}/task"]).stdout)
    assert described["TaskARN"] == task["taskArn"]
    given = answer["environment"]
    assert (
        "started"
        in engine.exec(container, ["wget", "-q", "-O", "-", f"{given['AWS_ENDPOINT_URL']}/_sandbox/health"]).stdout
    )
    session = boto3.Session(
        given["AWS_ACCESS_KEY_ID"], given["AWS_SECRET_ACCESS_KEY"], given["AWS_SESSION_TOKEN"], given["AWS_REGION"]
    )
    caller = session.client("sts", endpoint_url=given["AWS_ENDPOINT_URL"]).get_caller_identity()
    assert caller["Arn"].endswith(f":assumed-role/tasks/{task_id}")

    def logged() -> list[str]:
        events = world.client("logs").get_log_events(
            logGroupName="/given", logStreamName=f"app/app/{task_id}", startFromHead=True
        )
        return [event["message"] for event in events["events"]]

    eventually(lambda: "GET /from-beside" in logged(), message="the sidecar reaches the app on localhost")
    world.delete_service("given")
    assert logged()[-1] == "got SIGTERM"


def test_a_health_check_runs_in_its_container_as_the_container_itself_does(cleaned: World) -> None:
    """By user, variables, directory, control groups and capabilities; and no engine is started for it."""
    world = cleaned
    same = [f'[ "$({read} /proc/self/{file})" = "$({read} /proc/1/{file})" ]' for read, file in _OF_A_PROCESS]
    wanted = ['[ "$(id -u):$(id -g)" = 1000:1000 ]', '[ "$FLAG" = "on and on" ]', '[ "$(pwd)" = /var ]', *same]
    definition = world.define(
        "inside",
        {"FLAG": "on and on"},
        user="1000:1000",
        workingDirectory="/var",
        healthCheck={"command": ["CMD-SHELL", " && ".join(wanted)], "interval": 5, "retries": 1},
    )
    world.create_service("inside", definition, None)
    eventually(lambda: [one["healthStatus"] for one in world.tasks("inside")] == ["HEALTHY"])
    if os.geteuid() == 0 and world.running.settings.engine == "podman":
        assert "is not entered" not in (world.running.settings.logs / "api.log").read_text()


_OF_A_PROCESS = [("cat", "cgroup"), ("grep CapBnd", "status"), ("grep open.files", "limits")]


@pytest.mark.long
@pytest.mark.parametrize("command", [["CMD", "/bin/sleep", "600"], ["CMD", "/no/such/program"]], ids=["hangs", "fails"])
def test_a_task_whose_container_is_unhealthy_is_replaced(cleaned: World, command: list[str]) -> None:
    world = cleaned
    check = {"command": command, "interval": 5, "timeout": 2, "retries": 1}
    name = f"unhealthy-{command[1].rpartition('/')[2]}"
    world.create_service(name, world.define(name, healthCheck=check), None)
    stopped = eventually(lambda: world.tasks(name, "STOPPED"), timeout=120)
    assert stopped[0]["stoppedReason"] == "Task failed container health checks"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"image": "{repository}:never-pushed"}, "CannotPullContainerError"),
        ({"secrets": [{"name": "X", "valueFrom": "/no/such/parameter"}]}, "unable to retrieve secrets from ssm"),
        (
            {
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {
                        "awslogs-group": "/none",
                        "awslogs-region": "eu-central-1",
                        "awslogs-stream-prefix": "a",
                    },
                }
            },
            "failed to create Cloudwatch log stream",
        ),
    ],
)
def test_a_task_that_cannot_start_says_why(world: World, change: dict[str, Any], reason: str) -> None:
    if "image" in change:
        change["image"] = change["image"].format(repository=world.image.partition("@")[0])
    ecs = world.client("ecs")
    arn = ecs.run_task(
        cluster="tests",
        taskDefinition=world.define("refused", **change),
        networkConfiguration={"awsvpcConfiguration": {"subnets": world.subnets}},
    )["tasks"][0]["taskArn"]
    task = eventually(
        lambda: next(
            (
                one
                for one in ecs.describe_tasks(cluster="tests", tasks=[arn])["tasks"]
                if one["lastStatus"] == "STOPPED"
            ),
            None,
        )
    )
    assert task["stopCode"] == "TaskFailedToStart"
    assert reason in task["stoppedReason"]
    assert "startedAt" not in task, "a task is never RUNNING that does not run"


def test_a_one_off_task_ends_with_its_exit_code(world: World) -> None:
    ecs = world.client("ecs")
    arn = ecs.run_task(
        cluster="tests",
        taskDefinition=world.define("once", command=["raise SystemExit(7)"]),
        networkConfiguration={"awsvpcConfiguration": {"subnets": world.subnets}},
    )["tasks"][0]["taskArn"]
    task = eventually(
        lambda: next(
            (
                one
                for one in ecs.describe_tasks(cluster="tests", tasks=[arn])["tasks"]
                if one["lastStatus"] == "STOPPED"
            ),
            None,
        )
    )
    assert task["containers"][0]["exitCode"] == 7
    assert task["stopCode"] == "EssentialContainerExited"


def test_a_request_that_is_sent_again_with_its_client_token_starts_nothing_more(world: World) -> None:
    ecs = world.client("ecs")
    request = {
        "cluster": "tests",
        "taskDefinition": world.define("again", command=["raise SystemExit(0)"]),
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": world.subnets}},
    }
    first, again = (ecs.run_task(**request, clientToken="migrate-1")["tasks"][0]["taskArn"] for _ in range(2))
    other = ecs.run_task(**request, clientToken="migrate-2")["tasks"][0]["taskArn"]
    assert first == again != other
    with pytest.raises(ecs.exceptions.ConflictException):
        ecs.run_task(**request, startedBy="somebody", clientToken="migrate-1")


@pytest.mark.long
def test_an_init_container_ends_first_and_a_container_is_restarted_within_its_task(cleaned: World) -> None:
    world = cleaned
    s3 = world.client("s3")
    s3.create_bucket(Bucket="given", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="given", Key="app.env", Body=b"# a comment\nFROM_FILE=yes\nBOTH=file\n")
    shell = {"image": world.image, "essential": False, "entryPoint": ["sh", "-c"], "stopTimeout": 2}
    definition = world.define(
        "ordered",
        environment={"BOTH": "definition"},
        environmentFiles=[{"type": "s3", "value": "arn:aws:s3:::given/app.env"}],
        volumes=[{"name": "shared"}],
        mountPoints=[{"sourceVolume": "shared", "containerPath": "/shared"}],
        linuxParameters={
            "tmpfs": [{"containerPath": "/quick", "size": 8}],
            "capabilities": {"drop": ["ALL"]},
        },
        dependsOn=[{"containerName": "init", "condition": "SUCCESS"}],
        sidecars=[
            {
                **shell,
                "name": "init",
                "command": ["sleep 1; echo prepared > /shared/state"],
                "mountPoints": [{"sourceVolume": "shared", "containerPath": "/shared"}],
            },
            {
                **shell,
                "name": "leaks",
                "command": ["echo began >> /shared/began; sleep 6; exit 3"],
                "mountPoints": [{"sourceVolume": "shared", "containerPath": "/shared"}],
                "restartPolicy": {"enabled": True, "restartAttemptPeriod": 60},
            },
        ],
    )
    world.create_service("ordered", definition, None)
    eventually(lambda: world.steady("ordered"), timeout=180)
    (task,) = world.tasks("ordered")
    states = {one["name"]: one for one in task["containers"]}
    assert (states["init"]["lastStatus"], states["init"]["exitCode"]) == ("STOPPED", 0)
    engine, task_id = world.running.engine, task["taskArn"].rpartition("/")[2]
    (container,) = engine.containers(**{"pear.task": task_id, "pear.container": "app"})

    def read(command: str) -> str:
        return engine.exec(container, ["sh", "-c", command]).stdout.strip()

    assert read("cat /shared/state") == "prepared"
    assert read("echo $FROM_FILE $BOTH") == "yes definition"
    assert "tmpfs" in read("grep /quick /proc/mounts")
    assert set(read("grep CapEff /proc/self/status").split()[1]) == {"0"}
    eventually(lambda: read("cat /shared/began").count("began") > 1, timeout=180, message="it was started again")
    assert [one["taskArn"] for one in world.tasks("ordered")] == [task["taskArn"]], "within the same task"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dependsOn": [{"containerName": "app", "condition": "START"}]}, "in a circle"),
        ({"dependsOn": [{"containerName": "gone", "condition": "START"}]}, "unknown container"),
        ({"linuxParameters": {"capabilities": {"add": ["NET_ADMIN"]}}}, "NET_ADMIN"),
        ({"linuxParameters": {"sharedMemorySize": 64}}, "sharedMemorySize"),
        ({"logConfiguration": {"logDriver": "gelf"}}, "gelf"),
    ],
)
def test_what_fargate_does_not_run_is_not_registered(world: World, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ClientError, match=reason):
        world.define("odd", **change)


def test_a_service_without_a_load_balancer_has_no_grace_period(world: World) -> None:
    with pytest.raises(ClientError, match="only valid for services configured to use load balancers"):
        world.create_service("graceful", world.define("graceful"), None, healthCheckGracePeriodSeconds=5)


@pytest.mark.long
def test_a_schedule_starts_its_task(world: World) -> None:
    ecs, scheduler = world.client("ecs"), world.client("scheduler")
    role = make_role(world.running, "schedules", "scheduler.amazonaws.com")
    definition = world.define("scheduled", command=["raise SystemExit(0)"])
    command = {"name": "app", "command": ["raise SystemExit(5)"]}
    target = {
        "Arn": "arn:aws:ecs:eu-central-1:123456789012:cluster/tests",
        "RoleArn": role,
        "Input": json.dumps({"containerOverrides": [command]}),
        "EcsParameters": {
            "TaskDefinitionArn": definition,
            "LaunchType": "FARGATE",
            "NetworkConfiguration": {"awsvpcConfiguration": {"Subnets": world.subnets}},
        },
    }

    def made() -> bool:
        """A role that was just made cannot be assumed yet."""
        due = datetime.now(UTC) + timedelta(seconds=3)
        try:
            scheduler.create_schedule(
                Name="once",
                ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target=target,
            )
        except ClientError as refused:
            if "to assume the role" not in str(refused):
                raise
            return False
        return True

    eventually(made, timeout=60)

    def ended() -> list[int]:
        started_by = "chronos-schedule/once"
        arns = ecs.list_tasks(cluster="tests", startedBy=started_by, desiredStatus="STOPPED")["taskArns"]
        tasks = ecs.describe_tasks(cluster="tests", tasks=arns)["tasks"] if arns else []
        return [task["containers"][0]["exitCode"] for task in tasks if task["lastStatus"] == "STOPPED"]

    assert eventually(ended, message="the schedule's task has ended") == [5]
    eventually(lambda: "once" not in [one["Name"] for one in scheduler.list_schedules()["Schedules"]], timeout=20)


def test_sizes_that_fargate_does_not_offer_are_refused(world: World) -> None:
    with pytest.raises(ClientError, match="No Fargate configuration exists"):
        world.define("odd", cpu="256", memory="4096")


def test_no_rule_no_answer(world: World) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(world, "/nowhere")
    assert (refused.value.code, refused.value.read()) == (404, b"no rule")


def test_a_one_time_schedule_scales_a_service_in(cleaned: World) -> None:
    world = cleaned
    world.create_service("schedule", world.define("schedule"), None, desired=2)
    scaling = world.client("application-autoscaling")
    named = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/tests/schedule",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling.register_scalable_target(**named, MinCapacity=2, MaxCapacity=4)
    soon = datetime.now(UTC) + timedelta(seconds=3)
    scaling.put_scheduled_action(
        **named,
        ScheduledActionName="home",
        Schedule=f"at({soon:%Y-%m-%dT%H:%M:%S})",
        ScalableTargetAction={"MinCapacity": 0, "MaxCapacity": 1},
    )
    assert world.service("schedule")["desiredCount"] == 2
    eventually(lambda: world.service("schedule")["desiredCount"] == 1, timeout=10)
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=["service/tests/schedule"])[
        "ScalableTargets"
    ]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 1)


def test_a_changed_capacity_provider_strategy_wants_a_new_deployment(world: World) -> None:
    ecs = world.client("ecs")
    world.create_service("providers", world.define("providers"), None, desired=0)
    spot = [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]
    with pytest.raises(ClientError, match="you must force a new deployment"):
        ecs.update_service(cluster="tests", service="providers", capacityProviderStrategy=spot)
    ecs.update_service(cluster="tests", service="providers", capacityProviderStrategy=spot, forceNewDeployment=True)
    assert world.service("providers")["capacityProviderStrategy"] == spot
    ecs.update_service(cluster="tests", service="providers", capacityProviderStrategy=spot)
    world.delete_service("providers")


@pytest.mark.long
def test_an_alarm_that_fires_fails_a_deployment_and_the_one_before_comes_back(world: World) -> None:
    ecs, cloudwatch = world.client("ecs"), world.client("cloudwatch")
    # Without data, and so it stays as it is set.
    cloudwatch.put_metric_alarm(
        AlarmName="guard", Namespace="None", MetricName="none", Statistic="Sum", Period=60, EvaluationPeriods=1,
        Threshold=1, ComparisonOperator="GreaterThanThreshold", TreatMissingData="ignore",
    )  # fmt: skip
    alarms = {"alarms": {"alarmNames": ["guard"], "enable": True, "rollback": True}}
    good = world.define("guarded")
    world.create_service("guarded", good, None, deploymentConfiguration=alarms)
    eventually(lambda: world.steady("guarded"), message="the first version is up")
    bad = world.define("guarded", {"VERSION": "bad"})
    ecs.update_service(cluster="tests", service="guarded", taskDefinition=bad)

    def begun() -> bool:
        """Alarms that fire before are not looked at."""
        arns = ecs.list_tasks(cluster="tests", serviceName="guarded")["taskArns"]
        return any(
            task["taskDefinitionArn"] == bad for task in ecs.describe_tasks(cluster="tests", tasks=arns)["tasks"]
        )

    eventually(begun, message="ECS has begun")
    cloudwatch.set_alarm_state(AlarmName="guard", StateValue="ALARM", StateReason="test")

    def returned() -> bool:
        return bool(world.service("guarded")["taskDefinition"] == good and world.steady("guarded"))

    eventually(returned, message="ECS rolled back")
    reasons = [deployment["rolloutStateReason"] for deployment in world.service("guarded")["deployments"]]
    assert any("rolling back" in reason or "completed" in reason for reason in reasons), reasons
    deployments = ecs.list_service_deployments(cluster="tests", service="guarded")["serviceDeployments"]
    arns = [deployment["serviceDeploymentArn"] for deployment in deployments]
    told = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
    assert {"status": "TRIGGERED", "alarmNames": ["guard"], "triggeredAlarmNames": ["guard"]} in [
        deployment["alarms"] for deployment in told
    ]
    events = [event["message"] for event in world.service("guarded")["events"]]
    assert any("alarm detected: guard" in message for message in events), events
    world.delete_service("guarded")


WRITES = """
import os, time
with open("/work/file", "w") as file:
    file.write("data")
print(os.listdir("/work"), flush=True)
time.sleep(600)
"""


def run_with_volume(world: World, role: str) -> dict[str, Any]:
    """A task with an EBS volume, once it runs or has stopped."""
    ecs = world.client("ecs")
    definition = world.define(
        "volume",
        command=[WRITES],
        volumes=[{"name": "work", "configuredAtLaunch": True}],
        mountPoints=[{"sourceVolume": "work", "containerPath": "/work"}],
    )
    managed = {
        "roleArn": role,
        "sizeInGiB": 20,
        "volumeType": "gp3",
        "iops": 4000,
        "encrypted": True,
        "tagSpecifications": [{"resourceType": "volume", "tags": [{"key": "team", "value": "web"}]}],
        "terminationPolicy": {"deleteOnTermination": True},
    }
    arn = ecs.run_task(
        cluster="tests",
        taskDefinition=definition,
        networkConfiguration={"awsvpcConfiguration": {"subnets": world.subnets}},
        volumeConfigurations=[{"name": "work", "managedEBSVolume": managed}],
    )["tasks"][0]["taskArn"]

    def settled() -> dict[str, Any] | None:
        (task,) = ecs.describe_tasks(cluster="tests", tasks=[arn])["tasks"]
        return dict(task) if task["lastStatus"] in ("RUNNING", "STOPPED") else None

    found: dict[str, Any] = eventually(settled)
    return found


def volumes(world: World) -> list[dict[str, Any]]:
    found = world.client("ec2").describe_volumes(Filters=[{"Name": "tag:AmazonECSManaged", "Values": ["true"]}])
    return list(found["Volumes"])


@pytest.mark.long
def test_a_task_has_an_ebs_volume_of_the_infrastructure_role_which_ends_with_it(world: World) -> None:
    """With the very policies that the collection gives such a role."""
    settings, iam, ecs = world.running.settings, world.client("iam"), world.client("ecs")
    place = ArnScope(settings.region, settings.account)
    trust = json.dumps(policies.infrastructure_trust_policy(place))
    role = iam.create_role(RoleName="volumes", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    document = policies.infrastructure_policy(place)
    iam.put_role_policy(RoleName="volumes", PolicyName="volumes", PolicyDocument=json.dumps(document))
    # A role that was just made cannot be taken for some seconds.
    task = eventually(lambda: found if (found := run_with_volume(world, role))["lastStatus"] == "RUNNING" else None)
    (volume,) = volumes(world)
    assert (volume["Size"], volume["Iops"], volume["VolumeType"]) == (20, 4000, "gp3")
    assert volume["AvailabilityZone"] == task["availabilityZone"]
    tags = {tag["Key"]: tag["Value"] for tag in volume["Tags"]}
    assert tags == {"AmazonECSCreated": task["taskArn"], "AmazonECSManaged": "true", "team": "web"}
    ecs.stop_task(cluster="tests", task=task["taskArn"])
    eventually(lambda: not volumes(world), message="the end of the volume")
    # ECS's own tasks may take the role of a task, and not this one.
    refused = run_with_volume(world, make_role(world.running, "no-volumes", "ecs-tasks.amazonaws.com"))
    assert "unable to assume the configured ECS Infrastructure Role" in refused["stoppedReason"]
    assert volumes(world) == []
    with pytest.raises(ClientError, match="configures the volumes"):
        ecs.run_task(
            cluster="tests",
            taskDefinition="volume",
            networkConfiguration={"awsvpcConfiguration": {"subnets": world.subnets}},
        )
