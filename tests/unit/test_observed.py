"""What `make faults` keeps of a run that was interrupted, and what it takes for seen."""

from __future__ import annotations

from pathlib import Path

from tests.support.observed import Observed, fingerprint


def test_a_case_that_ended_is_not_taken_again_unless_the_code_differs(tmp_path: Path) -> None:
    path = tmp_path / "build" / "faults.json"
    Observed(path, "code").keep("ModifyRule deny", "interrupted")
    Observed(path, "code").keep("GetItem deny", "interrupted")
    assert Observed(path, "code").cases() == {"ModifyRule deny": "interrupted", "GetItem deny": "interrupted"}
    assert Observed(path, "code").has("GetItem deny")
    assert not Observed(path, "other").has("GetItem deny")
    assert not Observed(path, "code", resumes=False).has("GetItem deny")
    Observed(path, "other").keep("Query deny", "interrupted")
    assert Observed(path, "other").cases() == {"Query deny": "interrupted"}


def test_the_fingerprint_follows_every_file_that_is_tried(tmp_path: Path) -> None:
    for folder in ("plugins", "roles", "playbooks", "docs"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").write_text("before")
    before = fingerprint(tmp_path)
    (tmp_path / "docs" / "file").write_text("after")
    (tmp_path / "plugins" / "__pycache__").mkdir()
    (tmp_path / "plugins" / "__pycache__" / "file").write_text("after")
    assert fingerprint(tmp_path) == before
    (tmp_path / "roles" / "file").write_text("after")
    assert fingerprint(tmp_path) != before
