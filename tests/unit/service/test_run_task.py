"""Who started a task, in the letters that ECS takes."""

from __future__ import annotations

import getpass

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.tasks import started_by
from ansible_collections.pear.fargate.plugins.module_utils.common import operator


@pytest.mark.parametrize(
    ("name", "message"), [("ada", "run/ada"), ("ada.lovelace@example.com", "run/ada-lovelace-example-com")]
)
def test_who_started_a_task_is_said_in_letters_that_ecs_takes(name: str, message: str) -> None:
    assert started_by(f"run/{name}") == message
    assert len(started_by(name * 200)) == 128


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 1000650000")

    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr(getpass, "getuser", unknown)
    assert operator.user().isdigit()
