"""ECR's scans: they find nothing by themselves; what a test or a demo plants is what the API reports."""

from __future__ import annotations

from typing import Any

from moto.core.utils import utcnow
from moto.ecr.exceptions import ScanNotFoundException
from moto.ecr.models import ECRBackend, Repository

from ..errors import ApiError
from .ecr_images import PushedImage, Scan
from .overlay import internal, patch
from .state import Sandbox

_SEVERITIES = ("INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL", "UNDEFINED")


class Scans:
    """Scans that find what was planted."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        # What the next scans of a repository will say, by the repository's ARN.
        self._planted: dict[str, Scan] = {}
        sandbox.keep("scans", self, "_planted")

    def install(self) -> None:
        image = ("self", "registry_id", "repository_name", "image_id")
        patch(ECRBackend, "start_image_scan", image)(self._start)
        patch(ECRBackend, "describe_image_scan_findings", image)(self._describe)
        internal("POST", "/_sandbox/ecr/findings")(self._plant)

    def after_push(self, repository: Repository, image: PushedImage) -> None:
        """Scan an image that is new, where its repository or the registry's rules say so."""
        configured: Any = repository.image_scanning_configuration
        if image.scan is None and (
            configured.get("scanOnPush") or repository.scanning_config["scanFrequency"] != "MANUAL"
        ):
            self._scan(repository, image)

    def _scan(self, repository: Repository, image: PushedImage) -> None:
        planted = self._planted.get(repository.arn, Scan())
        image.scan = Scan(planted.status, planted.findings)
        image.last_scan = utcnow()

    def _start(self, original: Any, backend: Any, registry_id: Any, repository_name: str, image_id: Any) -> Any:
        answer = original(backend, registry_id, repository_name, image_id)
        repository = backend.repositories[repository_name]
        self._scan(repository, repository._get_image(image_id.get("imageTag"), image_id.get("imageDigest")))
        return answer

    def _describe(self, original: Any, backend: Any, registry_id: Any, repository_name: str, image_id: Any) -> Any:
        repository = backend._get_repository(repository_name, registry_id)
        image = repository._get_image(image_id.get("imageTag"), image_id.get("imageDigest"))
        if image.scan is None:
            said = ", ".join(f"{key}:'{image_id.get(key, 'null')}'" for key in ("imageDigest", "imageTag"))
            raise ScanNotFoundException(f"{{{said}}}", repository_name, repository.registry_id)
        answer = {
            "registryId": repository.registry_id,
            "repositoryName": repository_name,
            "imageId": {**image_id, "imageDigest": image.image_digest},
            "imageScanStatus": image.scan.state,
        }
        if image.scan.status == "COMPLETE":
            answer["imageScanFindings"] = {**image.scan.summary, "findings": list(image.scan.findings)}
        return answer

    def _plant(self, query: dict[str, str], body: Any) -> Any:
        """Say what the scan of an image (tag or digest), or of every image of a repository from now on, finds."""
        findings = tuple(body.get("findings", ()))
        for finding in findings:
            if finding.get("severity") not in _SEVERITIES or "name" not in finding:
                raise ApiError("InvalidParameterException", f"A finding has a name and a severity of {_SEVERITIES}.")
        scan = Scan(body.get("status", "COMPLETE"), findings)
        with self._sandbox.lock:
            repository = self._sandbox.backend("ecr").repositories.get(body["repository"])
            if repository is None:
                raise ApiError("RepositoryNotFoundException", f"There is no repository {body['repository']}.", 404)
            wanted = body.get("image")
            if wanted is None:
                self._planted[repository.arn] = scan
            meant = [
                candidate
                for candidate in repository.images
                if wanted in {None, candidate.image_digest, *candidate.image_tags}
            ]
            if wanted is not None and not meant:
                raise ApiError("ImageNotFoundException", f"There is no image {wanted} in {repository.name}.", 404)
            for image in meant:
                image.scan, image.last_scan = scan, utcnow()
        return {}
