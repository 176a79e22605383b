"""From what the load balancers' proxy counted to metrics of AWS/ApplicationELB and AWS/NetworkELB, with the dimensions that AWS gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .samples import Samples
from .store import Metric, Store

NAMESPACE, NETWORK = "AWS/ApplicationELB", "AWS/NetworkELB"
_KINDS = ("2XX", "3XX", "4XX", "5XX")

Sample = tuple[Metric, float, Samples, str]


def record(store: Store, reported: Sequence[Mapping[str, Any]], until: float) -> None:
    """Take what the edge counted up to a moment into the store."""
    for counts in reported:
        for metric, at, samples, unit in from_report(counts):
            store.add_late(metric, at, samples, unit)
    if until:
        store.told_until(NAMESPACE, until)
        store.told_until(NETWORK, until)


def from_report(reported: Mapping[str, Any]) -> Iterator[Sample]:
    """Samples of one second of one target group behind a load balancer, or of the load balancer where it has none."""
    balancer, group, at = reported["load_balancer"], reported["target_group"], float(reported["at"])
    targets = reported["healthy"] + reported["unhealthy"]
    dimensions = {"LoadBalancer": balancer, **({"TargetGroup": group} if group else {})}

    if balancer.startswith("net/"):
        yield from _of_connections(reported, dimensions, at)
        return

    def sample(name: str, samples: Samples, unit: str = "Count", **of: str) -> Sample:
        return Metric.of(NAMESPACE, name, of or dimensions), at, samples, unit

    # RequestCount is reported while targets are registered, zeros too; the others only where they happened. AWS's page
    # says of HTTPCode_Target_* now this and now that; what accounts have is data points that are not zero.
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
    alive = targets > 0
    if reported["requests"] or alive:
        yield sample("RequestCount", counted(reported["requests"]))
    for kind in _KINDS:
        number = reported["target_codes"].get(kind, 0)
        if number:
            yield sample(f"HTTPCode_Target_{kind}_Count", counted(number))
    if reported["connection_errors"]:
        yield sample("TargetConnectionErrorCount", counted(reported["connection_errors"]))
    if reported["response_seconds"]:
        times = Samples()
        for seconds in reported["response_seconds"]:
            times.add(seconds)
        yield sample("TargetResponseTime", times, "Seconds")
    if group is None:
        yield from _own(sample, reported)
    elif alive:
        yield sample("HealthyHostCount", sampled(reported["healthy"]))
        yield sample("UnHealthyHostCount", sampled(reported["unhealthy"]))
        per_target = counted(reported["requests"], reported["requests"] / (reported["healthy"] or targets))
        yield sample("RequestCountPerTarget", per_target, "None")
        yield sample("RequestCountPerTarget", per_target, "None", TargetGroup=group)


def _of_connections(reported: Mapping[str, Any], dimensions: Mapping[str, str], at: float) -> Iterator[Sample]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-cloudwatch-metrics.html"""

    def sample(name: str, samples: Samples, unit: str = "Count") -> Sample:
        return Metric.of(NETWORK, name, dimensions), at, samples, unit

    if "TargetGroup" in dimensions:
        if reported["healthy"] + reported["unhealthy"]:
            yield sample("HealthyHostCount", sampled(reported["healthy"]))
            yield sample("UnHealthyHostCount", sampled(reported["unhealthy"]))
        return
    if reported["flows"]:
        yield sample("NewFlowCount", counted(reported["flows"]))
    if reported["bytes"]:
        yield sample("ProcessedBytes", counted(1, reported["bytes"]), "Bytes")


def _own(sample: Any, reported: Mapping[str, Any]) -> Iterator[Sample]:
    """What the load balancer answered by itself; AWS keeps these per load balancer only."""
    by_kind: dict[str, int] = {}
    for code, number in reported["balancer_codes"].items():
        by_kind[f"{code[0]}XX"] = by_kind.get(f"{code[0]}XX", 0) + number
        if code in {"500", "502", "503", "504"}:
            yield sample(f"HTTPCode_ELB_{code}_Count", counted(number))
    for kind in ("3XX", "4XX", "5XX"):
        if by_kind.get(kind):
            yield sample(f"HTTPCode_ELB_{kind}_Count", counted(by_kind[kind]))
    for name, number in (
        ("HTTP_Fixed_Response_Count", reported["fixed_responses"]),
        ("HTTP_Redirect_Count", reported["redirects"]),
    ):
        if number:
            yield sample(name, counted(number))


def sampled(value: float) -> Samples:
    samples = Samples()
    samples.add(value)
    return samples


def counted(number: int, total: float | None = None) -> Samples:
    """So many events, each a sample of 1, or all together coming to a total. None at all: reported, and zero."""
    samples = Samples()
    if number:
        samples.add((number if total is None else total) / number, number)
    return samples
