"""What counts as a difference between two environments, and what is put aside."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.autoscaling import Bounds
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.operations import service_compare
from ansible_collections.pear.fargate.plugins.module_utils.operations.compared import (
    ComparedService,
    differences,
    same_count,
    table,
)
from ansible_collections.pear.fargate.plugins.modules import service_compare as module

from tests.unit.service.given import checked

from .scenes import release, service

DIGEST = "sha256:" + "a" * 64


def side(of: str, account: str = "123456789012", region: str = "eu-central-1", **app: Any) -> ComparedService:
    container = {
        "name": "app",
        "image": f"{account}.dkr.ecr.{region}.amazonaws.com/{of}/scores@{DIGEST}",
        "environment": [
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "TABLE", "value": f"{of}-scores"},
        ],
        "secrets": [
            {
                "name": "KEY",
                "valueFrom": f"arn:aws:secretsmanager:{region}:{account}:secret:{of}/key-Ab{of[0]}DeF",
            }
        ],
        **app,
    }
    definition = {"family": f"{of}-scores", "cpu": "256", "memory": "512", "containerDefinitions": [container]}
    state = replace(
        service(2, 2),
        arn=f"arn:aws:ecs:{region}:{account}:service/{of}/scores-green",
        settings={"subnets": [f"subnet-{of}"], "maximum_percent": 200},
    )
    return ComparedService(of, "scores", region, account, state, definition, release(1, 0.0))


def found(here: ComparedService, there: ComparedService) -> dict[str, tuple[str, str]]:
    return {one.what: (one.here, one.there) for one in differences(here, there)}


PRODUCTION = side("production")


def test_names_accounts_regions_and_ids_that_must_differ_are_no_difference() -> None:
    assert found(PRODUCTION, side("staging", "210987654321", "eu-west-1")) == {}
    other = side("staging")
    assert same_count(PRODUCTION, other, differences(PRODUCTION, other)) > 8


def test_a_value_is_shown_as_it_is_in_each() -> None:
    other = side("staging", environment=[{"name": "LOG_LEVEL", "value": "debug"}, {"name": "TABLE", "value": "shared"}])
    assert found(PRODUCTION, other) == {
        "container.app.environment.LOG_LEVEL": ("info", "debug"),
        "container.app.environment.TABLE": ("production-scores", "shared"),
    }


def test_a_name_that_only_contains_the_environments_is_another_name() -> None:
    here = side("production", environment=[{"name": "HOST", "value": "reproduction"}])
    there = side("staging", environment=[{"name": "HOST", "value": "restaging"}])
    assert list(found(here, there)) == ["container.app.environment.HOST"]


@pytest.mark.parametrize(
    ("other", "what", "shown"),
    [
        pytest.param(
            side("staging", secrets=[]),
            "container.app.secrets.KEY",
            ("arn:aws:secretsmanager:eu-central-1:123456789012:secret:production/key-AbpDeF", "-"),
            id="a secret that one has not",
        ),
        pytest.param(
            side("staging", image=f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/staging/scores@sha256:{'b' * 64}"),
            "container.app.digest",
            (DIGEST, f"sha256:{'b' * 64}"),
            id="another image",
        ),
        pytest.param(replace(side("staging"), bounds=Bounds(2, 6)), "count.minimum", ("-", "2"), id="autoscaling"),
        pytest.param(
            replace(side("staging"), release=release(2, 0.0)), "release.version", ("1.1", "1.2"), id="another version"
        ),
        pytest.param(side("staging", linuxParameters={"capabilities": {"add": ["SYS_PTRACE"]}}),
            "container.app.linuxParameters.capabilities.add", ("-", '["SYS_PTRACE"]'), id="a setting below others"),
    ],
)  # fmt: skip
def test_what_else_differs(other: ComparedService, what: str, shown: tuple[str, str]) -> None:
    assert found(PRODUCTION, other)[what] == shown


def test_the_table_names_both_environments_and_cuts_what_is_long() -> None:
    other = side("staging", command=["x" * 500])
    lines = table(PRODUCTION, other, differences(PRODUCTION, other))
    assert lines[0].split() == ["production", "staging"]
    assert lines[1].startswith("container.app.command") and len(lines[1]) < 120


def run(monkeypatch: pytest.MonkeyPatch, **other: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    read: list[dict[str, Any]] = []

    def reads(aws: Aws, params: Any) -> ComparedService:
        read.append({**params, "of": aws.region})
        return side(params["environment"])

    monkeypatch.setattr(service_compare, "read", reads)
    given = {"environment": "production", "service": "scores", "cluster": "theirs", "other": other}
    call = Invocation(checked(module.ARGUMENT_SPEC, given), Aws({"region": "eu-central-1"}))
    return service_compare.run(call), read


def test_the_other_environment_is_read_in_its_region_and_with_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    answer, read = run(monkeypatch, environment="staging", service="scores-next", region="eu-west-1")
    assert "no difference between production and staging" in answer["headline"]
    assert [(one["service"], one["of"], one["cluster"]) for one in read] == [
        ("scores", "eu-central-1", "theirs"),
        ("scores-next", "eu-west-1", None),
    ]


def test_an_environment_is_not_compared_with_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Failure, match="name another"):
        run(monkeypatch, environment="production")
