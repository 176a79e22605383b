"""ECR: repositories name the sandbox's registry, tokens open it, and what was pushed there is what the API lists."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import urllib.error
import urllib.request
from functools import partial
from typing import Any

from ..config import Settings
from ..errors import ApiError
from ..registry_login import token
from .overlay import Context, handler, internal, patch
from .state import Sandbox

_TOKEN_SECONDS = 12 * 3600
# What the registry says of a manifest that it refuses, in ECR's words.
_REFUSALS = {
    "MANIFEST_BLOB_UNKNOWN": "LayersNotFoundException",
    "MANIFEST_UNKNOWN": "ReferencedImagesNotFoundException",
}


def install(sandbox: Sandbox) -> None:
    from moto.ecr.models import ECRBackend

    from . import ecr_artifacts, ecr_scans
    from .ecr_images import Pushed, record

    settings = sandbox.settings

    @patch(
        ECRBackend,
        "create_repository",
        (
            "self",
            "repository_name",
            "registry_id",
            "encryption_config",
            "image_scan_config",
            "image_tag_mutability",
            "tags",
            "image_tag_mutability_exclusion_filters",
        ),
    )
    def create_repository(original: Any, self: Any, *arguments: Any, **named: Any) -> Any:
        repository = original(self, *arguments, **named)
        repository.uri = f"{settings.registry}/{repository.name}"
        return repository

    @handler("ecr", "GetAuthorizationToken")
    def get_authorization_token(request: dict[str, Any], context: Context) -> dict[str, Any]:
        credential = base64.b64encode(f"AWS:{token(settings)}".encode()).decode()
        return {
            "authorizationData": [
                {
                    "authorizationToken": credential,
                    "expiresAt": time.time() + _TOKEN_SECONDS,
                    "proxyEndpoint": f"http://{settings.registry}",
                }
            ]
        }

    def keep(repository_name: str, pushed: Pushed) -> None:
        """Let the API list what the registry took."""
        with sandbox.lock:
            repository = _repository(sandbox, repository_name)
            ecr_scans.after_push(repository, record(repository, pushed))

    @handler("ecr", "PutImage")
    def put_image(request: dict[str, Any], context: Context) -> dict[str, Any]:
        name, tag, manifest = request["repositoryName"], request.get("imageTag"), request["imageManifest"]
        digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
        media_type = request.get("imageManifestMediaType") or json.loads(manifest).get("mediaType")
        with sandbox.lock:
            _check_new(_repository(sandbox, name), request.get("imageDigest") or digest, digest, tag)
        _put_manifest(settings, name, digest, manifest, media_type)
        keep(name, Pushed(manifest, media_type, digest, tag))
        return {
            "image": {
                "registryId": settings.account,
                "repositoryName": name,
                "imageId": {"imageDigest": digest, **({"imageTag": tag} if tag else {})},
                "imageManifest": manifest,
                "imageManifestMediaType": media_type,
            }
        }

    @handler("ecr", "GetDownloadUrlForLayer")
    def get_download_url(request: dict[str, Any], context: Context) -> dict[str, Any]:
        name, digest = request["repositoryName"], request["layerDigest"]
        with sandbox.lock:
            _repository(sandbox, name)
        # As S3 does for ECR: whoever has the address needs no login.
        return {"downloadUrl": f"{settings.registry_backend}/v2/{name}/blobs/{digest}", "layerDigest": digest}

    @internal("GET", "/_sandbox/ecr/repository")
    def repository(query: dict[str, str], body: Any) -> Any:
        with sandbox.lock:
            found = _repository(sandbox, query["name"])
            tags = {tag: image.image_digest for image in found.images for tag in image.image_tags}
            return {"tags": tags, "digests": [image.image_digest for image in found.images]}

    @internal("POST", "/_sandbox/ecr/pushed")
    def pushed(query: dict[str, str], body: Any) -> Any:
        keep(body["repository"], Pushed(body["manifest"], body["media_type"], body["digest"], body["tag"]))
        return {}

    ecr_scans.install(sandbox)
    ecr_artifacts.install(sandbox, partial(_repository, sandbox))


def _repository(sandbox: Sandbox, name: str) -> Any:
    found = sandbox.backend("ecr").repositories.get(name)
    if found is None:
        account = sandbox.settings.account
        raise ApiError(
            "RepositoryNotFoundException",
            f"The repository with name '{name}' does not exist in the registry with id '{account}'",
        )
    return found


def _check_new(repository: Any, given_digest: str, digest: str, tag: str | None) -> None:
    if given_digest != digest:
        raise ApiError("ImageDigestDoesNotMatchException", f"The manifest's digest is {digest}, not {given_digest}.")
    known = next((image for image in repository.images if image.image_digest == digest), None)
    if known is not None and (tag is None or tag in known.image_tags):
        raise ApiError(
            "ImageAlreadyExistsException",
            f"Image with digest '{digest}' and tag '{tag}' already exists in the repository with name "
            f"'{repository.name}' in registry with id '{repository.registry_id}'",
        )


def _put_manifest(settings: Settings, name: str, digest: str, manifest: str, media_type: str) -> None:
    """Hand a manifest to the registry; raises ApiError where it refuses, for missing layers above all."""
    request = urllib.request.Request(
        f"{settings.registry_backend}/v2/{name}/manifests/{digest}",
        data=manifest.encode(),
        headers={"Content-Type": media_type},
        method="PUT",
    )
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except urllib.error.HTTPError as refused:
        errors = json.loads(refused.read())["errors"]
        code = _REFUSALS.get(errors[0]["code"], "InvalidParameterException")
        raise ApiError(code, "; ".join(error["message"] for error in errors)) from refused
