# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CloudWatch alarms: what PutMetricAlarm is asked for, and which of those that exist differ from it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

_BAND = "band"
# Beyond a band that CloudWatch learns from the metric's past.
_BAND_COMPARISONS = {">": "GreaterThanUpperThreshold", "<": "LessThanLowerThreshold"}
_COMPARISONS = {
    ">": "GreaterThanThreshold",
    ">=": "GreaterThanOrEqualToThreshold",
    "<": "LessThanThreshold",
    "<=": "LessThanOrEqualToThreshold",
}
COMPARISONS = tuple(_COMPARISONS)
# An alarm in the rule of a composite one, by name or by ARN, quoted or not.
_NAMED = re.compile(r"""\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]+)"|'([^']+)'|([^\s()"']+))\s*\)""")
# What CloudWatch takes an alarm to be where the request does not say.
_COMPOSITE_DEFAULTS: Mapping[str, Any] = {
    "ActionsEnabled": True,
    "AlarmActions": [],
    "AlarmDescription": "",
    "InsufficientDataActions": [],
    "OKActions": [],
}
_DEFAULTS: Mapping[str, Any] = {**_COMPOSITE_DEFAULTS, "TreatMissingData": "missing"}
# Percentiles are extended statistics in a plain alarm.
_STATISTICS = {"SampleCount", "Average", "Sum", "Minimum", "Maximum"}
_METRICS_PER_ALARM = 10
# What an alarm evaluates at once: a day, or a week where its period is an hour or longer.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
_HOUR, _DAY, _WEEK = 3600, 86_400, 604_800


@dataclass(frozen=True)
class Plan:
    """Alarms to put, names to delete, and both as before and after by name."""

    put: Sequence[dict[str, Any]] = ()
    delete: Sequence[str] = ()
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


def plan(found: Iterable[Mapping[str, Any]], desired: Iterable[Mapping[str, Any]], prefix: str | None) -> Plan:
    """Compare alarms by name. With a prefix, alarms that have it and are not listed are deleted."""
    there = {alarm["AlarmName"]: alarm for alarm in found}
    by_name = {alarm["AlarmName"]: alarm for alarm in desired}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name, request in by_name.items():
        current, must_be = normal(there[name]) if name in there else {}, normal(request)
        differing = sorted(key for key in {*current, *must_be} if current.get(key) != must_be.get(key))
        if name not in there:
            before[name], after[name] = None, must_be
        elif differing:
            before[name] = {key: current.get(key) for key in differing}
            after[name] = {key: must_be.get(key) for key in differing}
    stale = [name for name in there if prefix and name.startswith(prefix) and name not in by_name]
    # A composite alarm is put after those that its rule names, and goes before them.
    put = [dict(by_name[name]) for name in in_order(by_name.values()) if name in after]
    stale = [name for name in reversed(in_order(there.values())) if name in stale]
    gone = dict.fromkeys(stale)
    return Plan(put, stale, before | {name: normal(there[name]) for name in stale}, after | gone)


def is_composite(alarm: Mapping[str, Any]) -> bool:
    """Whether a request, or an alarm as CloudWatch describes it, is of a composite alarm."""
    return bool(alarm.get("AlarmRule"))


def named_in(rule: str) -> set[str]:
    """The alarms that the rule of a composite alarm is about."""
    return {"".join(found).rpartition(":alarm:")[2] for found in _NAMED.findall(rule)}


def in_order(alarms: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names of these alarms, each after those of them that its rule names. Raises CycleError."""
    rules = {alarm["AlarmName"]: alarm.get("AlarmRule") or "" for alarm in alarms}
    sorter = TopologicalSorter({name: named_in(rule) & rules.keys() for name, rule in rules.items()})
    return list(sorter.static_order())


def request(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """The PutMetricAlarm or PutCompositeAlarm request of an alarm as the module's option describes it."""
    common: dict[str, Any] = {
        "AlarmName": alarm["name"],
        "AlarmDescription": alarm["description"],
        "ActionsEnabled": alarm["actions_enabled"],
        "AlarmActions": list(alarm["alarm_actions"]),
        "OKActions": list(alarm["ok_actions"]),
        "InsufficientDataActions": list(alarm["insufficient_data_actions"]),
    }
    if alarm.get("rule"):
        return common | {"AlarmRule": alarm["rule"]}
    desired = common | {
        "EvaluationPeriods": alarm["periods"],
        "DatapointsToAlarm": alarm["datapoints"] or alarm["periods"],
        "TreatMissingData": alarm["missing_data"],
    }
    metrics = alarm["metrics"]
    queries = [_query(metric, metric["id"] == metrics[-1]["id"]) for metric in metrics]
    if alarm.get("band_deviations"):
        band = f"ANOMALY_DETECTION_BAND({metrics[-1]['id']}, {alarm['band_deviations']:g})"
        queries.append({"Id": _BAND, "Expression": band, "ReturnData": True})
        comparison = _BAND_COMPARISONS[alarm["comparison"]]
        return desired | {"ComparisonOperator": comparison, "ThresholdMetricId": _BAND, "Metrics": queries}
    desired |= {"ComparisonOperator": _COMPARISONS[alarm["comparison"]], "Threshold": float(alarm["threshold"])}
    if len(metrics) == 1 and not metrics[0].get("expression"):
        return desired | _single(metrics[0])
    return desired | {"Metrics": queries}


def problems(alarms: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each alarm that CloudWatch would refuse, or that could never fire."""
    found = []
    names = [alarm["name"] for alarm in alarms]
    found += [
        f"alarm {name} is named {names.count(name)} times" for name in sorted(set(names)) if names.count(name) > 1
    ]
    try:
        in_order([{"AlarmName": alarm["name"], "AlarmRule": alarm["rule"]} for alarm in alarms])
    except CycleError as error:
        found.append(f"the rules of these alarms name each other: {', '.join(sorted(set(error.args[1])))}")
    for alarm in alarms:
        name, metrics = alarm["name"], alarm["metrics"]
        kinds = [option for option in ("threshold", "band_deviations", "rule") if alarm[option] not in (None, "")]
        if len(kinds) != 1:
            found.append(f"alarm {name} needs either threshold, band_deviations or rule, and has {kinds or 'none'}")
        if alarm["rule"] and metrics:
            found.append(f"alarm {name} has a rule, so no metrics")
        if alarm["rule"]:
            continue
        if alarm["band_deviations"] is not None and not (
            alarm["band_deviations"] > 0 and alarm["comparison"] in _BAND_COMPARISONS
        ):
            found.append(f"alarm {name}: band_deviations is above 0, and is compared by > or <")
        most = _METRICS_PER_ALARM - bool(alarm["band_deviations"])
        if not 1 <= len(metrics) <= most:
            found.append(f"alarm {name} has {len(metrics)} metrics; CloudWatch takes 1 to {most}")
        if len(metrics) > 1 and not metrics[-1].get("expression"):
            found.append(f"alarm {name}: the last of several metrics must be the expression that is judged")
        if alarm["datapoints"] and alarm["datapoints"] > alarm["periods"]:
            found.append(
                f"alarm {name} waits for {alarm['datapoints']} datapoints of {alarm['periods']}: it never fires"
            )
        period = max(
            (metric.get("period_seconds") or 0 for metric in metrics if not metric.get("expression")), default=0
        )
        longest = _WEEK if period >= _HOUR else _DAY
        if period * alarm["periods"] > longest:
            found.append(
                f"alarm {name} evaluates {alarm['periods']} periods of {period} s; together they may last {longest} s at most"
            )
        for metric in metrics:
            if not metric.get("expression") and not (metric.get("namespace") and metric.get("metric")):
                found.append(f"alarm {name}: metric {metric['id']} needs namespace and metric, or an expression")
    return found


def normal(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """What counts of an alarm, in one order; what CloudWatch adds (state, times, ARN) does not."""
    if is_composite(alarm):
        rule = " ".join(str(alarm["AlarmRule"]).split())
        said = {key: value for key, value in alarm.items() if key in _COMPOSITE_DEFAULTS and value not in (None, [])}
        return _sorted_actions({**_COMPOSITE_DEFAULTS, **said, "AlarmRule": rule})
    counts = {
        *_DEFAULTS,
        "ThresholdMetricId",
        *("ComparisonOperator", "Threshold", "EvaluationPeriods", "DatapointsToAlarm", "Metrics"),
        *("Namespace", "MetricName", "Dimensions", "Period", "Statistic", "ExtendedStatistic", "Unit"),
    }
    same = {**_DEFAULTS, **{key: value for key, value in alarm.items() if key in counts and value not in (None, [])}}
    same.setdefault("DatapointsToAlarm", same.get("EvaluationPeriods"))
    if "Dimensions" in same:
        same["Dimensions"] = _sorted(same["Dimensions"])
    if "Metrics" in same:
        same["Metrics"] = sorted((_normal_query(query) for query in same["Metrics"]), key=lambda query: query["Id"])
    return _sorted_actions(same)


def _sorted_actions(alarm: dict[str, Any]) -> dict[str, Any]:
    for key in ("AlarmActions", "InsufficientDataActions", "OKActions"):
        alarm[key] = sorted(alarm[key])
    return alarm


def _single(metric: Mapping[str, Any]) -> dict[str, Any]:
    statistic = "Statistic" if metric["statistic"] in _STATISTICS else "ExtendedStatistic"
    return {
        "Namespace": metric["namespace"],
        "MetricName": metric["metric"],
        "Dimensions": _dimensions(metric),
        "Period": metric["period_seconds"],
        statistic: metric["statistic"],
    }


def _query(metric: Mapping[str, Any], judged: bool) -> dict[str, Any]:
    label = {"Label": metric["label"]} if metric.get("label") else {}
    if metric.get("expression"):
        return {"Id": metric["id"], "Expression": metric["expression"], "ReturnData": judged, **label}
    stat = {
        "Metric": {
            "Namespace": metric["namespace"],
            "MetricName": metric["metric"],
            "Dimensions": _dimensions(metric),
        },
        "Period": metric["period_seconds"],
        "Stat": metric["statistic"],
    }
    return {"Id": metric["id"], "MetricStat": stat, "ReturnData": judged, **label}


def _normal_query(query: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: query[key] for key in ("Id", "Expression", "Label", "Period") if query.get(key)}
    kept["ReturnData"] = query.get("ReturnData", True)
    if stat := query.get("MetricStat"):
        metric = {**stat["Metric"], "Dimensions": _sorted(stat["Metric"].get("Dimensions", []))}
        kept["MetricStat"] = {"Metric": metric, "Period": stat["Period"], "Stat": stat["Stat"]}
    return kept


def _dimensions(metric: Mapping[str, Any]) -> list[dict[str, str]]:
    return _sorted([{"Name": name, "Value": str(value)} for name, value in (metric["dimensions"] or {}).items()])


def _sorted(dimensions: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    return [
        {"Name": dimension["Name"], "Value": dimension["Value"]}
        for dimension in sorted(dimensions, key=lambda dimension: dimension["Name"])
    ]
