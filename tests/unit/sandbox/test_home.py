"""The folder of a sandbox: what is somebody else's is never removed, and what could not be removed is named."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import lifecycle, locks, machine, remains, snapshot
from sandbox.config import Settings
from sandbox.processes import NotStarted


def say(_: str) -> None:
    return


@pytest.fixture(autouse=True)
def machine_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root with an engine, on a machine without other sandboxes: whoever runs these tests may have some."""
    monkeypatch.setattr(machine, "needs_root", lambda: False)
    monkeypatch.setattr(machine, "choose_engine", lambda: "podman")
    monkeypatch.setattr(machine, "check_control_groups", lambda mounted: None)
    monkeypatch.setattr(remains, "gone_homes", set)
    monkeypatch.setattr(remains, "unowned_bridges", set)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A folder with somebody's work in it, which has a settings.json as many projects have."""
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "src/main.py").write_text("print()\n")
    (folder / "settings.json").write_text('{"editor.tabSize": 2}\n')
    return folder


def _settings(home: Path) -> Settings:
    home.mkdir(exist_ok=True)
    settings = Settings(home=home, prefix="127.77", engine="podman", network="pear-00000000")
    settings.save()
    return settings


def test_up_refuses_a_folder_with_files_of_others_and_down_leaves_it_alone(theirs: Path) -> None:
    with pytest.raises(machine.Refused, match=rf"{theirs} holds files that are not the sandbox's.*={theirs}/sandbox"):
        lifecycle.up(theirs, 1.0, say)
    assert lifecycle.down(theirs, say) is False
    assert (theirs / "src/main.py").exists()
    assert (theirs / "settings.json").exists()


def test_a_disk_that_is_mounted_at_the_home_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "ismount", lambda path: path == tmp_path)
    with pytest.raises(machine.Refused, match=rf"A disk is mounted at {tmp_path}.*={tmp_path}/sandbox"):
        machine.check_home(tmp_path)


@pytest.mark.parametrize("name", ["my projects", "a:b", "a,b"])
def test_a_path_that_mounts_cannot_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(machine.Refused, match=r"has a space, a colon or a comma"):
        lifecycle.up(tmp_path / name, 1.0, say)
    assert not (tmp_path / name).exists()


def test_the_mount_of_the_home_itself_is_not_the_engines() -> None:
    points = remains.mounts(Path("/"))
    assert points
    assert "/" not in points


@pytest.mark.parametrize("made", [pytest.param([], id="empty"), pytest.param(["settings.json.part"], id="interrupted")])
def test_a_folder_that_up_had_just_made_is_removed(tmp_path: Path, made: list[str]) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name in made:
        (home / name).write_text("")
    assert lifecycle.down(home, say) is True
    assert not home.exists()


def test_what_could_not_be_removed_keeps_the_settings_so_that_the_next_down_finds_a_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    _settings(home)
    (home / "efs").mkdir()
    (home / "logs").mkdir()
    remove = remains.remove_file
    monkeypatch.setattr(remains, "remove_file", lambda path: None if path.name == "efs" else remove(path))
    with pytest.raises(lifecycle.NotRemoved, match=rf"could not be removed: files in {home}\. Run the same again"):
        lifecycle.down(home, say)
    assert {path.name for path in home.iterdir()} == {"settings.json", "efs"}
    monkeypatch.setattr(remains, "remove_file", remove)
    assert lifecycle.down(home, say) is True
    assert not home.exists()


def test_all_that_is_left_is_named_and_nothing_keeps_the_rest_from_being_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, gone = tmp_path / "home", tmp_path / "gone"
    _settings(home)
    removed = []

    def remove(place: Path, _: Callable[[str], None]) -> None:
        removed.append(place)
        if place == home:
            raise lifecycle.NotRemoved([f"files in {home}"])

    monkeypatch.setattr(lifecycle, "_remove", remove)
    monkeypatch.setattr(remains, "processes", lambda homes=None: ["a process"])
    monkeypatch.setattr(remains, "gone_homes", lambda: {gone})
    monkeypatch.setattr(remains, "unowned_bridges", lambda: {"pear-00000001"})
    monkeypatch.setattr(remains, "remove_network", lambda bridge, subnet: None)
    monkeypatch.setattr(remains, "bridges", lambda: {"pear-00000001"})
    said: list[str] = []
    with pytest.raises(lifecycle.NotRemoved, match=rf"files in {home}; bridge pear-00000001\."):
        lifecycle.down(home, said.append)
    assert removed == [home, gone]
    assert not [text for text in said if "removed bridge" in text]


def test_another_user_is_told_who_can_remove_it_and_nothing_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After sudo make demo: the sandbox is root's."""
    home = tmp_path / "home"
    _settings(home)
    monkeypatch.setattr(machine, "needs_root", lambda: True)
    for command in (lifecycle.down, lifecycle.reset):
        with pytest.raises(machine.Refused, match=r"needs root: .* sudo "):
            command(home, say)
    assert (home / "settings.json").exists()
    assert lifecycle.down(tmp_path / "nowhere", say) is False


def test_an_interruption_while_a_killed_api_comes_back_removes_nothing_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    _settings(home)
    (home / "state").mkdir()
    snapshot.file_of(home).write_text("")
    monkeypatch.setattr(lifecycle, "alive", lambda settings, name: None if name == "api" else 7)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(lifecycle, "_start_processes", interrupted)
    with pytest.raises(NotStarted, match=r"Nothing was removed: run it again"):
        lifecycle.up(home, 1.0, say)
    assert snapshot.file_of(home).exists()


def test_every_shell_takes_the_same_lock_also_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = locks._path("home")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert locks._path("home") == usual

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with locks.exclusive(f"test {tmp_path}", say):
        assert locks._path(f"test {tmp_path}").exists()
    assert not locks._path(f"test {tmp_path}").exists()
