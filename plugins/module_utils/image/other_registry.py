# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Registries that are not ECR's: digest and platforms of an image, read by the API that all of them have.

As anybody, or with what `docker login` or `podman login` left on this machine. Proxies are those of HTTPS_PROXY and NO_PROXY.
https://github.com/opencontainers/distribution-spec/blob/main/spec.md
https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..aws.ecr import MANIFESTS, digest_of
from ..aws.errors import Failure
from .reference import Reference

_TIMEOUT_SECONDS = 8
_LARGEST = 8_000_000
# Where the name of a registry is not its address.
_ADDRESSES = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}
# Docker's name of its own registry in files of credentials.
_LOGINS = {"docker.io": ("https://index.docker.io/v1/", "docker.io")}
_HELPER = re.compile(r"[A-Za-z0-9._-]+")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


class Unreachable(Failure):
    """The registry did not answer, or not with the image. Says why."""


class Missing(Unreachable):
    """The registry answered that it has no such image."""


class OtherRegistry:
    """One repository of one registry."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        address = _ADDRESSES.get(reference.host, reference.host)
        self._base = f"https://{address}/v2/{reference.name}"
        self._authorization = ""

    def manifest(self, which: str) -> tuple[str, dict[str, Any]]:
        """Digest and manifest of an image, or of a list of images, by tag or digest."""
        content = self._get(f"{self._base}/manifests/{which}", ", ".join(MANIFESTS))
        digest = digest_of(content)
        if which.startswith("sha256:") and digest != which:
            raise Unreachable(f"{self.reference.host} answered other content for {which}")
        return digest, self._json(content)

    def configuration(self, digest: str) -> dict[str, Any]:
        return self._json(self._get(f"{self._base}/blobs/{digest}", "*/*"))

    def _json(self, content: bytes) -> dict[str, Any]:
        try:
            found = json.loads(content)
        except ValueError as cause:
            raise Unreachable(f"{self.reference.host} answered something that is no JSON") from cause
        if not isinstance(found, dict):
            raise Unreachable(f"{self.reference.host} answered JSON that is no manifest")
        return found

    def _get(self, url: str, accept: str) -> bytes:
        try:
            return _read(url, accept, self._authorization)
        except urllib.error.HTTPError as refused:
            if refused.code != 401 or self._authorization:
                raise self._why(refused) from refused
            challenge = refused.headers.get("WWW-Authenticate", "")
        except (OSError, ValueError) as cause:
            raise Unreachable(f"{self.reference.host} can't be reached from here ({cause})") from cause
        try:
            self._authorization = self._login(challenge)
            return _read(url, accept, self._authorization)
        except urllib.error.HTTPError as refused:
            raise self._why(refused) from refused
        except (OSError, ValueError, KeyError, subprocess.TimeoutExpired) as cause:
            raise Unreachable(f"{self.reference.host} can't be reached from here ({cause})") from cause

    def _login(self, challenge: str) -> str:
        basic = credentials(self.reference.host)
        known = f"Basic {basic}" if basic else ""
        scheme, _space, rest = challenge.partition(" ")
        if scheme.lower() != "bearer":
            return known
        parameters = dict(_CHALLENGE.findall(rest))
        realm = parameters.pop("realm")
        if not realm.startswith("https://"):
            raise ValueError(f"its login is at {realm}, which is not https")
        query = {"scope": f"repository:{self.reference.name}:pull", **parameters}
        answer = json.loads(_read(f"{realm}?{urllib.parse.urlencode(query)}", "application/json", known))
        return f"Bearer {answer.get('token') or answer['access_token']}"

    def _why(self, refused: urllib.error.HTTPError) -> Unreachable:
        host, name = self.reference.host, self.reference.name
        if refused.code in (401, 403):
            return Unreachable(
                f"{host} requires a login to read {name}, or there is no such repository (HTTP {refused.code})"
            )
        if refused.code == 404:
            return Missing(f"{host} has no such image in {name}")
        if refused.code == 429:
            return Unreachable(f"{host} takes no more requests from here for now (HTTP 429)")
        return Unreachable(f"{host} answered {refused.code}")


def _read(url: str, accept: str, authorization: str) -> bytes:
    request = urllib.request.Request(url, headers={"Accept": accept})  # https, by construction
    if authorization:
        # Not for where a redirect leads: a store of layers refuses a login that it does not know.
        request.add_unredirected_header("Authorization", authorization)
    with urllib.request.build_opener().open(request, timeout=_TIMEOUT_SECONDS) as answer:
        return bytes(answer.read(_LARGEST))


def credentials(host: str) -> str:
    """User and password in the form that HTTP takes, from the files and helpers of container engines; empty where there are none."""
    names = _LOGINS.get(host, (host, f"https://{host}"))
    for file in _files():
        if file.is_file():
            try:
                known: Mapping[str, Any] = json.loads(file.read_text())
            except ValueError as wrong:
                raise Failure(f"{file}, which holds logins of registries, is no JSON: {wrong}.") from wrong
            logins = known.get("auths") or {}
            written = next((str(logins[name]["auth"]) for name in names if logins.get(name, {}).get("auth")), "")
            helper = (known.get("credHelpers") or {}).get(host) or known.get("credsStore") or ""
            if found := written or _from_helper(str(helper), names):
                return found
    return ""


def _from_helper(helper: str, names: Sequence[str]) -> str:
    """What a program keeps that the engine hands its logins to, such as the keychain of a desktop.

    https://github.com/docker/docker-credential-helpers
    """
    program = shutil.which(f"docker-credential-{helper}") if _HELPER.fullmatch(helper) else None
    for name in names if program else ():
        ended = subprocess.run(
            [str(program), "get"], input=name, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
        )
        if ended.returncode:
            # It has no login of this registry.
            continue
        found = json.loads(ended.stdout)
        return base64.b64encode(f"{found['Username']}:{found['Secret']}".encode()).decode()
    return ""


def _files() -> list[Path]:
    given = [os.environ.get("REGISTRY_AUTH_FILE"), os.environ.get("XDG_RUNTIME_DIR"), os.environ.get("DOCKER_CONFIG")]
    files = [Path(given[0])] if given[0] else []
    files += [Path(given[1]) / "containers/auth.json"] if given[1] else []
    return [*files, (Path(given[2]) if given[2] else Path.home() / ".docker") / "config.json"]
