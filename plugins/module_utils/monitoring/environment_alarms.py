# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The alarms of what an environment's services share: load balancer, certificate, file system, database. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..aws.naming import EnvironmentNames
from .alarm_parts import Rule, Thresholds, metric_of

_GIB = 2**30


@dataclass(frozen=True)
class Shared:
    """What services share, as CloudWatch's dimensions know it. What the environment does not have is empty."""

    names: EnvironmentNames
    load_balancer: str = ""
    certificate_arn: str = ""
    file_system_id: str = ""
    # Only a file system in this mode has credits to use up.
    is_bursting: bool = False
    # An instance by its identifier; a cluster's storage grows by itself.
    database: str = ""
    database_is_cluster: bool = False


def environment_alarms(shared: Shared, limits: Thresholds) -> list[dict[str, Any]]:
    alarms = []
    if shared.load_balancer:
        alarms.append(_balancer_errors(shared, limits))
    if shared.certificate_arn:
        alarms.append(_certificate(shared, limits))
    if shared.file_system_id:
        alarms += _file_system(shared, limits)
    if shared.database:
        alarms += _database(shared, limits)
    return alarms


def _balancer_errors(shared: Shared, limits: Thresholds) -> dict[str, Any]:
    """What only the load balancer knows: errors that it answers itself carry no target group."""
    dimensions = {"LoadBalancer": shared.load_balancer}
    return _alarm(
        shared,
        "balancer-errors",
        "The load balancer answers 5xx itself: connections to tasks fail, time out, or there are none.",
        metric_of("m1", "AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "Sum", dimensions),
        Rule(">", limits.balancer_errors_per_minute, 5, 3, "notBreaching"),
    )


def _certificate(shared: Shared, limits: Thresholds) -> dict[str, Any]:
    days = {"CertificateArn": shared.certificate_arn}
    metric = metric_of("m1", "AWS/CertificateManager", "DaysToExpiry", "Minimum", days)
    return _alarm(
        shared,
        "certificate-expiry",
        f"The certificate of the https listener expires in fewer than {limits.certificate_days} days: it was not renewed.",
        # ACM tells it twice a day.
        {**metric, "period_seconds": 86400},
        # ACM says nothing any more of a certificate that has expired: the alarm must stay as it is.
        Rule("<", limits.certificate_days, 1, 1, "ignore"),
    )


def _file_system(shared: Shared, limits: Thresholds) -> list[dict[str, Any]]:
    dimensions = {"FileSystemId": shared.file_system_id}
    alarms = [
        _alarm(
            shared,
            "file-system-io",
            f"The file system is above {limits.file_system_io_percent:g} % of its limit of operations for a quarter of an hour: each "
            "operation waits.",
            metric_of("m1", "AWS/EFS", "PercentIOLimit", "Average", dimensions),
            # Of a file system that nobody uses EFS reports nothing.
            Rule(">", limits.file_system_io_percent, 15, 15, "notBreaching"),
        )
    ]
    if shared.is_bursting:
        credits = limits.file_system_credits_gb
        alarms.append(
            _alarm(
                shared,
                "file-system-credits",
                f"The file system has burst credits for less than {credits:g} GB left: without any it is as slow as its size allows.",
                metric_of("m1", "AWS/EFS", "BurstCreditBalance", "Minimum", dimensions),
                Rule("<", credits * 1e9, 3, 3, "notBreaching"),
            )
        )
    return alarms


def _database(shared: Shared, limits: Thresholds) -> list[dict[str, Any]]:
    key = "DBClusterIdentifier" if shared.database_is_cluster else "DBInstanceIdentifier"
    dimensions = {key: shared.database}
    alarms = [
        _alarm(
            shared,
            "database-connections",
            f"The database has more than {limits.database_connections} connections for ten minutes: at its maximum it refuses new ones.",
            metric_of("m1", "AWS/RDS", "DatabaseConnections", "Maximum", dimensions),
            # A database that says nothing is not known to be well.
            Rule(">", limits.database_connections, 15, 10, "missing"),
        )
    ]
    if not shared.database_is_cluster:
        storage = limits.database_storage_gib
        alarms.append(
            _alarm(
                shared,
                "database-storage",
                f"The database has less than {storage:g} GiB of storage left: without any it stops.",
                metric_of("m1", "AWS/RDS", "FreeStorageSpace", "Minimum", dimensions),
                Rule("<", storage * _GIB, 5, 5, "missing"),
            )
        )
    return alarms


def _alarm(shared: Shared, kind: str, description: str, metric: Mapping[str, Any], rule: Rule) -> dict[str, Any]:
    name = f"{shared.names.alarm_prefix}{kind}"
    return {"name": name, "description": description, "metrics": [dict(metric)], **rule.options()}
