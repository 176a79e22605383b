"""What idle tasks with health checks cost: CPU of all containers and of the sandbox itself, in shares of one core.

    python tools/idle_cost.py [--tasks 40] [--seconds 60]

Brings a sandbox of its own up in a control group of its own, runs the sample app behind a load balancer, waits until
every task is healthy, and reads what the control groups used over some seconds. As root, on Linux.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BASE, IMAGE = "localhost/pear/base:bookworm", "localhost/pear/scoreboard:idle"
HEALTH_COMMAND = "wget -q -O /dev/null http://127.0.0.1:8080/healthz"
_START_SECONDS = 900.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--interval", type=int, default=10, help="of the containers' checks (default: %(default)s s)")
    given = parser.parse_args()
    own = _own_group()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PEAR_SANDBOX_HOME"] = str(Path(folder) / "home")
        os.environ.setdefault("PEAR_CACHE", str(ROOT / ".cache"))
        _sandbox("up")
        try:
            settings = _settings()
            os.environ.update(settings.environment())
            _build_image()
            _begin(settings, given)
            pids = _containers(settings)
            before = _used(own, pids)
            time.sleep(given.seconds)
            after = _used(own, pids)
            _say(given, before, after)
        finally:
            _sandbox("down")
            (own.parent / "cgroup.procs").write_text(str(os.getpid()))
            own.rmdir()


def _say(given: argparse.Namespace, before: tuple[float, float], after: tuple[float, float]) -> None:
    own, inside = ((after[side] - before[side]) / given.seconds for side in (0, 1))
    sys.stdout.write(
        f"{given.tasks} idle tasks, a container check each {given.interval} s, a target check each 5 s: {own + inside:.3f} of a "
        f"core (the sandbox itself {own:.3f}, containers {inside:.3f}); {60 * (own + inside) / given.tasks:.2f} s of CPU for "
        "a task each minute\n"
    )


def _sandbox(verb: str) -> None:
    subprocess.run([sys.executable, "-m", "sandbox", verb], cwd=ROOT, check=True)


def _settings() -> Any:
    sys.path.insert(0, str(ROOT))
    from sandbox.config import Settings

    return Settings.load(Path(os.environ["PEAR_SANDBOX_HOME"]).resolve())


def _build_image() -> None:
    subprocess.run([ROOT / "examples/base/build.sh", BASE], check=True)
    build = [
        "buildah",
        "bud",
        "--quiet",
        "--isolation",
        "chroot",
        "--format",
        "docker",
        "--build-arg",
        f"BASE_IMAGE={BASE}",
    ]
    subprocess.run([*build, "--tag", IMAGE, str(ROOT / "examples/scoreboard")], check=True, stdout=subprocess.DEVNULL)


def _begin(settings: Any, given: argparse.Namespace) -> None:
    """One service behind a load balancer, and patience until all its tasks are healthy by both kinds of checks."""
    from sandbox.status import client

    ec2, elbv2, ecs = (client(settings, name) for name in ("ec2", "elbv2", "ecs"))
    vpc = ec2.create_vpc(CidrBlock="10.10.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.10.{n}.0/24", AvailabilityZone=f"eu-central-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    balancer = elbv2.create_load_balancer(Name="idle", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    group = elbv2.create_target_group(
        Name="idle", Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip", HealthCheckPath="/healthz",
        HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2,
    )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=forward)
    check = {"command": ["CMD-SHELL", HEALTH_COMMAND], "interval": given.interval, "timeout": 5}
    container = {"name": "app", "image": IMAGE, "portMappings": [{"containerPort": 8080}], "healthCheck": check}
    ecs.create_cluster(clusterName="idle")
    ecs.register_task_definition(
        family="idle", cpu="256", memory="512", networkMode="awsvpc", requiresCompatibilities=["FARGATE"],
        containerDefinitions=[container],
    )  # fmt: skip
    ecs.create_service(
        cluster="idle", serviceName="idle", taskDefinition="idle", desiredCount=given.tasks, launchType="FARGATE",
        healthCheckGracePeriodSeconds=600, networkConfiguration={"awsvpcConfiguration": {"subnets": subnets}},
        loadBalancers=[{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}],
    )  # fmt: skip
    deadline = time.monotonic() + _START_SECONDS
    while (service := ecs.describe_services(cluster="idle", services=["idle"])["services"][0])["deployments"][0][
        "rolloutState"
    ] != "COMPLETED":
        if time.monotonic() > deadline:
            raise SystemExit(f"{service['runningCount']} of {given.tasks} tasks run after {_START_SECONDS:.0f} s")
        time.sleep(2)


def _own_group() -> Path:
    """Move this process, and so all that it starts, into a control group of its own."""
    root = Path("/sys/fs/cgroup")
    group = (root / "cpuacct" if (root / "cpuacct").is_dir() else root) / f"idle-cost-{os.getpid()}"
    group.mkdir()
    (group / "cgroup.procs").write_text(str(os.getpid()))
    return group


def _containers(settings: Any) -> list[int]:
    from sandbox.engine import Engine

    engine = Engine(settings)
    return [int(container["State"]["Pid"]) for container in engine.inspect(*engine.containers())]


def _used(own: Path, pids: list[int]) -> tuple[float, float]:
    """Seconds of CPU: of the sandbox's own processes, and of the containers."""
    from sandbox.fargate.usage import used_by

    inside = used_by(pids)
    if inside is None:
        raise SystemExit("A container has ended, or this machine keeps no accounts of CPU by control group.")
    if (own / "cpuacct.usage").exists():
        return int((own / "cpuacct.usage").read_text()) / 1e9, inside.cpu_seconds
    lines = dict(line.split() for line in (own / "cpu.stat").read_text().splitlines())
    return int(lines["usage_usec"]) / 1e6, inside.cpu_seconds


if __name__ == "__main__":
    main()
