"""ECR's scans: they find nothing by themselves; what a test or a demo plants is what the API reports."""

from __future__ import annotations

import sys
from typing import Any

from moto.core.utils import utcnow
from moto.ecr.exceptions import ScanNotFoundException
from moto.ecr.models import ECRBackend, Repository

from ..errors import ApiError
from .ecr_images import PushedImage, Scan
from .overlay import internal, patch
from .state import Sandbox

_SEVERITIES = ("INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL", "UNDEFINED")
# What the next scans of a repository will say, by the repository's ARN.
_planted: dict[str, Scan] = {}


def after_push(repository: Repository, image: PushedImage) -> None:
    """Scan an image that is new, where its repository or the registry's rules say so."""
    configured: Any = repository.image_scanning_configuration
    if image.scan is None and (configured.get("scanOnPush") or repository.scanning_config["scanFrequency"] != "MANUAL"):
        _scan(repository, image)


def _scan(repository: Repository, image: PushedImage) -> None:
    planted = _planted.get(repository.arn, Scan())
    image.scan = Scan(planted.status, planted.findings)
    image.last_scan = utcnow()


def install(sandbox: Sandbox) -> None:
    sandbox.keep("scans", sys.modules[__name__], "_planted")
    _planted.clear()

    @patch(ECRBackend, "start_image_scan", ("self", "registry_id", "repository_name", "image_id"))
    def start_image_scan(original: Any, self: Any, registry_id: Any, repository_name: str, image_id: Any) -> Any:
        answer = original(self, registry_id, repository_name, image_id)
        repository = self.repositories[repository_name]
        _scan(repository, repository._get_image(image_id.get("imageTag"), image_id.get("imageDigest")))
        return answer

    @patch(ECRBackend, "describe_image_scan_findings", ("self", "registry_id", "repository_name", "image_id"))
    def describe(original: Any, self: Any, registry_id: Any, repository_name: str, image_id: Any) -> Any:
        repository = self._get_repository(repository_name, registry_id)
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

    @internal("POST", "/_sandbox/ecr/findings")
    def plant(query: dict[str, str], body: Any) -> Any:
        """Say what the scan of an image (tag or digest), or of every image of a repository from now on, finds."""
        findings = tuple(body.get("findings", ()))
        for finding in findings:
            if finding.get("severity") not in _SEVERITIES or "name" not in finding:
                raise ApiError("InvalidParameterException", f"A finding has a name and a severity of {_SEVERITIES}.")
        scan = Scan(body.get("status", "COMPLETE"), findings)
        with sandbox.lock:
            repository = sandbox.backend("ecr").repositories.get(body["repository"])
            if repository is None:
                raise ApiError("RepositoryNotFoundException", f"There is no repository {body['repository']}.", 404)
            wanted = body.get("image")
            if wanted is None:
                _planted[repository.arn] = scan
            meant = [one for one in repository.images if wanted in {None, one.image_digest, *one.image_tags}]
            if wanted is not None and not meant:
                raise ApiError("ImageNotFoundException", f"There is no image {wanted} in {repository.name}.", 404)
            for image in meant:
                image.scan, image.last_scan = scan, utcnow()
        return {}
