"""The report of the past: found by any of a release's names, with all that can still be read, and written once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.release import release_report
from ansible_collections.pear.fargate.plugins.module_utils.release.ledger import DynamoLedger
from ansible_collections.pear.fargate.plugins.module_utils.rollout.lease import Lease
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour, Outcome, Weights

from ..given import RELEASE

LEASE = Lease("scoreboard", "ada", "r1", 1, 1000.0, 1090.0)
PLACE = SimpleNamespace(
    environment="local",
    service="scoreboard",
    cluster="local",
    ledger="local-releases",
    is_routed=True,
    of_connections=False,
    load_balancer_dimension="app/x/1",
    target_group_dimension=lambda colour: f"targetgroup/{colour}/1",
    ecs_services={colour: f"scoreboard-{colour}" for colour in Colour},
)


@pytest.fixture
def recorded(ledger: DynamoLedger, monkeypatch: pytest.MonkeyPatch) -> DynamoLedger:
    """A release that failed, and the next one, which succeeded."""
    monkeypatch.setattr(release_report, "locate_by", lambda aws, params: PLACE)
    ledger.take(LEASE, 0)
    ledger.journal.weights(1_764_400_000.0, Weights(90, 10))
    ledger.journal.line(1_764_400_001.0, "scoreboard: green sickens")
    failed = replace(RELEASE, started_at=1_764_400_000.0, ended_at=1_764_400_300.0, version="1.4.2", closed=True)
    seen = {"causes": ["it was slow"]}
    ledger.save(replace(failed, outcome=Outcome.ROLLED_BACK, reason="too many errors", evidence=seen), LEASE)
    good = replace(failed, id="20260103T030405Z-deploy-cd34", started_at=1_764_500_000.0, ended_at=1_764_500_060.0)
    ledger.save(replace(good, digest="sha256:2", version="1.4.3", outcome=Outcome.SUCCEEDED), LEASE)
    return ledger


def report(ledger: DynamoLedger, path: Path, release: str | None = None, check_mode: bool = False) -> dict[str, Any]:
    params = {"release": release, "path": str(path), "service": "scoreboard"}
    return release_report.run(Invocation(params, ledger.aws, check_mode))


@pytest.mark.parametrize(
    ("named", "found"),
    [
        (None, "20260103T030405Z-deploy-cd34"),
        ("20260102", RELEASE.id),
        ("1.4.2", RELEASE.id),
        ("sha256:1", RELEASE.id),
        ("1.4.3", "20260103T030405Z-deploy-cd34"),
    ],
)
def test_a_release_is_found_whatever_its_outcome(
    recorded: DynamoLedger, tmp_path: Path, named: str | None, found: str
) -> None:
    assert report(recorded, tmp_path / "r.html", named)["release"]["id"] == found


def test_journal_evidence_and_what_cannot_be_read_are_in_it(recorded: DynamoLedger, tmp_path: Path) -> None:
    path = tmp_path / "made" / "r.html"
    assert report(recorded, path, "1.4.2")["changed"]
    content = path.read_text()
    for text in ("too many errors", "green sickens", "it was slow", "<td>90 %</td>"):
        assert text in content
    # There is no such cluster: the tasks are missing, and nothing else.
    assert "Failed to" in content.partition("Not read")[2]


def test_it_is_written_once_and_not_in_check_mode(recorded: DynamoLedger, tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    assert report(recorded, path, check_mode=True)["changed"] and not path.exists()
    assert report(recorded, path)["changed"]
    assert not report(recorded, path)["changed"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.html"]


@pytest.mark.parametrize(
    ("named", "why"), [("2.0", "2.0 names no release of this service"), ("2026", "2026 names 2 releases")]
)
def test_a_name_that_names_none_or_several_is_refused(
    recorded: DynamoLedger, tmp_path: Path, named: str, why: str
) -> None:
    with pytest.raises(Failure, match=why):
        report(recorded, tmp_path / "r.html", named)


def test_a_path_that_cannot_be_written_to_is_told(recorded: DynamoLedger, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match=r"file/r.html"):
        report(recorded, tmp_path / "file" / "r.html")
