"""Smoke checks: what an answer must be, told precisely where it is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.release.check_options import CHECK
from ansible_collections.pear.fargate.plugins.module_utils.release.every_target import Route, smoke
from ansible_collections.pear.fargate.plugins.module_utils.release.options import filled
from ansible_collections.pear.fargate.plugins.module_utils.release.smoke import Answer, Endpoint, dig, mistakes
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Result

READY = {"status": "ready", "storage_mode": "memory", "checks": [{"status": "ok"}]}


def check(**options: Any) -> dict[str, Any]:
    return filled({"name": "ready", "path": "/readyz", **options}, CHECK)


def answer(status: int = 200, body: Any = READY, seconds: float = 0.02) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {"content-type": "application/json"}, content, seconds)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"status": [204]}, "answers 200, wanted 204"),
        ({"expect_json": {"storage_mode": "sqlite"}}, 'storage_mode is "memory", wanted "sqlite"'),
        ({"expect_json": {"checks.0.status": "bad"}}, 'checks.0.status is "ok", wanted "bad"'),
        ({"expect_json": {"nothing.here": 1}}, "nothing.here is null, wanted 1"),
        (
            {"expect_headers": {"Content-Type": "text/html"}},
            "header Content-Type is 'application/json', wanted 'text/html'",
        ),
        ({"expect_body": "hello"}, "the body does not hold 'hello'"),
        ({"maximum_milliseconds": 10}, "took 20 ms, at most 10 wanted"),
    ],
)
def test_what_is_not_as_wanted_is_told(options: dict[str, Any], told: str) -> None:
    (mistake,) = mistakes(check(**options), answer())
    assert told in mistake


def test_an_answer_as_wanted_has_no_mistakes() -> None:
    wanted = check(
        expect_json={"status": "ready"}, expect_headers={"content-type": "application/json"}, expect_body="ready"
    )
    assert [*mistakes(wanted, answer())] == []


def test_a_body_that_is_no_json_is_told() -> None:
    (mistake,) = mistakes(check(expect_json={"a": 1}), answer(body=b"<html>"))
    assert mistake == "the body is no JSON: '<html>'"


def test_json_that_is_nested_too_deeply_is_told() -> None:
    (mistake,) = mistakes(check(expect_json={"a": 1}), answer(body=b"[" * 1_000_000))
    assert mistake.startswith("the JSON of the body is nested too deeply: '[[[")


def test_a_long_body_is_cut() -> None:
    (mistake,) = mistakes(check(status=[500]), answer(body=b"x" * 1000))
    assert len(mistake) < 300


def test_a_refused_connection_is_a_failure_with_its_reason() -> None:
    # Port 9 of loopback: nothing listens there.
    verdict = smoke(Route(Endpoint("127.0.0.1", "app.example.com", verify=False, port=9), 1), check(tries=1))
    assert verdict.result is Result.FAIL
    assert "no answer" in verdict.reason


@pytest.mark.parametrize(("path", "found"), [("a.b", 2), ("a.c.1", "y"), ("a.c.7", None), ("a.b.c", None)])
def test_values_deep_inside_are_found_by_path(path: str, found: Any) -> None:
    assert dig({"a": {"b": 2, "c": ["x", "y"]}}, path) == found
