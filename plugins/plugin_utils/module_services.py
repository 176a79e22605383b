# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The AWS services that each module calls in every run: their models are read from disk before Ansible forks its workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_RELEASE = ("elbv2", "ecs", "dynamodb", "application-autoscaling")
# A release that has ended is marked on the service's dashboard.
_ENDING = (*_RELEASE, "cloudwatch")

SERVICES: Mapping[str, Sequence[str]] = {
    "acm_imported_certificate": ("acm",),
    "acm_validated_certificate": ("acm", "route53"),
    "alarm_delivery_test": ("cloudwatch", "sns"),
    "application_load_balancer": ("elbv2",),
    "autoscaling_service": ("application-autoscaling",),
    "backup_plan": ("backup", "iam"),
    "bluegreen_cutover": _ENDING,
    "bluegreen_info": _RELEASE,
    "bluegreen_request": _RELEASE,
    "bluegreen_rollback": _ENDING,
    "cloudwatch_alarms": ("cloudwatch",),
    "cloudwatch_dashboard": ("cloudwatch",),
    "cloudwatch_log_group": ("logs",),
    "container_image": ("ecr",),
    "ecr_registry_settings": ("ecr",),
    "ecr_repository": ("ecr",),
    "ecs_fargate_cluster": ("ecs",),
    "ecs_run_task": ("elbv2", "ecs"),
    "ecs_scheduled_tasks": ("elbv2", "ecs", "scheduler"),
    "ecs_task_role": ("iam",),
    "efs_file_system": ("efs",),
    "environment_info": ("sts",),
    "environment_orphans": ("elbv2", "ecs", "iam", "cloudwatch", "logs", "scheduler", "xray"),
    "environment_teardown": (),
    "fis_experiment": ("fis",),
    "fis_experiment_template": ("fis",),
    "gameday_fault": ("ec2", "efs", "elbv2"),
    "gameday_step": (*_RELEASE, "cloudwatch", "logs", "xray", "acm"),
    "iam_oidc_provider": ("iam",),
    "logs_saved_queries": ("logs",),
    "network_load_balancer": ("elbv2",),
    "rds_database": ("rds",),
    "release_ledger": ("dynamodb",),
    "release_report": (*_RELEASE, "cloudwatch"),
    "route53_service_records": (
        "elbv2",
        "route53",
    ),
    "service_compare": _RELEASE,
    "service_exec_info": ("elbv2", "ecs"),
    "service_further_target_groups": ("elbv2",),
    "service_listener": ("elbv2",),
    "service_logs": ("elbv2", "logs"),
    "service_preflight": ("sts", "elbv2"),
    "service_release": _ENDING,
    "service_routing": ("elbv2",),
    "service_scale": _RELEASE,
    "service_secrets_info": ("ecs",),
    "service_triage": (*_RELEASE, "cloudwatch", "logs", "xray", "acm"),
    "sns_alarm_topic": ("sns",),
    "sqs_message": ("sqs",),
    "vpc_network": ("ec2",),
    "xray_group": ("xray",),
    "xray_sampling_rules": ("xray",),
}
