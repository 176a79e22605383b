"""The file in which a pipeline finds the image: as JSON, and as a variable."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.plays import ANSIBLE_PLAYBOOK, ROOT

from ..in_memory import calls_in_memory

DIGEST = "sha256:" + 64 * "1"
IMAGE = f"public.ecr.aws/nginx/nginx:1.27@{DIGEST}"


def written(endpoint: str, folder: Path, name: str, image: str) -> str:
    """What the role registry writes for a prebuilt image of another registry."""
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {
            "environment_name": "tiny",
            "environment_region": "eu-central-1",
            "service_image": image,
            "registry_image_file": str(folder / name),
            "ansible_python_interpreter": sys.executable,
        },
        "module_defaults": {"group/pear.fargate.aws": {"region": "{{ environment_region }}"}},
        "tasks": [{"ansible.builtin.include_role": {"name": "pear.fargate.registry", "tasks_from": "image.yml"}}],
    }
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    command = [str(ANSIBLE_PLAYBOOK), "-i", "localhost,", "-c", "local", str(folder / "play.yml")]
    aws = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **aws}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return (folder / name).read_text()


@pytest.mark.plays
def test_the_image_is_written_as_json_or_as_a_variable(tmp_path: Path) -> None:
    with calls_in_memory() as endpoint:
        assert json.loads(written(endpoint, tmp_path, "image.json", IMAGE)) == {
            "repository_uri": "public.ecr.aws/nginx/nginx",
            "tag": "1.27",
            "digest": DIGEST,
            "reference": f"public.ecr.aws/nginx/nginx@{DIGEST}",
        }
        assert written(endpoint, tmp_path, "image.env", IMAGE) == f"IMAGE={IMAGE}\n"
        untagged = f"public.ecr.aws/nginx/nginx@{DIGEST}"
        assert written(endpoint, tmp_path, "untagged.env", untagged) == f"IMAGE={untagged}\n"
