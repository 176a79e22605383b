# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon ECR: one function per call."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from .errors import Failure, aws_call, is_code
from .session import Aws
from .tags import tag_list, tags_of

# Prefix of the tags of released images; the lifecycle policy recognises them by it.
RELEASED_PREFIX = "released-"
# Prefix of the tags of SBOMs; without a tag the lifecycle policy would expire them.
SBOM_PREFIX = "sbom-"
MANIFESTS = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
]
_TIMEOUT_SECONDS = 10


@aws_call("read repository {name}")
def find_repository(aws: Aws, name: str) -> dict[str, Any] | None:
    client = aws.client("ecr")
    try:
        return client.describe_repositories(repositoryNames=[name])["repositories"][0]
    except client.exceptions.ClientError as cause:
        if is_code(cause, "RepositoryNotFoundException"):
            return None
        raise


@aws_call("read image {reference} of repository {repository}")
def find_image(aws: Aws, repository: str, reference: str, account: str | None = None) -> dict[str, Any] | None:
    """An image by tag, or by digest (sha256:…); None where the repository or the image does not exist."""
    client = aws.client("ecr")
    key = "imageDigest" if reference.startswith("sha256:") else "imageTag"
    try:
        found = client.describe_images(**_of(account), repositoryName=repository, imageIds=[{key: reference}])[
            "imageDetails"
        ]
    except client.exceptions.ClientError as cause:
        if is_code(cause, "ImageNotFoundException", "RepositoryNotFoundException"):
            return None
        raise
    return found[0] if found else None


@aws_call("read the manifest of image {reference} of repository {repository}")
def manifest(aws: Aws, repository: str, reference: str, account: str | None = None) -> dict[str, Any] | None:
    """The manifest of an image, or of a list of images, by tag or digest; None where the repository or the image does not exist."""
    client = aws.client("ecr")
    key = "imageDigest" if reference.startswith("sha256:") else "imageTag"
    try:
        found = client.batch_get_image(
            **_of(account), repositoryName=repository, imageIds=[{key: reference}], acceptedMediaTypes=MANIFESTS
        )["images"]
    except client.exceptions.RepositoryNotFoundException:
        return None
    return json.loads(found[0]["imageManifest"]) if found else None


@aws_call("tag image {digest} of repository {repository} with {tag}")
def tag_image(aws: Aws, repository: str, digest: str, tag: str) -> None:
    """Add a tag to an image by putting its manifest again. An existing tag is accepted."""
    put_artifact(aws, repository, *image_manifest(aws, repository, digest), tag)


@aws_call("read the manifest of image {digest} of repository {repository}")
def image_manifest(aws: Aws, repository: str, digest: str) -> tuple[str, str]:
    """An image's manifest exactly as pushed, and its media type."""
    (found,) = aws.client("ecr").batch_get_image(
        repositoryName=repository, imageIds=[{"imageDigest": digest}], acceptedMediaTypes=MANIFESTS
    )["images"]
    return found["imageManifest"], found["imageManifestMediaType"]


@aws_call("put {tag} into repository {repository}")
def put_artifact(aws: Aws, repository: str, text: str, media_type: str, tag: str) -> str:
    """Put a manifest, and return the digest of what has the tag: that of another run's, where it was first and tags are immutable."""
    client, digest = aws.client("ecr"), digest_of(text.encode())
    try:
        client.put_image(
            repositoryName=repository,
            imageManifest=text,
            imageManifestMediaType=media_type,
            imageTag=tag,
            imageDigest=digest,
        )
    except client.exceptions.ImageAlreadyExistsException:
        return digest
    except client.exceptions.ImageTagAlreadyExistsException:
        there = find_image(aws, repository, tag)
        if there is None:
            raise
        return str(there["imageDigest"])
    return digest


@aws_call("upload a layer to repository {repository}")
def upload_layer(aws: Aws, repository: str, content: bytes) -> None:
    """Upload a blob in parts of the size that ECR prescribes. An existing blob is accepted."""
    client = aws.client("ecr")
    begun = client.initiate_layer_upload(repositoryName=repository)
    of = {"repositoryName": repository, "uploadId": begun["uploadId"]}
    for first in range(0, len(content), begun["partSize"]):
        part = content[first : first + begun["partSize"]]
        client.upload_layer_part(**of, partFirstByte=first, partLastByte=first + len(part) - 1, layerPartBlob=part)
    try:
        client.complete_layer_upload(**of, layerDigests=[digest_of(content)])
    except client.exceptions.LayerAlreadyExistsException:
        return


@aws_call("read what refers to image {digest} of repository {repository}")
def referrers(aws: Aws, repository: str, digest: str, artifact_types: Sequence[str]) -> list[str]:
    """Digests of artifacts of these types whose subject is the image."""
    client = aws.client("ecr")
    if not hasattr(client, "list_image_referrers"):
        raise Failure(
            "This boto3 does not know ECR's ListImageReferrers yet. Update boto3 and botocore on the controller."
        )
    desired = {
        "repositoryName": repository,
        "subjectId": {"imageDigest": digest},
        "filter": {"artifactTypes": list(artifact_types)},
    }
    found: list[str] = []
    while True:
        page = client.list_image_referrers(**desired)
        found += [referrer["digest"] for referrer in page.get("referrers", [])]
        if not page.get("nextToken"):
            return found
        desired["nextToken"] = page["nextToken"]


def _of(account: str | None) -> dict[str, str]:
    """The registry of another account; that of the caller where it is left out."""
    return {"registryId": account} if account else {}


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@aws_call("read what a scan found in image {digest} of repository {repository}")
def scan_findings(aws: Aws, repository: str, digest: str) -> tuple[str, list[dict[str, Any]]]:
    """Status of the scan and its findings as name, severity and package; of basic and of enhanced scans.

    The status is ECR's, NONE where there was no scan, or NOT_IN_ECR.
    """
    client = aws.client("ecr")
    image = {"repositoryName": repository, "imageId": {"imageDigest": digest}}
    try:
        pages = list(client.get_paginator("describe_image_scan_findings").paginate(**image))
    except client.exceptions.ScanNotFoundException:
        return "NONE", []
    except (client.exceptions.RepositoryNotFoundException, client.exceptions.ImageNotFoundException):
        return "NOT_IN_ECR", []
    found = [page.get("imageScanFindings", {}) for page in pages]
    basic = [
        {"name": finding["name"], "severity": finding["severity"], "package": _package(finding)}
        for page in found
        for finding in page.get("findings", [])
    ]
    enhanced = [
        {
            "name": finding.get("packageVulnerabilityDetails", {}).get("vulnerabilityId", finding.get("title", "")),
            "severity": finding["severity"],
            "package": ", ".join(
                package["name"]
                for package in finding.get("packageVulnerabilityDetails", {}).get("vulnerablePackages", [])
            ),
        }
        for page in found
        for finding in page.get("enhancedFindings", [])
        # Amazon Inspector also lists findings that are fixed or suppressed.
        if finding.get("status", "ACTIVE") == "ACTIVE"
    ]
    return pages[0]["imageScanStatus"]["status"], basic + enhanced


def _package(finding: dict[str, Any]) -> str:
    named = {attribute["key"]: attribute.get("value", "") for attribute in finding.get("attributes", [])}
    return named.get("package_name", "")


@aws_call("read the configuration of an image of repository {repository}")
def image_configuration(aws: Aws, repository: str, digest: str, account: str | None = None) -> dict[str, Any]:
    """The config blob of an image, by the blob's digest. ECR gives the URL, S3 the content, through the proxies of the environment."""
    # botocore may be missing when this file is imported.
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import HTTPClientError
    from botocore.httpsession import URLLib3Session
    from botocore.utils import get_environ_proxies

    found = aws.client("ecr").get_download_url_for_layer(**_of(account), repositoryName=repository, layerDigest=digest)
    session = URLLib3Session(timeout=_TIMEOUT_SECONDS, proxies=get_environ_proxies(found["downloadUrl"]))
    answer = session.send(AWSRequest("GET", found["downloadUrl"]).prepare())
    if answer.status_code != 200:
        raise HTTPClientError(error=f"the store of its layers answered {answer.status_code}")
    return json.loads(answer.content)


@aws_call("get a login for the registry")
def login(aws: Aws) -> tuple[str, str, str]:
    """Host of the registry, user name, password (valid for twelve hours)."""
    data = aws.client("ecr").get_authorization_token()["authorizationData"][0]
    user, password = base64.b64decode(data["authorizationToken"]).decode().split(":", 1)
    return data["proxyEndpoint"].partition("://")[2], user, password


@aws_call("create repository {name}")
def create_repository(
    aws: Aws, name: str, mutability: str, scan_on_push: bool, kms_key_arn: str | None, tags: dict[str, str]
) -> dict[str, Any]:
    encryption = {"encryptionType": "KMS", "kmsKey": kms_key_arn} if kms_key_arn else {"encryptionType": "AES256"}
    client = aws.client("ecr")
    try:
        return client.create_repository(
            repositoryName=name,
            imageTagMutability=mutability,
            imageScanningConfiguration={"scanOnPush": scan_on_push},
            encryptionConfiguration=encryption,
            tags=tag_list(tags),
        )["repository"]
    except client.exceptions.RepositoryAlreadyExistsException:
        # Another service of the same run shares the repository and has just created it.
        return client.describe_repositories(repositoryNames=[name])["repositories"][0]


@aws_call("change the tag mutability of repository {name}")
def set_mutability(aws: Aws, name: str, mutability: str) -> None:
    aws.client("ecr").put_image_tag_mutability(repositoryName=name, imageTagMutability=mutability)


@aws_call("change scanning of repository {name}")
def set_scan_on_push(aws: Aws, name: str, scan_on_push: bool) -> None:
    aws.client("ecr").put_image_scanning_configuration(
        repositoryName=name, imageScanningConfiguration={"scanOnPush": scan_on_push}
    )


@aws_call("read the lifecycle policy of repository {name}")
def lifecycle_policy(aws: Aws, name: str) -> dict[str, Any] | None:
    client = aws.client("ecr")
    try:
        return json.loads(client.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"])
    except client.exceptions.ClientError as cause:
        if is_code(cause, "LifecyclePolicyNotFoundException"):
            return None
        raise


@aws_call("set the lifecycle policy of repository {name}")
def set_lifecycle_policy(aws: Aws, name: str, policy: dict[str, Any] | None) -> None:
    client = aws.client("ecr")
    if policy is None:
        client.delete_lifecycle_policy(repositoryName=name)
    else:
        client.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=json.dumps(policy))


@aws_call("read the tags of {arn}")
def repository_tags(aws: Aws, arn: str) -> dict[str, str]:
    return tags_of(aws.client("ecr").list_tags_for_resource(resourceArn=arn))


@aws_call("tag {arn}")
def tag_repository(aws: Aws, arn: str, tags: dict[str, str]) -> None:
    aws.client("ecr").tag_resource(resourceArn=arn, tags=tag_list(tags))


@aws_call("remove tags of {arn}")
def untag_repository(aws: Aws, arn: str, keys: list[str]) -> None:
    aws.client("ecr").untag_resource(resourceArn=arn, tagKeys=keys)


@aws_call("read the repositories")
def repositories(aws: Aws) -> list[dict[str, Any]]:
    """Every repository of the account and region."""
    pages = aws.client("ecr").get_paginator("describe_repositories").paginate()
    return [repository for page in pages for repository in page["repositories"]]


@aws_call("delete repository {name}")
def delete_repository(aws: Aws, name: str, with_images: bool = True) -> None:
    """Without its images, ECR refuses to delete a repository that has some."""
    aws.client("ecr").delete_repository(repositoryName=name, force=with_images)


@aws_call("read the registry")
def registry(aws: Aws) -> tuple[str, list[dict[str, Any]]]:
    """Id of the registry, which is the account's, and its rules of replication."""
    found = aws.client("ecr").describe_registry()
    return found["registryId"], found.get("replicationConfiguration", {}).get("rules", [])


@aws_call("set the rules of replication of the registry")
def set_replication(aws: Aws, rules: Sequence[dict[str, Any]]) -> None:
    """All rules at once: there is no call for one."""
    aws.client("ecr").put_replication_configuration(replicationConfiguration={"rules": list(rules)})


@aws_call("read the pull-through caches")
def pull_through_caches(aws: Aws, prefixes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Rules by the prefix of their repositories."""
    client = aws.client("ecr")
    found: dict[str, dict[str, Any]] = {}
    pages = client.get_paginator("describe_pull_through_cache_rules").paginate()
    for page in pages:
        rules = page["pullThroughCacheRules"]
        found |= {rule["ecrRepositoryPrefix"]: rule for rule in rules if rule["ecrRepositoryPrefix"] in prefixes}
    return found


@aws_call("create pull-through cache {prefix}")
def create_pull_through_cache(aws: Aws, prefix: str, upstream: str, credential_arn: str | None) -> None:
    secret = {"credentialArn": credential_arn} if credential_arn else {}
    aws.client("ecr").create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl=upstream, **secret)


@aws_call("change the credentials of pull-through cache {prefix}")
def set_pull_through_credential(aws: Aws, prefix: str, credential_arn: str) -> None:
    aws.client("ecr").update_pull_through_cache_rule(ecrRepositoryPrefix=prefix, credentialArn=credential_arn)
