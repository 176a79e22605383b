"""What runs, as a person wants to see it: read through the AWS API like any client, then printed."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Sequence
from typing import Any

from . import listing
from .config import ACCESS_KEY, SECRET_KEY, Settings
from .environment import command
from .lateness import keeps_up
from .lifecycle import processes


def client(settings: Settings, service: str, region: str = "") -> Any:
    """The region is the sandbox's own unless another one is named."""
    import boto3

    session = boto3.Session(ACCESS_KEY, SECRET_KEY, region_name=region or settings.region)
    return session.client(service, endpoint_url=settings.endpoint)  # type: ignore[call-overload]


def show(settings: Settings) -> bool:
    """Print processes, load balancers with their rules, services and tasks. False where a process of the sandbox has ended."""
    rows = [(name, str(pid) if pid else "does not run") for name, pid in processes(settings)]
    _table(("process", "pid"), rows)
    if not all(pid for _, pid in processes(settings)):
        print(
            f"\nThe sandbox is not whole: {command(settings.home, 'up')} starts it again, with its state where only the API "
            "has ended."
        )
        return False
    print(f"\n{keeps_up(_health(settings)['slower'])}")
    print(f"\nConsole: {settings.console}")
    print(f"\nDNS, for the zones of Route 53: {settings.name_server} port 53, UDP and TCP")
    balancers = client(settings, "elbv2").describe_load_balancers()["LoadBalancers"]
    _table(
        ("load balancer", "address", "state"),
        [(b["LoadBalancerName"], b["DNSName"], b["State"]["Code"]) for b in balancers],
    )
    ecs = client(settings, "ecs")
    _table(
        ("cluster", "service", "running", "desired", "task definition", "rollout"),
        [
            (
                service["clusterArn"].rpartition("/")[2],
                service["serviceName"],
                str(service["runningCount"]),
                str(service["desiredCount"]),
                service["taskDefinition"].rpartition("/")[2],
                listing.rollout(service),
            )
            for service in listing.services(ecs)
        ],
    )
    _table(("task", "group", "status", "health", "address", "since"), [_task_row(task) for task in listing.tasks(ecs)])
    return True


def _health(settings: Settings) -> dict[str, Any]:
    with urllib.request.urlopen(f"{settings.endpoint}/_sandbox/health", timeout=30) as answer:
        return dict(json.load(answer))


def hints(settings: Settings) -> None:
    """Print, for each https listener with a rule that names a host, a URL and a curl line that works as printed."""
    elbv2, acm = client(settings, "elbv2"), client(settings, "acm")
    for balancer in elbv2.describe_load_balancers()["LoadBalancers"]:
        for listener in elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
            if listener["Protocol"] != "HTTPS":
                continue
            certificate = acm.get_certificate(CertificateArn=listener["Certificates"][0]["CertificateArn"])
            authority = settings.home / f"{balancer['LoadBalancerName']}.pem"
            authority.write_text(certificate.get("CertificateChain") or certificate["Certificate"])
            rules = elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
            for host in _hosts(rules):
                resolve = f"{host}:{listener['Port']}:{balancer['DNSName']}"
                print(f"\n  https://{host}/\n")
                print(f"  curl --cacert {_short(authority)} --resolve {resolve} https://{host}/readyz")
    print(
        f"\nConsole:     {settings.console}\n"
        f"Look around: {command(settings.home, 'status')} | logs api | logs TASK-ID\n"
        f'Use it:      eval "$({command(settings.home, "env")})" and any AWS client\n'
        "A browser:   the certificate is for this machine only; add the host to /etc/hosts with the address shown\n"
        "Stop:        make sandbox-down"
    )


def task_log(settings: Settings, task_id: str, follow: bool) -> None:
    """Print the log of a task, found by its id in any log group."""
    logs = client(settings, "logs")
    found = [
        (group["logGroupName"], stream["logStreamName"])
        for group in logs.describe_log_groups()["logGroups"]
        for stream in logs.describe_log_streams(logGroupName=group["logGroupName"])["logStreams"]
        if task_id in stream["logStreamName"]
    ]
    if not found:
        raise SystemExit(
            f"No process and no log stream is named {task_id}. Task ids: {command(settings.home, 'status')}"
        )
    seen: dict[str, int] = {}
    while True:
        for group, stream in found:
            events = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
            for event in events[seen.get(stream, 0) :]:
                print(event["message"])
            seen[stream] = len(events)
        if not follow:
            return
        time.sleep(1)


def _hosts(rules: list[dict[str, Any]]) -> list[str]:
    hosts = [
        value
        for rule in rules
        for condition in rule["Conditions"]
        for value in condition.get("HostHeaderConfig", {}).get("Values", [])
        if "*" not in value
    ]
    return list(dict.fromkeys(hosts))


def _task_row(task: dict[str, Any]) -> tuple[str, ...]:
    since = task.get("startedAt") or task["createdAt"]
    return (
        task["taskArn"].rpartition("/")[2],
        task.get("group", ""),
        task["lastStatus"],
        task.get("healthStatus", ""),
        listing.address(task),
        since.astimezone().strftime("%H:%M:%S"),
    )


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    print()
    for row in [header, *(rows or [("none",)])]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip())


def _short(path: os.PathLike[str]) -> str:
    relative = os.path.relpath(path)
    return relative if not relative.startswith("..") else os.fspath(path)
