# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The list of an image's parts (SBOM): printed by a generator of the user's choice, kept in ECR as an artifact that refers to the image.

The artifact is what the OCI image specification 1.1 asks for: a manifest whose subject is the image, with the list as its only layer.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..aws import ecr
from ..aws.errors import Failure
from ..common.invocation import Invocation
from .build import Engine

PLACEHOLDER = "{archive}"
# CycloneDX and SPDX, by the media types that IANA has registered for them.
MEDIA_TYPES = ("application/vnd.cyclonedx+json", "application/spdx+json")
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_NO_CONFIG = ("application/vnd.oci.empty.v1+json", b"{}")
_LAST_LINES = 25


def check_command(command: Sequence[str]) -> None:
    """Raise Failure if the generator is missing, or its command has no {archive}."""
    if shutil.which(command[0]) is None:
        raise Failure(
            f"registry_sbom_command begins with {command[0]}, which is no program on PATH. Install it on the controller."
        )
    if not any(PLACEHOLDER in word for word in command):
        raise Failure(f"registry_sbom_command has no {PLACEHOLDER}, where the path of the image's archive goes.")


def find(call: Invocation, repository: str, digest: str) -> str | None:
    """The digest of the newest list that refers to the image."""
    found = ecr.referrers(call.aws, repository, digest, MEDIA_TYPES)
    return found[0] if found else None


def attach(call: Invocation, repository: str, digest: str, engine: Engine, reference: str) -> str:
    """Have the generator read the image that the engine has under this reference; return the digest of what then refers to it."""
    command = call.params["sbom_command"]
    call.progress.line(f"listing the parts of {reference} with {command[0]}")
    with tempfile.TemporaryDirectory(prefix="pear-sbom-") as folder:
        archive = Path(folder) / "image.tar"
        engine.save(reference, archive)
        listed = _generate([word.replace(PLACEHOLDER, str(archive)) for word in command])
    media_type, count = kind(listed)
    text, subject_type = ecr.image_manifest(call.aws, repository, digest)
    subject = {"mediaType": subject_type, "digest": digest, "size": len(text.encode())}
    desired = manifest(media_type, listed, subject)
    for content in (_NO_CONFIG[1], listed):
        ecr.upload_layer(call.aws, repository, content)
    tag = ecr.SBOM_PREFIX + digest.partition(":")[2][:12]
    attached = ecr.put_artifact(call.aws, repository, desired, _MANIFEST, tag)
    call.progress.line(f"attached a list of {count} parts to {reference}: {attached}")
    return attached


def kind(listed: bytes) -> tuple[str, int]:
    """Media type of a list and how many parts it has. Raises Failure where it is neither CycloneDX nor SPDX, or empty."""
    try:
        found: Any = json.loads(listed)
    except ValueError:
        found = None
    if isinstance(found, dict):
        parts = {MEDIA_TYPES[0]: "components", MEDIA_TYPES[1]: "packages"}
        media_type = (
            MEDIA_TYPES[0]
            if found.get("bomFormat") == "CycloneDX"
            else MEDIA_TYPES[1]
            if "spdxVersion" in found
            else ""
        )
        if media_type and (count := len(found.get(parts[media_type]) or ())):
            return media_type, count
        if media_type:
            raise Failure(
                "registry_sbom_command printed a list without any part. Did it read the archive that it was given?"
            )
    raise Failure(
        "registry_sbom_command printed neither CycloneDX nor SPDX as JSON. Choose one of them as its output format."
    )


def manifest(media_type: str, listed: bytes, subject: dict[str, Any]) -> str:
    """The artifact's manifest; the same list of the same image is the same artifact."""
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "artifactType": media_type,
            "config": _descriptor(*_NO_CONFIG),
            "layers": [_descriptor(media_type, listed)],
            "subject": subject,
        }
    )


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": ecr.digest_of(content), "size": len(content)}


def _generate(command: Sequence[str]) -> bytes:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-_LAST_LINES:]
        raise Failure(
            f"{command[0]} could not list the image's parts (exit status {done.returncode}); the image is in ECR, and the next run "
            "tries again. Its last lines:\n" + "\n".join(said)
        )
    return done.stdout
