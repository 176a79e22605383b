"""The command line as the sandbox's README prints it: env, status, logs, fault, reset."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.config import Settings
from tests.sandbox.conftest import Running, bring_up, cli, take_down


@pytest.mark.long
def test_each_command_of_the_readme_does_what_stands_beside_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    running = bring_up(home)
    try:
        assert f"AWS_ENDPOINT_URL={running.settings.endpoint}" in cli(home, "env").stdout.replace("'", "")
        running.client("ecs").create_cluster(clusterName="before")
        assert str(running.pid("edge")) in cli(home, "status").stdout
        with (running.settings.logs / "api.log").open("a") as log:
            log.write("a line of the API's log\n")
        assert "a line of the API's log" in cli(home, "logs", "api").stdout
        assert cli(home, "fault", "list").returncode == 0
        done = cli(home, "reset")
        assert done.returncode == 0, done.stderr
        assert Running(Settings.load(home)).client("ecs").list_clusters()["clusterArns"] == []
    finally:
        take_down(home)
