"""rollback.yml, played on AWS's calls in memory: it writes the report that the inventory asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..worker_in_memory import a_bad_version_is_live, account, player

pytestmark = pytest.mark.plays


def test_a_rollback_writes_the_report_that_a_release_would(tmp_path: Path) -> None:
    """ECS of these calls replaces no task, so that the rollback fails; of one that fails the report is needed most."""
    page, more = tmp_path / "rollback.html", {"stage_timeout_seconds": 2, "return_timeout_seconds": 2}
    variables = {"service_report": str(page), "service_release_policy": more, "monitoring_enabled": False}
    with account() as endpoint:
        a_bad_version_is_live()
        result = player(tmp_path, endpoint).run("playbooks/rollback.yml", variables=variables).failed()
    assert page.is_file(), result.output
    assert "<title>" in page.read_text() and "rollback" in page.read_text()
