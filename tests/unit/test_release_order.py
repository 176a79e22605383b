"""What depends on another service goes after it, everything else as soon as it can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.filter.service import failed_services
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.release.service_release import run
from ansible_collections.pear.fargate.plugins.plugin_utils.release_order import Disorder, Node, batches, waves
from hypothesis import given
from hypothesis import strategies as st

HERE = ("staging", "eu-central-1")


def nodes(**depends_on: Sequence[str]) -> dict[str, Node]:
    return {host: Node(HERE, host, names) for host, names in depends_on.items()}


def test_each_goes_as_soon_as_what_it_depends_on_is_there() -> None:
    shop = nodes(web=["shop"], shop=["stock", "users"], stock=[], users=["mail"], mail=[], blog=[])
    assert waves(shop, list(shop)) == [["stock", "mail", "blog"], ["users"], ["shop"], ["web"]]


def test_nothing_waits_for_what_is_left_out_and_the_order_is_kept() -> None:
    shop = nodes(web=["shop"], shop=["stock"], stock=[])
    assert waves(shop, ["web", "stock"]) == [["stock"], ["web"]]


def test_names_are_of_the_same_environment() -> None:
    both = {"a": Node(HERE, "shop"), "b": Node(("production", HERE[1]), "shop"), "c": Node(HERE, "web", ["shop"])}
    assert waves(both, list(both)) == [["a", "b"], ["c"]]
    with pytest.raises(
        Disorder, match=r"^service_depends_on of b names web, which is no service of its environment \(\)$"
    ):
        waves({**both, "b": Node(("production", HERE[1]), "shop", ["web"])}, list(both))


def test_a_circle_is_told_from_the_one_that_is_waited_for() -> None:
    with pytest.raises(Disorder, match=r"goes in a circle: .* → .* → "):
        waves(nodes(shop=["stock"], stock=["mail"], mail=["shop"]), ["shop"])


@pytest.mark.parametrize(
    ("sizes", "serial", "expected"),
    [
        ([3, 3], "100%", [3, 3]),
        ([3, 3], 2, [2, 1, 2, 1]),
        ([3, 3], "2", [2, 1, 2, 1]),
        ([3, 3], [1, "100%"], [1, 2, 3]),
        ([4, 6], ["10%", "30%"], [1, 3, 3, 3]),
        ([2, 1], "10%", [1, 1, 1]),
        ([2, 1], 0, [2, 1]),
    ],
)
def test_a_batch_never_reaches_over_the_end_of_a_wave(sizes: list[int], serial: Any, expected: list[int]) -> None:
    assert batches(sizes, serial, sum(sizes)) == expected


@given(st.dictionaries(st.integers(0, 30), st.sets(st.integers(0, 30), max_size=5), max_size=31))
def test_every_host_comes_once_and_after_all_that_it_depends_on(drawn: dict[int, set[int]]) -> None:
    # Depending on smaller numbers only, nothing goes in a circle.
    graph = {
        str(dependencies): Node(HERE, str(dependencies), [str(n) for n in names if n < dependencies and n in drawn])
        for dependencies, names in drawn.items()
    }
    found = waves(graph, list(graph))
    place = {host: index for index, wave in enumerate(found) for host in wave}
    assert sorted(place) == sorted(graph)
    assert all(place[name] < place[host] for host, node in graph.items() for name in node.depends_on)
    assert all(any(place[name] == place[host] - 1 for name in graph[host].depends_on) for host in place if place[host])


def test_what_depends_on_a_service_that_failed_is_refused_before_anything_is_read() -> None:
    hostvars = {
        "a": {"inventory_hostname": "a", "service_name": "stock", "environment_name": "staging"},
        "b": {"inventory_hostname": "b", "environment_name": "production"},
    }
    assert failed_services(["stock", "b"], hostvars, "staging", ["a", "b"]) == ["stock"]
    assert failed_services(["stock"], hostvars, "staging", []) == []
    with pytest.raises(Failure, match="refused: shop depends on what failed in this run: stock") as refused:
        # Without an AWS to ask.
        run(Invocation({"service": "shop", "strategy": "rolling", "failed_dependencies": ["stock"]}, cast(Aws, None)))
    assert refused.value.result["outcome"] == "refused"
