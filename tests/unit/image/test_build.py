"""Building an image: what its content digest is of, and that a login is private to its build."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.image import build


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    (folder / "app").mkdir(parents=True)
    (folder / "Containerfile").write_text("FROM scratch\nCOPY app /app\n")
    (folder / "app" / "main.py").write_text("print('hello')\n")
    (folder / ".containerignore").write_text("*.log\n!kept.log\ncache/\n")
    return folder


def digest(context: Path, platform: str = "", **args: str) -> str:
    return build.content_digest(build.plan(str(context), "", args, platform, ""))


def test_what_the_build_sees_is_in_its_digest(context: Path) -> None:
    found = {
        digest(context),
        digest(context, VERSION="1"),
        digest(context, VERSION="2"),
        digest(context, "linux/arm64"),
    }
    main = context / "app" / "main.py"
    main.write_text("print('hello, world')\n")
    found.add(digest(context))
    main.chmod(main.stat().st_mode | stat.S_IXUSR)
    found.add(digest(context))
    main.rename(context / "app" / "start.py")
    found.add(digest(context))
    (context / "kept.log").write_text("taken in again")
    found.add(digest(context))
    (context / "Containerfile").write_text("FROM scratch\n")
    found.add(digest(context))
    assert len(found) == 9


def test_a_file_that_goes_while_the_others_are_read_is_named(context: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = list(build.files(context))
    (context / "app" / "main.py").unlink()
    monkeypatch.setattr(build, "files", lambda _context: listed)
    with pytest.raises(Failure, match=r"No such file or directory: app/main\.py"):
        digest(context)


def test_what_the_build_does_not_see_is_not(context: Path) -> None:
    before = digest(context)
    (context / "noise.log").write_text("x")
    (context / "cache").mkdir()
    (context / "cache" / "old").write_text("x")
    (context / ".git").mkdir()
    (context / ".git" / "HEAD").write_text("x")
    os.utime(context / "app" / "main.py", (1, 1))
    assert digest(context) == before


def test_what_is_missing_is_named(context: Path) -> None:
    with pytest.raises(Failure, match=r"is no directory. Check registry_build\.context"):
        digest(context / "nowhere")
    (context / "Containerfile").unlink()
    with pytest.raises(Failure, match="no Containerfile or Dockerfile"):
        digest(context)


# Stands for an engine: writes down what it is called with, and what its file of logins holds.
_RECORDER = """#!/bin/sh
logins="PLACE"
{ echo "$@"; if [ "$1" = login ]; then cat; echo; fi; cat "$logins"; echo; } >> RECORD
if [ "$1" = login ]; then printf '{"auths": {"ecr": {}}}' > "$logins"; fi
"""


@pytest.mark.parametrize("name", ["podman", "buildah", "docker"])
def test_a_login_lasts_as_long_as_the_push_and_touches_no_other(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, programs, usual = tmp_path / "record", tmp_path / "bin", tmp_path / "usual"
    programs.mkdir()
    place = "$DOCKER_CONFIG/config.json" if name == "docker" else "$REGISTRY_AUTH_FILE"
    (programs / name).write_text(_RECORDER.replace("PLACE", place).replace("RECORD", str(record)))
    (programs / name).chmod(0o755)
    (usual / "contexts").mkdir(parents=True)
    own = {"auths": {"hub.example.com": {"auth": "c2VjcmV0"}}, "currentContext": "far-away"}
    (usual / "config.json").write_text(json.dumps(own))
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_CONFIG", str(usual))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(usual / "config.json"))
    engine = build.Engine(name, lambda _line: None)
    with engine.logged_in("ecr.example.com", "AWS", "a password"):
        engine.push("ecr.example.com/shop:1")
    said = record.read_text().splitlines()
    assert said[:2] == ["login --username AWS --password-stdin ecr.example.com", "a password"]
    assert said[-2:] == ["push ecr.example.com/shop:1", '{"auths": {"ecr": {}}}']
    assert "c2VjcmV0" not in record.read_text()
    assert ('{"currentContext": "far-away"}' in said) is (name == "docker")
    assert json.loads((usual / "config.json").read_text()) == own
    engine.push("ecr.example.com/shop:1")
    assert record.read_text().splitlines()[-1] == json.dumps(own)
