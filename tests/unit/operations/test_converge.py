"""What a schedule may release: not what failed, not what traffic was returned from, and everything else."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.filter.converge import converge_objection


def row(digest: str, kind: str = "deploy", outcome: str = "succeeded") -> dict[str, Any]:
    return {
        "id": f"{kind}-{digest}",
        "kind": kind,
        "digest": digest,
        "outcome": outcome,
        "by": "ada",
        "reason": "5xx share 20 %",
    }


BACK_TO_ONE = row("one", "rollback")


@pytest.mark.parametrize(
    ("history", "digest", "said"),
    [
        pytest.param([], "one", "", id="never released"),
        pytest.param([row("one")], "two", "", id="a new image"),
        pytest.param(
            [BACK_TO_ONE, row("")], "", "", id="an image that is not built yet, after what others had deployed"
        ),
        pytest.param([row("two"), row("one")], "two", "", id="it serves already"),
        pytest.param([row("two"), row("one")], "one", "", id="git went back to the image before"),
        pytest.param([row("two", outcome="shifting"), row("one")], "two", "", id="under way"),
        pytest.param([row("two", outcome="interrupted"), row("one")], "two", "", id="its controller died"),
        pytest.param(
            [row("two", outcome="rolled_back"), row("one")], "two", "ended as rolled_back: 5xx", id="it failed"
        ),
        pytest.param(
            [row("two", outcome="superseded"), row("one")], "two", "ended as superseded", id="somebody stopped it"
        ),
        pytest.param(
            [row("two"), row("two", outcome="rolled_back"), row("one")],
            "two",
            "",
            id="it failed once, and a person released it",
        ),
        pytest.param(
            [BACK_TO_ONE, row("two"), row("one")], "two", "rollback-one of ada returned traffic", id="rolled back"
        ),
        pytest.param([BACK_TO_ONE, row("two"), row("one")], "one", "", id="git says what was rolled back to"),
        pytest.param([BACK_TO_ONE, row("two"), row("one")], "three", "", id="the fix"),
        pytest.param(
            [row("three"), BACK_TO_ONE, row("two"), row("one")],
            "two",
            "returned traffic",
            id="rolled back, then the fix",
        ),
        pytest.param(
            [row("two"), BACK_TO_ONE, row("two"), row("one")], "two", "", id="rolled back, and released by a person"
        ),
        pytest.param(
            [row("two", "rollback"), row("three"), row("two"), row("one")],
            "one",
            "",
            id="an older image than what was returned from",
        ),
        pytest.param(
            [row("one", "rollback", "failed"), row("two"), row("one")],
            "two",
            "",
            id="a rollback that did not get through",
        ),
    ],
)
def test_what_is_against_releasing_an_image_without_a_person(
    history: list[dict[str, Any]], digest: str, said: str
) -> None:
    found = converge_objection({"history": history}, digest)
    assert said in found if said else found == ""
