"""What the console shows, read through the AWS API like any client reads it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .. import listing

Clients = Callable[[str], Any]
# Of CloudWatch's time: what the graphs show.
PERIODS, PERIOD_SECONDS = 30, 60
_BALANCER = "AWS/ApplicationELB"
_GRAPHS: Mapping[str, tuple[str, str]] = {
    "requests": ("RequestCount", "Sum"),
    "errors": ("HTTPCode_Target_5XX_Count", "Sum"),
    "refused": ("TargetConnectionErrorCount", "Sum"),
    "p95": ("TargetResponseTime", "p95"),
}
# The ledgers of pear.fargate, by their name; the releases in them, by their key.
_LEDGER, _RELEASE = "-releases", "release/"
_RELEASES_SHOWN, _LINES_SHOWN = 12, 200
_LOG_SECONDS = 120


def view(aws: Clients, time_factor: float) -> dict[str, Any]:
    """All of the page but the log."""
    now = time.time()
    groups = aws("elbv2").describe_target_groups()["TargetGroups"]
    return {
        "at": now,
        "window": {"seconds": PERIODS * PERIOD_SECONDS / time_factor, "periods": PERIODS},
        "rules": list(_rules(aws, {group["TargetGroupArn"]: group["TargetGroupName"] for group in groups})),
        "target_groups": [_target_group(aws, group) for group in groups],
        "graphs": _graphs(aws, groups, now, PERIOD_SECONDS / time_factor),
        "services": list(_services(aws("ecs"))),
        "tasks": list(_tasks(aws("ecs"))),
        "alarms": _alarms(aws),
        "releases": list(_releases(aws)),
        "log_groups": [group["logGroupName"] for group in aws("logs").describe_log_groups()["logGroups"]],
    }


def log(aws: Clients, group: str) -> list[dict[str, Any]]:
    """The newest lines of a log group."""
    since = int((time.time() - _LOG_SECONDS) * 1000)
    pages = aws("logs").get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
    events = [event for page in pages for event in page["events"]]
    newest = sorted(events, key=lambda event: event["timestamp"])[-_LINES_SHOWN:]
    return [
        {"at": event["timestamp"] / 1000, "stream": event["logStreamName"], "text": event["message"]}
        for event in newest
    ]


def _rules(aws: Clients, groups: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Every rule that forwards, with its target groups and their weights."""
    elbv2 = aws("elbv2")
    for balancer in elbv2.describe_load_balancers()["LoadBalancers"]:
        for listener in elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
            for rule in elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
                weights = dict(_weights(rule, groups))
                if weights:
                    yield {
                        "load_balancer": balancer["LoadBalancerName"],
                        "listener": f"{listener['Protocol']} {listener['Port']}",
                        "priority": rule["Priority"],
                        "conditions": [_condition(condition) for condition in rule["Conditions"]],
                        "weights": weights,
                    }


def _weights(rule: Mapping[str, Any], groups: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    for action in rule["Actions"]:
        for group in action.get("ForwardConfig", {}).get("TargetGroups", []):
            yield groups.get(group["TargetGroupArn"], group["TargetGroupArn"]), group.get("Weight", 1)


def _condition(condition: Mapping[str, Any]) -> str:
    config: Mapping[str, Any] = next((value for key, value in condition.items() if key.endswith("Config")), {})
    values = config.get("Values") or condition.get("Values") or []
    texts = [
        f"{value.get('Key', '')}={value['Value']}" if isinstance(value, Mapping) else str(value) for value in values
    ]
    name = config.get("HttpHeaderName") or condition["Field"]
    return f"{name}: {' or '.join(texts)}"


def _target_group(aws: Clients, group: Mapping[str, Any]) -> dict[str, Any]:
    found = aws("elbv2").describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
    return {
        "name": group["TargetGroupName"],
        "targets": [
            {
                "address": f"{target['Target']['Id']}:{target['Target'].get('Port', '')}",
                "state": target["TargetHealth"]["State"],
                "reason": target["TargetHealth"].get("Description", ""),
            }
            for target in found
        ],
    }


def _graphs(aws: Clients, groups: Sequence[Mapping[str, Any]], now: float, period: float) -> dict[str, dict[str, Any]]:
    """By target group and graph, the times and values of what CloudWatch has."""
    wanted = {
        f"g{number}_{graph}": (group["TargetGroupName"], graph, _query(group, graph))
        for number, group in enumerate(groups)
        for graph in _GRAPHS
        if group.get("LoadBalancerArns")
    }
    if not wanted:
        return {}
    answer = aws("cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": key, "MetricStat": stat} for key, (_, _, stat) in wanted.items()],
        StartTime=now - PERIODS * period,
        EndTime=now,
        ScanBy="TimestampAscending",
    )
    drawn: dict[str, dict[str, Any]] = {}
    for result in answer["MetricDataResults"]:
        name, graph, _ = wanted[result["Id"]]
        points = [[at.timestamp(), value] for at, value in zip(result["Timestamps"], result["Values"], strict=True)]
        drawn.setdefault(name, {})[graph] = points
    return drawn


def _query(group: Mapping[str, Any], graph: str) -> dict[str, Any]:
    metric, statistic = _GRAPHS[graph]
    dimensions = {
        "LoadBalancer": group["LoadBalancerArns"][0].partition("loadbalancer/")[2] if group["LoadBalancerArns"] else "",
        "TargetGroup": group["TargetGroupArn"].rpartition(":")[2],
    }
    return {
        "Metric": {
            "Namespace": _BALANCER,
            "MetricName": metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        },
        "Period": PERIOD_SECONDS,
        "Stat": statistic,
    }


def _services(ecs: Any) -> Iterator[dict[str, Any]]:
    for service in listing.services(ecs):
        yield {
            "cluster": _last(service["clusterArn"]),
            "name": service["serviceName"],
            "running": service["runningCount"],
            "pending": service["pendingCount"],
            "desired": service["desiredCount"],
            "definition": _last(service["taskDefinition"]),
            "rollout": listing.rollout(service),
        }


def _tasks(ecs: Any) -> Iterator[dict[str, Any]]:
    for task in listing.tasks(ecs):
        yield {
            "id": _last(task["taskArn"]),
            "group": task.get("group", "").removeprefix("service:"),
            "definition": _last(task["taskDefinitionArn"]),
            "status": task["lastStatus"],
            "health": task.get("healthStatus", ""),
            "address": listing.address(task),
            "zone": task.get("availabilityZone", ""),
            "since": (task.get("startedAt") or task["createdAt"]).timestamp(),
        }


def _alarms(aws: Clients) -> list[dict[str, Any]]:
    pages = aws("cloudwatch").get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    found = [alarm for page in pages for kind in ("MetricAlarms", "CompositeAlarms") for alarm in page.get(kind, [])]
    worst = {"ALARM": 0, "INSUFFICIENT_DATA": 1, "OK": 2}
    return [
        {"name": alarm["AlarmName"], "state": alarm["StateValue"], "reason": alarm.get("StateReason", "")}
        for alarm in sorted(found, key=lambda alarm: (worst[alarm["StateValue"]], alarm["AlarmName"]))
    ]


def _releases(aws: Clients) -> Iterator[dict[str, Any]]:
    """The newest releases of every ledger."""
    dynamodb = aws("dynamodb")
    names = [name for name in dynamodb.list_tables()["TableNames"] if name.endswith(_LEDGER)]
    found: list[tuple[str, dict[str, Any]]] = []
    for name in names:
        pages = dynamodb.get_paginator("scan").paginate(
            TableName=name,
            FilterExpression="begins_with(#entry, :release)",
            ExpressionAttributeNames={"#entry": "entry"},
            ExpressionAttributeValues={":release": {"S": _RELEASE}},
        )
        found += [(name.removesuffix(_LEDGER), item) for page in pages for item in page["Items"]]
    newest = sorted(found, key=lambda record: float(_text(record[1], "started_at") or 0), reverse=True)
    for environment, item in newest[:_RELEASES_SHOWN]:
        yield {
            "environment": environment,
            "id": _text(item, "entry").removeprefix(_RELEASE),
            **{name: _text(item, name) for name in ("service", "kind", "phase", "outcome", "reason", "by")},
            "started_at": float(_text(item, "started_at") or 0),
        }


def _text(item: Mapping[str, Mapping[str, str]], name: str) -> str:
    return next(iter(item.get(name, {}).values()), "")


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]
