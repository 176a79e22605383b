# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure an image in ECR and return its digest: build and push it if it is missing, or look up a prebuilt one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from ..aws import ecr
from ..aws.errors import Failure
from ..common.invocation import Invocation
from . import build, sbom
from . import ecr_scan_gate as scan_gate

_REFERENCE = re.compile(
    r"^(?P<repository>[^@]+?)(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?$"
)
# What the module returns, and what ECR says of the image where it is in ECR already.
Answer: TypeAlias = "tuple[dict[str, Any], dict[str, Any] | None]"

_ECR_HOST = re.compile(r"^\d{12}\.dkr[.-]ecr")


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
    asked = {**call.params, **gate, "repository": name, "digest": image["digest"]}
    found = scan_gate.run(replace(call, params=asked))
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
    """A reference of this account's ECR is looked up; of another registry it must carry its digest."""
    image = call.params["image"]
    parts = _REFERENCE.match(image)
    if parts is None:
        raise Failure(f"service_image is {image!r}; expected REPOSITORY:TAG, REPOSITORY@sha256:… or both.")
    name = _repository_name(call, parts["repository"])
    tag = call.params["tag"] or parts["tag"]
    if name is None:
        if parts["digest"] is None:
            raise Failure(
                f"service_image {image} is not in this account's ECR, so its tag cannot be resolved from here. Name it by "
                "digest (REPOSITORY@sha256:…); `skopeo inspect docker://IMAGE` shows it."
            )
        return _answer(False, parts["repository"], tag or "", parts["digest"], "named by digest"), None
    # A tag that is asked for on the command line wins over the digest of the inventory.
    desired = call.params["tag"] or parts["digest"] or tag
    if desired is None:
        raise Failure(f"service_image {image} names neither a tag nor a digest. Add :TAG, or pass -e image_tag=TAG.")
    found = ecr.find_image(call.aws, name, desired)
    if found is None:
        raise Failure(
            f"Image {parts['repository']}{'@' if desired.startswith('sha256:') else ':'}{desired} does not exist in ECR repository "
            f"{name}. `aws ecr list-images --repository-name {name}` lists what does."
        )
    tags = found.get("imageTags") or [""]
    chosen = tag if tag in tags else min(tags, key=lambda candidate: candidate.startswith(ecr.RELEASED_PREFIX))
    return _answer(False, parts["repository"], chosen, found["imageDigest"], "found in the registry"), found


def _repository_name(call: Invocation, repository: str) -> str | None:
    """The name in ECR of a repository URI or bare name; None where it is of another registry."""
    host, slash, name = repository.partition("/")
    if not slash or not ("." in host or ":" in host):
        return repository
    found = ecr.find_repository(call.aws, name)
    if found is not None and found["repositoryUri"] == repository:
        return name
    if found is None and _ECR_HOST.match(host):
        raise Failure(f"There is no ECR repository {name} in {call.aws.region}; service_image names {repository}.")
    return None


def _answer(changed: bool, uri: str, tag: str, digest: str | None, how: str) -> dict[str, Any]:
    reference = f"{uri}@{digest}" if digest else None
    image: Mapping[str, Any] = {"repository_uri": uri, "tag": tag, "digest": digest, "reference": reference}
    return {"changed": changed, "image": image, "how": how}
