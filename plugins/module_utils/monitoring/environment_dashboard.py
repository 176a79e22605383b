# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The dashboard of what an environment's services share: load balancer, cluster, file system, database. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .environment_alarms import Shared
from .widgets import alarm_states, graph, placed

_BALANCER = "AWS/ApplicationELB"


def body(shared: Shared, region: str, cluster: str, alarm_arns: Sequence[str] = ()) -> dict[str, Any]:
    """Alarms across the top, then graphs of what there is. `cluster` is empty where Container Insights are off."""
    graphs = [
        *(_load_balancer(shared, region) if shared.load_balancer else []),
        *(_cluster(region, cluster) if cluster else []),
        *(_file_system(shared, region) if shared.file_system_id else []),
        *(_database(shared, region) if shared.database else []),
    ]
    top = alarm_states(alarm_arns) if alarm_arns else []
    return {"widgets": [*top, *placed(graphs, sum(found["height"] for found in top))]}


def _load_balancer(shared: Shared, region: str) -> list[dict[str, Any]]:
    dimensions = {"LoadBalancer": shared.load_balancer}
    own = ("HTTPCode_ELB_502_Count", "HTTPCode_ELB_503_Count", "HTTPCode_ELB_504_Count", "RejectedConnectionCount")
    of_targets = ("HTTPCode_Target_4XX_Count", "HTTPCode_Target_5XX_Count", "TargetConnectionErrorCount")
    return [
        graph(region, "Requests a minute, of all services", _lines(_BALANCER, dimensions, ("RequestCount",), "Sum")),
        graph(region, "Errors of tasks a minute", _lines(_BALANCER, dimensions, of_targets, "Sum")),
        graph(region, "Errors of the load balancer itself a minute", _lines(_BALANCER, dimensions, own, "Sum")),
        graph(
            region,
            "Latency in seconds: p50, p95, p99",
            [
                line
                for part in ("p50", "p95", "p99")
                for line in _lines(_BALANCER, dimensions, ("TargetResponseTime",), part)
            ],
        ),
        graph(
            region, "Connections", _lines(_BALANCER, dimensions, ("ActiveConnectionCount", "NewConnectionCount"), "Sum")
        ),
        graph(region, "Capacity units used", _lines(_BALANCER, dimensions, ("ConsumedLCUs",), "Sum")),
    ]


def _cluster(region: str, cluster: str) -> list[dict[str, Any]]:
    dimensions = {"ClusterName": cluster}
    return [
        graph(
            region,
            f"{what} of the cluster: reserved, used",
            _lines("ECS/ContainerInsights", dimensions, metrics, "Average"),
        )
        for what, metrics in (
            ("CPU", ("CpuReserved", "CpuUtilized")),
            ("Memory", ("MemoryReserved", "MemoryUtilized")),
            ("Tasks and services", ("TaskCount", "ServiceCount")),
        )
    ]


def _file_system(shared: Shared, region: str) -> list[dict[str, Any]]:
    dimensions = {"FileSystemId": shared.file_system_id}
    graphs = [
        graph(
            region,
            "File system: share of its limit of operations",
            _lines("AWS/EFS", dimensions, ("PercentIOLimit",), "Average"),
        ),
        graph(
            region,
            "File system: bytes a minute",
            _lines("AWS/EFS", dimensions, ("DataReadIOBytes", "DataWriteIOBytes"), "Sum"),
        ),
    ]
    if shared.is_bursting:
        graphs.append(
            graph(
                region, "File system: burst credits", _lines("AWS/EFS", dimensions, ("BurstCreditBalance",), "Minimum")
            )
        )
    return graphs


def _database(shared: Shared, region: str) -> list[dict[str, Any]]:
    dimensions = {("DBClusterIdentifier" if shared.database_is_cluster else "DBInstanceIdentifier"): shared.database}
    graphs = [
        graph(region, "Database: connections", _lines("AWS/RDS", dimensions, ("DatabaseConnections",), "Maximum")),
        graph(region, "Database: CPU in percent", _lines("AWS/RDS", dimensions, ("CPUUtilization",), "Average")),
    ]
    if not shared.database_is_cluster:
        # A cluster's storage grows by itself.
        graphs.append(
            graph(region, "Database: free storage", _lines("AWS/RDS", dimensions, ("FreeStorageSpace",), "Minimum"))
        )
    return graphs


def _lines(namespace: str, dimensions: Mapping[str, str], metrics: Sequence[str], statistic: str) -> list[list[Any]]:
    of = [part for pair in dimensions.items() for part in pair]
    return [[namespace, metric, *of, {"stat": statistic, "label": f"{metric} {statistic}"}] for metric in metrics]
