# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure an image in ECR and return its digest: build and push it if it is missing, or look up a prebuilt one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from ..aws import ecr, sts
from ..aws.errors import Failure
from ..common.invocation import Invocation
from . import build, sbom, scan_gate
from .other_registry import OtherRegistry, Unreachable
from .reference import Reference, parse

# What the module returns, and what ECR says of the image where it is in ECR already.
Answer: TypeAlias = "tuple[dict[str, Any], dict[str, Any] | None]"


def run(call: Invocation) -> dict[str, Any]:
    """Return repository_uri, tag, digest and reference (uri@digest)."""
    answer, found = _prebuilt(call) if call.params["image"] else _built(call)
    answer |= _scanned(call, answer["image"])
    if found is None or not call.params.get("mark_released"):
        return answer
    tag = ecr.RELEASED_PREFIX + found["imageDigest"].partition(":")[2][:12]
    if tag in found.get("imageTags", []):
        return answer
    if not call.check_mode:
        ecr.tag_image(call.aws, found["repositoryName"], found["imageDigest"], tag)
    return {**answer, "changed": True}


def _scanned(call: Invocation, image: Mapping[str, Any]) -> dict[str, Any]:
    """Let the image pass the gate, where there is one; one that check mode would build has nothing to be scanned."""
    gate = call.params.get("scan_gate") or {}
    if not gate.get("limits") or not image["digest"]:
        return {}
    # A repository's address is its registry's, a slash, and its name.
    name = image["repository_uri"].partition("/")[2]
    params = {**call.params, **gate, "repository": name, "digest": image["digest"]}
    found = scan_gate.run(replace(call, params=params))
    return {"scan": found["counts"], **({"warnings": found["warnings"]} if "warnings" in found else {})}


def _built(call: Invocation) -> Answer:
    desired = call.params
    if desired.get("sbom_command"):
        sbom.check_command(desired["sbom_command"])
    planned = build.plan(
        desired["context"],
        desired["containerfile"] or "",
        desired["args"],
        desired["platform"] or "",
        desired["isolation"] or "",
    )
    tag = desired["tag"] or build.content_digest(planned)
    repository = ecr.find_repository(call.aws, desired["repository"])
    if repository is None:
        if not call.check_mode:
            raise Failure(
                f"There is no ECR repository {desired['repository']} in {call.aws.region}. playbooks/provision.yml makes it."
            )
        return _answer(True, "", tag, None, "would be built and pushed"), None
    uri = repository["repositoryUri"]
    known = ecr.find_image(call.aws, desired["repository"], tag)
    if known is not None:
        return _listed(call, _answer(False, uri, tag, known["imageDigest"], "in the registry already"), known)
    if call.check_mode:
        return _answer(True, uri, tag, None, "would be built and pushed"), None
    engine = build.Engine(build.find_engine(desired["engine"]), call.progress.line)
    reference = f"{uri}:{tag}"
    if desired["version_arg"]:
        planned = build.Build(
            planned.context,
            planned.containerfile,
            {desired["version_arg"]: tag, **planned.args},
            planned.platform,
            planned.isolation,
        )
    call.progress.line(f"building {reference} with {engine.name}")
    engine.build(planned, reference, {"org.opencontainers.image.version": tag, **desired["labels"]})
    meanwhile = _pushed_meanwhile(call, engine, reference, tag)
    if meanwhile is not None:
        return _listed(
            call, _answer(False, uri, tag, meanwhile["imageDigest"], "pushed by another run meanwhile"), meanwhile
        )
    pushed = ecr.find_image(call.aws, desired["repository"], tag)
    if pushed is None:
        raise Failure(f"{reference} was pushed, but ECR does not list it. Was the repository changed meanwhile?")
    return _listed(
        call, _answer(True, uri, tag, pushed["imageDigest"], f"built and pushed with {engine.name}"), pushed, engine
    )


def _pushed_meanwhile(call: Invocation, engine: build.Engine, reference: str, tag: str) -> dict[str, Any] | None:
    """Push the image; or return what ECR has under its tag by now, where a run of another service built the same content.

    Tags are immutable: the registry refuses the second push, and a mutable tag would move under the first one's release.
    """
    repository = call.params["repository"]
    there = ecr.find_image(call.aws, repository, tag)
    if there is not None:
        return there
    try:
        with engine.logged_in(*ecr.login(call.aws)):
            call.progress.line(f"pushing {reference}")
            engine.push(reference)
    except Failure:
        there = ecr.find_image(call.aws, repository, tag)
        if there is None:
            raise
        call.progress.line(f"{reference} was pushed by another run meanwhile: using {there['imageDigest'][:19]}")
        return there
    return None


def _listed(
    call: Invocation, answer: dict[str, Any], found: dict[str, Any], builder: build.Engine | None = None
) -> Answer:
    """Attach an SBOM if a command is given; an image that is not on this machine is pulled first."""
    if not call.params.get("sbom_command"):
        return answer, found
    repository, digest = found["repositoryName"], found["imageDigest"]
    attached = sbom.find(call, repository, digest)
    if attached is not None:
        return {**answer, "sbom": attached}, found
    if not call.check_mode:
        reference = f"{answer['image']['repository_uri']}:{answer['image']['tag']}"
        attached = sbom.attach(call, repository, digest, builder or _pulled(call, reference), reference)
    return {**answer, "changed": True, "sbom": attached}, found


def _pulled(call: Invocation, reference: str) -> build.Engine:
    engine = build.Engine(build.find_engine(call.params["engine"]), call.progress.line)
    with engine.logged_in(*ecr.login(call.aws)):
        engine.pull(reference)
    return engine


def _prebuilt(call: Invocation) -> Answer:
    """The digest of an image of this account's ECR, of another account's, or of any other registry."""
    image = call.params["image"]
    named = parse(image)
    if named is None:
        raise Failure(f"service_image is {image!r}; expected REPOSITORY:TAG, REPOSITORY@sha256:… or both.")
    # A tag that is asked for on the command line wins over the digest of the inventory.
    reference = replace(named, tag=call.params["tag"] or named.tag, digest=None if call.params["tag"] else named.digest)
    if reference.which is None:
        raise Failure(f"service_image {image} names neither a tag nor a digest. Add :TAG, or pass -e image_tag=TAG.")
    name = _own_repository(call, reference)
    if name is not None:
        return _of_own_ecr(call, reference, name)
    if reference.digest:
        return _answer(False, reference.repository, reference.tag or "", reference.digest, "named by digest"), None
    digest = _digest_of_account(call, reference, *reference.ecr) if reference.ecr else _digest_of_registry(reference)
    return _answer(False, reference.repository, reference.tag or "", digest, f"found in {reference.host}"), None


def _of_own_ecr(call: Invocation, reference: Reference, name: str) -> Answer:
    desired = str(reference.which)
    found = ecr.find_image(call.aws, name, desired)
    if found is None and not reference.host and ecr.find_repository(call.aws, name) is None:
        raise Failure(_no_such_repository(call, reference))
    if found is None:
        raise Failure(
            f"Image {reference.repository}{'@' if desired.startswith('sha256:') else ':'}{desired} does not exist in ECR repository "
            f"{name}. `aws ecr list-images --repository-name {name}` lists what does."
        )
    tags = found.get("imageTags") or [""]
    chosen = (
        reference.tag
        if reference.tag in tags
        else min(tags, key=lambda candidate: candidate.startswith(ecr.RELEASED_PREFIX))
    )
    return _answer(False, reference.repository, chosen or "", found["imageDigest"], "found in the registry"), found


def _no_such_repository(call: Invocation, reference: Reference) -> str:
    """A name without a host is one of this account's ECR; many a reader knows it as Docker Hub's."""
    hub = reference.repository if "/" in reference.repository else f"library/{reference.repository}"
    separator = "@" if reference.digest else ":"
    return (
        f"There is no ECR repository {reference.repository} in {call.aws.region}, where a name without a registry is looked up. For the "
        f"image of Docker Hub set service_image to docker.io/{hub}{separator}{reference.which}; for one of your own push it to ECR first, "
        "or set registry_build."
    )


def _digest_of_account(call: Invocation, reference: Reference, account: str, region: str) -> str:
    """An image of another account's ECR, or of another region's: its repository policy has to let this identity read it."""
    found = ecr.find_image(call.aws.elsewhere(region), reference.name, str(reference.which), account)
    if found is None:
        raise Failure(
            f"There is no image {reference.name}:{reference.tag} in the ECR of account {account} in {region}."
        )
    return str(found["imageDigest"])


def _digest_of_registry(reference: Reference) -> str:
    try:
        return OtherRegistry(reference).manifest(str(reference.tag))[0]
    except Unreachable as cause:
        raise Failure(
            f"The tag of service_image {reference.repository}:{reference.tag} could not be resolved: {cause}. Name the image by digest "
            f"({reference.repository}@sha256:…; `skopeo inspect docker://{reference.repository}:{reference.tag}` shows it), or log this "
            f"machine in to {reference.host} (`podman login` or `docker login`)."
        ) from cause


def _own_repository(call: Invocation, reference: Reference) -> str | None:
    """The name in this account's ECR of a repository URI or bare name; None where it is of another registry."""
    if not reference.host:
        return reference.repository
    if (reference.ecr and reference.ecr[1] != call.aws.region) or not reference.may_be_in_ecr:
        return None
    found = ecr.find_repository(call.aws, reference.name)
    if found is not None and found["repositoryUri"] == reference.repository:
        return reference.name
    if reference.ecr and found is None and reference.ecr[0] == sts.caller(call.aws)["account"]:
        raise Failure(
            f"There is no ECR repository {reference.name} in {call.aws.region}; service_image names {reference.repository}."
        )
    return None


def _answer(changed: bool, uri: str, tag: str, digest: str | None, how: str) -> dict[str, Any]:
    reference = f"{uri}@{digest}" if digest else None
    image: Mapping[str, Any] = {"repository_uri": uri, "tag": tag, "digest": digest, "reference": reference}
    return {"changed": changed, "image": image, "how": how}
