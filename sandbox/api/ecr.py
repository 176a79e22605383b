"""ECR: repositories name the sandbox's registry, tokens open it, and what was pushed there is what the API lists."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import urllib.error
import urllib.request
from typing import Any

from moto.ecr.models import ECRBackend

from ..config import Settings
from ..errors import ApiError
from ..registry_login import token
from .ecr_artifacts import ArtifactCalls
from .ecr_images import Pushed, record
from .ecr_scans import Scans
from .overlay import Context, handle, internal, patch
from .state import Sandbox

_CREATE_REPOSITORY = (
    "self", "repository_name", "registry_id", "encryption_config", "image_scan_config", "image_tag_mutability", "tags",
    "image_tag_mutability_exclusion_filters",
)  # fmt: skip
_TOKEN_SECONDS = 12 * 3600
# What the registry says of a manifest that it refuses, in ECR's words.
_REFUSALS = {
    "MANIFEST_BLOB_UNKNOWN": "LayersNotFoundException",
    "MANIFEST_UNKNOWN": "ReferencedImagesNotFoundException",
}


class RepositoryCalls:
    """The calls about repositories and images, and what the registry's front asks."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._settings = sandbox.settings
        self._scans = Scans(sandbox)

    def install(self) -> None:
        patch(ECRBackend, "create_repository", _CREATE_REPOSITORY)(self._create_repository)
        handle(
            "ecr",
            {
                "GetAuthorizationToken": self._get_authorization_token,
                "PutImage": self._put_image,
                "GetDownloadUrlForLayer": self._get_download_url,
            },
        )
        internal("GET", "/_sandbox/ecr/repository")(self._listing)
        internal("POST", "/_sandbox/ecr/pushed")(self._pushed)
        handle("ecr", ArtifactCalls(self._sandbox, self.repository).handlers())
        self._scans.install()

    def repository(self, name: str) -> Any:
        found = self._sandbox.backend("ecr").repositories.get(name)
        if found is None:
            account = self._sandbox.settings.account
            raise ApiError(
                "RepositoryNotFoundException",
                f"The repository with name '{name}' does not exist in the registry with id '{account}'",
            )
        return found

    def _create_repository(self, original: Any, backend: Any, *arguments: Any, **named: Any) -> Any:
        repository = original(backend, *arguments, **named)
        repository.uri = f"{self._settings.registry}/{repository.name}"
        return repository

    def _get_authorization_token(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        credential = base64.b64encode(f"AWS:{token(self._settings)}".encode()).decode()
        return {
            "authorizationData": [
                {
                    "authorizationToken": credential,
                    "expiresAt": time.time() + _TOKEN_SECONDS,
                    "proxyEndpoint": f"http://{self._settings.registry}",
                }
            ]
        }

    def _put_image(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        name, tag, manifest = request["repositoryName"], request.get("imageTag"), request["imageManifest"]
        digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
        media_type = request.get("imageManifestMediaType") or json.loads(manifest).get("mediaType")
        with self._sandbox.lock:
            _check_new(self.repository(name), request.get("imageDigest") or digest, digest, tag)
        _put_manifest(self._settings, name, digest, manifest, media_type)
        self._keep(name, Pushed(manifest, media_type, digest, tag))
        return {
            "image": {
                "registryId": self._settings.account,
                "repositoryName": name,
                "imageId": {"imageDigest": digest, **({"imageTag": tag} if tag else {})},
                "imageManifest": manifest,
                "imageManifestMediaType": media_type,
            }
        }

    def _get_download_url(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        name, digest = request["repositoryName"], request["layerDigest"]
        with self._sandbox.lock:
            self.repository(name)
        # As S3 does for ECR: whoever has the address needs no login.
        return {"downloadUrl": f"{self._settings.registry_backend}/v2/{name}/blobs/{digest}", "layerDigest": digest}

    def _listing(self, query: dict[str, str], body: Any) -> Any:
        with self._sandbox.lock:
            found = self.repository(query["name"])
            tags = {tag: image.image_digest for image in found.images for tag in image.image_tags}
            return {"tags": tags, "digests": [image.image_digest for image in found.images]}

    def _pushed(self, query: dict[str, str], body: Any) -> Any:
        self._keep(body["repository"], Pushed(body["manifest"], body["media_type"], body["digest"], body["tag"]))
        return {}

    def _keep(self, repository_name: str, pushed: Pushed) -> None:
        """Let the API list what the registry took."""
        with self._sandbox.lock:
            repository = self.repository(repository_name)
            self._scans.after_push(repository, record(repository, pushed))


def install(sandbox: Sandbox) -> None:
    RepositoryCalls(sandbox).install()


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
