# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS Fault Injection Service: one function per call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import aws_call
from .session import Aws


@aws_call("read the experiment templates")
def templates(aws: Aws, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """Those that have all these tags."""
    client = aws.client("fis")
    pages = client.get_paginator("list_experiment_templates").paginate()
    found = [template for page in pages for template in page["experimentTemplates"]]
    ours = [template["id"] for template in found if tags.items() <= template.get("tags", {}).items()]
    return [client.get_experiment_template(id=template)["experimentTemplate"] for template in ours]


@aws_call("create an experiment template")
def create_template(aws: Aws, request: Mapping[str, Any], tags: Mapping[str, str]) -> str:
    answer = aws.client("fis").create_experiment_template(**request, tags=dict(tags))
    return str(answer["experimentTemplate"]["id"])


@aws_call("change experiment template {template}")
def update_template(aws: Aws, template: str, request: Mapping[str, Any]) -> None:
    aws.client("fis").update_experiment_template(id=template, **request)


@aws_call("tag {arn}")
def tag(aws: Aws, arn: str, tags: Mapping[str, str]) -> None:
    aws.client("fis").tag_resource(resourceArn=arn, tags=dict(tags))


@aws_call("remove tags of {arn}")
def untag(aws: Aws, arn: str, keys: list[str]) -> None:
    aws.client("fis").untag_resource(resourceArn=arn, tagKeys=keys)


@aws_call("delete experiment template {template}")
def delete_template(aws: Aws, template: str) -> None:
    aws.client("fis").delete_experiment_template(id=template)


@aws_call("start the experiment of template {template}")
def start(aws: Aws, template: str, tags: Mapping[str, str]) -> str:
    return str(aws.client("fis").start_experiment(experimentTemplateId=template, tags=dict(tags))["experiment"]["id"])


@aws_call("read experiment {experiment}")
def state(aws: Aws, experiment: str) -> tuple[str, str]:
    """Its status, and the reason for it."""
    found = aws.client("fis").get_experiment(id=experiment)["experiment"]["state"]
    return found["status"], found.get("reason", "")


@aws_call("stop experiment {experiment}")
def stop(aws: Aws, experiment: str) -> None:
    aws.client("fis").stop_experiment(id=experiment)
