"""ECR: repositories name the sandbox's registry, tokens open it, and what was pushed there is what the API lists."""

from __future__ import annotations

import base64
import json
import secrets
import time
from typing import Any

from ..config import Settings
from .overlay import ApiError, Context, handler, internal, patch
from .server import Sandbox

_TOKEN_SECONDS = 12 * 3600


def token(settings: Settings) -> str:
    """The password that opens the registry; made once per sandbox, readable by its owner only."""
    path = settings.home / "registry" / "token"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32))
    return path.read_text()


def install(sandbox: Sandbox) -> None:
    from moto.ecr.models import ECRBackend, Image

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

    @patch(Image, "get_image_size_in_bytes", ("self",))
    def size(original: Any, self: Any) -> int | None:
        manifest = json.loads(self.image_manifest)
        if "layers" not in manifest:
            return None
        return int(manifest["config"]["size"]) + sum(int(layer["size"]) for layer in manifest["layers"])

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

    @internal("GET", "/_sandbox/ecr/repository")
    def repository(query: dict[str, str], body: Any) -> Any:
        with sandbox.lock:
            found = _repository(sandbox, query["name"])
            tags = {tag: image.image_digest for image in found.images for tag in image.image_tags}
            return {"name": found.name, "mutability": found.image_tag_mutability, "tags": tags}

    @internal("POST", "/_sandbox/ecr/pushed")
    def pushed(query: dict[str, str], body: Any) -> Any:
        with sandbox.lock:
            found = _repository(sandbox, body["repository"])
            known = next((image for image in found.images if image.image_digest == body["digest"]), None)
            if known is None:
                sandbox.backend("ecr").put_image(
                    found.name, body["manifest"], body["tag"], body["media_type"], body["digest"]
                )
            elif body["tag"]:
                for image in found.images:
                    image.remove_tag(body["tag"])
                known.update_tag(body["tag"])
        return {}


def _repository(sandbox: Sandbox, name: str) -> Any:
    found = sandbox.backend("ecr").repositories.get(name)
    if found is None:
        account = sandbox.settings.account
        raise ApiError(
            "RepositoryNotFoundException",
            f"The repository with name '{name}' does not exist in the registry with id '{account}'",
            404,
        )
    return found
