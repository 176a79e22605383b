"""A checkout is a checkout: its own roles run, and the commands of the README work as printed in a new shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.setup.checkout import ROOT, environment

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's home with an older collection from Galaxy in it, whose first role says so."""
    home = tmp_path_factory.mktemp("user")
    installed = home / ".ansible/collections/ansible_collections/pear/fargate"
    build = ["collection", "build", "--output-path", home, ROOT]
    subprocess.run([str(BIN / "ansible-galaxy"), *map(str, build)], check=True, capture_output=True)
    (artifact,) = home.glob("*.tar.gz")
    install = ["collection", "install", "--force", "--no-deps", "--offline", "-p", installed.parents[2], artifact]
    subprocess.run([str(BIN / "ansible-galaxy"), *map(str, install)], check=True, capture_output=True)
    for tasks in installed.glob("roles/*/tasks/main.yml"):
        tasks.write_text("---\n- name: A stale copy\n  ansible.builtin.meta: noop\n")
    return home


def tasks_of(user: Path, folder: Path) -> str:
    """Names of the tasks that deploy.yml would run, as the user's shell in this folder lists them."""
    done = subprocess.run(
        ["ansible-playbook", ROOT / "playbooks/provision.yml", "-i", ROOT / "inventories/local", "--list-tasks"],
        cwd=folder,
        env=environment(HOME=str(user), PATH=f"{BIN}:{os.environ['PATH']}"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "[WARNING]" not in done.stderr
    return done.stdout


def test_a_copy_that_galaxy_installed_does_not_shadow_the_checkouts_roles(user: Path) -> None:
    assert "A stale copy" in tasks_of(user, user), "the copy is not found even elsewhere"
    assert "A stale copy" not in tasks_of(user, ROOT)


def test_a_new_shell_has_the_programs_and_the_base_image_of_the_demo(tmp_path: Path) -> None:
    """What `up` and demo.sh write is made by hand here: the exports are all that is looked at."""
    home = tmp_path / "home"
    script = f"""
        {sys.executable} - <<'END'
from pathlib import Path
from sandbox.config import Settings
home = Path({str(home)!r})
home.mkdir()
Settings(home=home, prefix="127.77", engine="podman", network="pear-00000000").save()
END
        eval "$({sys.executable} -m sandbox --home {home} env --set PEAR_BASE_IMAGE=localhost/a/base:1)"
        unset PEAR_BASE_IMAGE
        eval "$({sys.executable} -m sandbox --home {home} env)"
        eval "$({sys.executable} -m sandbox --home {home} env)"
        command -v ansible-playbook
        echo "$PEAR_BASE_IMAGE $AWS_ENDPOINT_URL"
        echo "$PATH" | tr : '\\n' | grep -cxF {BIN}
    """
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=ROOT,
        env=environment(PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:3] == [
        str(BIN / "ansible-playbook"),
        "localhost/a/base:1 http://127.77.0.1:4566",
        "1",
    ]
