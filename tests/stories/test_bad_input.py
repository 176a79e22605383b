"""Bad input is refused before anything is changed, with all findings at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.plays import Player

from .calls import mutating_calls
from .conftest import Stage

BAD: dict[str, Any] = {
    "service_prot": 8080,
    "service_memory": 300,
    "service_desired_count": "many",
    "service_health_check": {"path": "readyz", "interval_seconds": 5, "timeout_seconds": 9},
    "service_image": "local-nothing:1.0",
    "registry_build": {},
    "network_zone_count": "three",
    "service_priority": 60000,
}
TOLD = (
    "service_prot is no variable of pear.fargate; did you mean service_port?",
    "service_memory is 300 with service_cpu 256; Fargate offers 512, 1024, 2048",
    "service_desired_count",
    "service_health_check.path is 'readyz'; it must begin with /",
    "the timeout must be shorter than the interval",
    "service_image is 'local-nothing:1.0'",
    "network_zone_count",
    "service_priority is 60000; valid: 2 to 50000",
)


def test_every_finding_is_told_at_once_and_nothing_is_written(player: Player, stage: Stage) -> None:
    before = len(mutating_calls(stage))
    refused = player.run("playbooks/deploy.yml", variables=BAD).failed()
    one_line = " ".join(refused.output.split())
    assert [told for told in TOLD if told not in one_line] == []
    assert mutating_calls(stage)[before:] == []


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}, "redentials"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "127.0.0.1:9"),
        ({"AWS_ENDPOINT_URL": ""}, "eu-nowhere-1"),
    ],
    ids=["no credentials", "dead endpoint", "unknown region"],
)
def test_an_account_out_of_reach_is_one_clear_sentence(stage: Stage, environment: dict[str, str], told: str) -> None:
    region = {"environment_region": told} if told.startswith("eu-") else None
    refused = (
        Player({**stage.environment, **environment}).run("playbooks/deploy.yml", variables=region, timeout=300).failed()
    )
    assert told in refused.output
