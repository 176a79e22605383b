"""Dashboards with tags for tests against moto, which tags alarms only."""

from __future__ import annotations

from typing import Any

import pytest
from moto.cloudwatch.models import CloudWatchBackend

from sandbox.api.cloudwatch import tag_dashboards_too


def with_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    original = CloudWatchBackend.tag_resource

    def tag_resource(backend: Any, arn: str, tags: dict[str, str]) -> None:
        tag_dashboards_too(original, backend, arn, tags)

    monkeypatch.setattr(CloudWatchBackend, "tag_resource", tag_resource)
