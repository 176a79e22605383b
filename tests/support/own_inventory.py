"""A repository with an inventory of its own, as docs/molecule.md lays it out, in a folder outside of this checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from .plays import COLLECTIONS, ROOT

BIN = Path(sys.executable).parent


def own_repository(folder: Path) -> Path:
    """The sample app's source, an environment with it as its only service, and the scenario copied as the guide says."""
    project = folder / "your-deployments"
    shutil.copytree(
        ROOT / "examples/scoreboard", project / "src", ignore=shutil.ignore_patterns("tests", "__pycache__")
    )
    inventory = project / "inventories/staging"
    shutil.copytree(ROOT / "inventories/staging/group_vars", inventory / "group_vars")
    environment = inventory / "group_vars/all/environment.yml"
    values = yaml.safe_load(environment.read_text()) | {"environment_name": "own", "network_cidr": "10.70.0.0/16"}
    environment.write_text(yaml.safe_dump(values))
    hosts = {"environment": {"hosts": {"own": {}}}, "services": {"hosts": {"scores": {}}}}
    (inventory / "hosts.yml").write_text(yaml.safe_dump(hosts))
    service = yaml.safe_load((ROOT / "inventories/staging/host_vars/scoreboard.yml").read_text())
    service["registry_build"] = {
        "context": "{{ inventory_dir }}/../../src",
        "version_arg": "APP_VERSION",
        # Without a container registry in reach the base image is one that was made here.
        "args": "{{ {'BASE_IMAGE': lookup('ansible.builtin.env', 'PEAR_BASE_IMAGE')} }}",
    }
    (inventory / "host_vars").mkdir()
    (inventory / "host_vars/scores.yml").write_text(yaml.safe_dump(service))
    shutil.copytree(ROOT / "examples/molecule", project / "molecule")
    return project


def typed(
    project: Path, command: Sequence[str], environment: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """A command in the repository, as a person types it there: without this checkout's configuration."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    collections = {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_NOCOLOR": "1"}
    program, *arguments = command
    return subprocess.run(
        [str(BIN / program), *arguments],
        cwd=project,
        env={**own, **collections, **environment, "PATH": f"{BIN}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
