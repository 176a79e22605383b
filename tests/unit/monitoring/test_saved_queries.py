"""Saved queries: only what differs is written, others below the prefix go, those of neighbours stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.common.ownership import ForeignError
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.logs_saved_queries import run
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.saved_queries import QUERIES, service_queries
from ansible_collections.pear.fargate.plugins.modules import logs_saved_queries
from botocore.session import get_session
from botocore.validate import ParamValidator
from moto import mock_aws

from ..saved_queries import QueryStore

PREFIX = "staging/scores/"
GROUPS = ["/pear/staging/scores"]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[QueryStore]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    store = QueryStore()
    store.install(monkeypatch)
    with mock_aws():
        yield store


def ensure(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    given = {"prefix": PREFIX, "queries": service_queries(), "log_groups": GROUPS, **options}
    validated = ArgumentSpecValidator(logs_saved_queries.ARGUMENT_SPEC).validate(given)
    assert not validated.error_messages
    return run(Invocation(validated.validated_parameters, Aws({"region": "eu-central-1"}), check_mode))


def test_check_mode_shows_all_and_saves_none(store: QueryStore) -> None:
    shown = ensure(check_mode=True)
    assert set(shown["diff"]["after"]) == {PREFIX + name for name in QUERIES}
    assert store.written == 0


def test_a_second_run_finds_nothing_to_do(store: QueryStore) -> None:
    assert ensure()["changed"]
    written = store.written
    again = ensure()
    assert not again["changed"], again["diff"]
    assert store.written == written == len(QUERIES)


def test_a_query_that_was_changed_by_hand_is_put_right_in_its_place(store: QueryStore) -> None:
    ensure()
    (key,) = [key for key, query in store.saved.items() if query["name"].endswith("errors by route")]
    store.saved[key]["queryString"] = "fields @message"
    assert list(ensure(check_mode=True)["diff"]["before"]) == [f"{PREFIX}errors by route"]
    assert ensure()["changed"]
    assert store.saved[key]["queryString"] == QUERIES["errors by route"]
    assert len(store.saved) == len(QUERIES)


def test_another_log_group_is_a_difference(store: QueryStore) -> None:
    ensure()
    assert ensure(log_groups=["/theirs"])["changed"]
    assert all(query["logGroupNames"] == ["/theirs"] for query in store.saved.values())


def test_what_is_not_listed_goes_and_what_has_another_prefix_stays(store: QueryStore) -> None:
    for name in (f"{PREFIX}old", "staging/scoreboard/theirs", "staging/scores"):
        store.put({"name": name, "queryString": "fields @message"})
    diff = ensure()["diff"]
    assert diff["after"][f"{PREFIX}old"] is None
    assert f"{PREFIX}old" not in store.names()
    assert {"staging/scoreboard/theirs", "staging/scores"} <= set(store.names())


def test_of_two_with_one_name_one_stays(store: QueryStore) -> None:
    """A call that was repeated after a lost answer may have made both."""
    ensure()
    store.put({"name": f"{PREFIX}errors by route", "queryString": "fields @message"})
    assert ensure()["changed"]
    assert store.names().count(f"{PREFIX}errors by route") == 1
    assert not ensure()["changed"]


def test_queries_of_others_stay_as_they_are(store: QueryStore) -> None:
    store.put({"name": f"{PREFIX}by hand", "queryString": "fields @message", "logGroupNames": GROUPS})
    store.put({"name": f"{PREFIX}errors by route", "queryString": "fields @message", "logGroupNames": GROUPS})
    for check_mode in (True, False):
        with pytest.raises(ForeignError, match=r"errors by route exists, and no first line says.*\[saved_query\]"):
            ensure(check_mode, environment="staging")
    assert store.written == 2
    assert ensure(environment="staging", adopt=True)["changed"]
    assert not ensure(environment="staging")["changed"]
    assert f"{PREFIX}by hand" in store.names()
    ensure(environment="staging", state="absent")
    assert store.names() == [f"{PREFIX}by hand"]


def test_a_query_that_asks_the_same_becomes_ours_by_its_first_line(store: QueryStore) -> None:
    ensure()
    assert ensure(environment="staging")["changed"]
    assert all(query["queryString"].startswith("# pear:environment=staging\n") for query in store.saved.values())
    assert len(store.saved) == len(QUERIES)


def test_absent_removes_all_below_the_prefix(store: QueryStore) -> None:
    ensure()
    store.put({"name": "staging/scoreboard/theirs", "queryString": "fields @message"})
    assert ensure(state="absent", check_mode=True)["changed"]
    assert ensure(state="absent")["queries"] == []
    assert store.names() == ["staging/scoreboard/theirs"]
    assert not ensure(state="absent")["changed"]


def test_a_name_that_is_given_twice_is_refused_before_the_first_write(store: QueryStore) -> None:
    with pytest.raises(Failure, match="more than once"):
        ensure(queries=[{"name": "a", "query": "x"}, {"name": "a", "query": "y"}])
    assert store.written == 0


def test_a_query_of_the_inventory_wins_over_ours_of_the_same_name() -> None:
    more = [{"name": "errors by route", "query": "mine"}, {"name": "other", "query": "too"}]
    found = {query["name"]: query["query"] for query in service_queries(more)}
    assert found["errors by route"] == "mine"
    assert found["other"] == "too"
    assert set(QUERIES) < set(found)


def test_every_query_is_what_the_api_takes() -> None:
    shape = get_session().get_service_model("logs").operation_model("PutQueryDefinition").input_shape
    for query in service_queries():
        request = {"name": PREFIX + query["name"], "queryString": query["query"], "logGroupNames": GROUPS}
        report = ParamValidator().validate(request, shape)
        assert not report.has_errors(), report.generate_report()
