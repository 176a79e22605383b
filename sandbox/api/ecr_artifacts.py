"""ECR's layers by its API, and what refers to an image: how a client without an engine keeps an artifact beside an image."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPMessage
from typing import Any

from ..errors import ApiError
from .overlay import Context, Handler
from .state import Sandbox

# What ECR names as the size of a part.
_PART_BYTES = 20 << 20


class ArtifactCalls:
    """The calls about layers and about what refers to an image."""

    def __init__(self, sandbox: Sandbox, repository: Callable[[str], Any]) -> None:
        self._sandbox = sandbox
        self._settings = sandbox.settings
        self._repository = repository
        # Uploads of layers that are in progress: where the registry takes the next part.
        self._uploads: dict[str, str] = {}
        sandbox.keep("uploads", self, "_uploads")

    def handlers(self) -> dict[str, Handler]:
        return {
            "InitiateLayerUpload": self.initiate_layer_upload,
            "UploadLayerPart": self.upload_layer_part,
            "CompleteLayerUpload": self.complete_layer_upload,
            "ListImageReferrers": self.list_image_referrers,
        }

    def initiate_layer_upload(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        name = request["repositoryName"]
        with self._sandbox.lock:
            self._repository(name)
        answer = _registry("POST", f"{self._settings.registry_backend}/v2/{name}/blobs/uploads/")
        upload = answer["Docker-Upload-UUID"]
        self._uploads[upload] = answer["Location"]
        return {"uploadId": upload, "partSize": _PART_BYTES}

    def upload_layer_part(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        upload, part = request["uploadId"], base64.b64decode(request["layerPartBlob"])
        if len(part) != request["partLastByte"] - request["partFirstByte"] + 1:
            raise ApiError(
                "InvalidLayerPartException", f"The part has {len(part)} bytes, which is not what its range says."
            )
        self._uploads[upload] = _registry("PATCH", self._place(upload), part)["Location"]
        named = {key: request[key] for key in ("repositoryName", "uploadId")}
        return {"registryId": self._settings.account, **named, "lastByteReceived": request["partLastByte"]}

    def complete_layer_upload(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        name, upload, (digest,) = request["repositoryName"], request["uploadId"], request["layerDigests"]
        if _has_blob(self._settings.registry_backend, name, digest):
            raise ApiError(
                "LayerAlreadyExistsException", f"Layer with digest '{digest}' already exists in repository '{name}'."
            )
        place = self._place(upload)
        _registry("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest}")
        del self._uploads[upload]
        return {"registryId": self._settings.account, "repositoryName": name, "uploadId": upload, "layerDigest": digest}

    def list_image_referrers(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        types = request.get("filter", {}).get("artifactTypes")
        with self._sandbox.lock:
            images = list(self._repository(request["repositoryName"]).images)
        found = [image for image in images if image.refers_to == request["subjectId"]["imageDigest"]]
        return {
            "referrers": [
                {
                    "digest": artifact.image_digest,
                    "mediaType": artifact.image_manifest_media_type,
                    "artifactType": artifact.artifact_type,
                    "size": len(artifact.image_manifest.encode()),
                    "artifactStatus": "ACTIVE",
                }
                for artifact in reversed(found)
                if not types or artifact.artifact_type in types
            ]
        }

    def _place(self, upload: str) -> str:
        if upload not in self._uploads:
            raise ApiError("UploadNotFoundException", f"There is no upload '{upload}'.")
        return self._uploads[upload]


def _has_blob(backend: str, name: str, digest: str) -> bool:
    try:
        _registry("HEAD", f"{backend}/v2/{name}/blobs/{digest}")
    except ApiError:
        return False
    return True


def _registry(method: str, url: str, part: bytes | None = None) -> HTTPMessage:
    """Headers of the registry's answer. Raises ApiError with what it says where it refuses."""
    headers = {"Content-Type": "application/octet-stream"} if part is not None else {}
    request = urllib.request.Request(url, data=part, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.headers
    except urllib.error.HTTPError as refused:
        said = refused.read()
        errors = json.loads(said)["errors"] if said else [{"message": str(refused)}]
        raise ApiError("InvalidLayerException", "; ".join(error["message"] for error in errors)) from refused
