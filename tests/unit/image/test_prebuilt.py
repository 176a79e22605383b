"""Prebuilt images: of this account's ECR, of another account's, and of any other registry; by tag and by digest, through proxies."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import socket
import threading
import urllib.error
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from queue import Queue
from typing import Any

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import ecr
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError, Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.image import container_image, other_registry, platform
from ansible_collections.pear.fargate.plugins.module_utils.image.reference import is_elsewhere, parse
from moto import mock_aws

from ..progress import Lines
from .manifests import MANIFEST

REGION = "eu-central-1"
DIGEST = "sha256:" + 64 * "a"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield Aws({"region": REGION})


def prebuilt(aws: Aws, image: str, tag: str | None = None) -> dict[str, Any]:
    return container_image.run(Invocation({"image": image, "tag": tag}, aws))["image"]


def push(name: str, region: str = REGION) -> tuple[str, str]:
    client = boto3.client("ecr", region)
    uri = client.create_repository(repositoryName=name)["repository"]["repositoryUri"]
    made = client.put_image(repositoryName=name, imageManifest=MANIFEST, imageTag="1.0")
    return uri, made["image"]["imageId"]["imageDigest"]


@pytest.mark.parametrize(
    ("image", "host", "name", "which"),
    [
        ("nginx:1.27", "", "nginx", "1.27"),
        ("team/app@" + DIGEST, "", "team/app", DIGEST),
        ("docker.io/nginx:1", "docker.io", "library/nginx", "1"),
        ("ghcr.io/a/b:1@" + DIGEST, "ghcr.io", "a/b", DIGEST),
        ("localhost:5000/a:1", "localhost:5000", "a", "1"),
        (
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a/b",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            "a/b",
            None,
        ),
    ],
)
def test_a_reference_names_registry_repository_tag_and_digest(
    image: str, host: str, name: str, which: str | None
) -> None:
    named = parse(image)
    assert named is not None
    assert (named.host, named.name, named.which) == (host, name, which)


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", ("123456789012", "eu-west-1")),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", ("123456789012", "us-gov-west-1")),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", ("123456789012", "cn-north-1")),
        ("123456789012.dkr-ecr.eu-west-1.on.aws", ("123456789012", "eu-west-1")),
        ("public.ecr.aws", None),
    ],
)
def test_private_registries_of_ecr_are_known_by_their_host(host: str, place: Any) -> None:
    named = parse(f"{host}/a:1")
    assert named is not None and named.ecr == place


def test_an_image_of_this_account_is_looked_up(aws: Aws) -> None:
    uri, digest = push("website")
    for image in (f"{uri}:1.0", "website:1.0", f"{uri}@{digest}"):
        assert prebuilt(aws, image)["digest"] == digest
    with pytest.raises(Failure, match="does not exist in ECR repository website"):
        prebuilt(aws, f"{uri}:2.0")


@pytest.mark.parametrize(
    ("image", "hint"), [("nginx:1.27", "docker.io/library/nginx:1.27"), ("grafana/loki:3", "docker.io/grafana/loki:3")]
)
def test_a_name_of_docker_hub_gets_a_sentence_that_says_what_to_do(aws: Aws, image: str, hint: str) -> None:
    with pytest.raises(Failure) as refused:
        prebuilt(aws, image)
    assert f"There is no ECR repository {image.partition(':')[0]} in {REGION}" in str(refused.value)
    assert f"set service_image to {hint};" in str(refused.value)


@pytest.mark.parametrize(
    ("image", "elsewhere"),
    [
        ("", False),
        (None, False),
        ("web:1.27", False),
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:1.27", False),
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/web:1.27", True),
        ("public.ecr.aws/nginx/web:1.27", True),
        ("ghcr.io/team/web", True),
        ("localhost:5000/web", True),
    ],
)
def test_an_image_of_another_registry_needs_no_repository(image: str | None, elsewhere: bool) -> None:
    assert is_elsewhere(image, "web") is elsewhere


def test_another_account_and_another_region_by_digest_need_no_permission(aws: Aws) -> None:
    for host in (f"210987654321.dkr.ecr.{REGION}.amazonaws.com", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"):
        assert prebuilt(aws, f"{host}/website@{DIGEST}")["reference"] == f"{host}/website@{DIGEST}"


def test_another_account_by_tag_is_read_with_its_registry_id(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def find(client: Aws, repository: str, reference: str, account: str | None = None) -> dict[str, Any] | None:
        asked.append((client.region, repository, reference, account))
        return {"imageDigest": DIGEST}

    monkeypatch.setattr(ecr, "find_image", find)
    image = "210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/website:1.0"
    assert prebuilt(aws, image)["digest"] == DIGEST
    assert asked == [("eu-west-1", "team/website", "1.0", "210987654321")]


def test_a_repository_that_this_account_lacks_is_named(aws: Aws) -> None:
    with pytest.raises(Failure, match=f"There is no ECR repository gone in {REGION}"):
        prebuilt(aws, f"123456789012.dkr.ecr.{REGION}.amazonaws.com/gone@{DIGEST}")


class Registry:
    """A registry that wants a token, as Docker Hub, ghcr.io and public.ecr.aws do."""

    def __init__(self, content: dict[str, bytes], basic: str = "") -> None:
        self.content, self.basic, self.asked = content, basic, []

    def __call__(self, url: str, accept: str, authorization: str) -> bytes:
        self.asked.append((url, authorization))
        if url.startswith("https://login.example.com/"):
            if authorization != (f"Basic {self.basic}" if self.basic else ""):
                raise _refused(url, 401)
            return b'{"token": "t"}'
        if authorization != "Bearer t":
            raise _refused(url, 401, 'Bearer realm="https://login.example.com/token",service="s"')
        found = self.content.get(url.rpartition("/")[2])
        if found is None:
            raise _refused(url, 404)
        return found


def _refused(url: str, status: int, challenge: str = "") -> urllib.error.HTTPError:
    headers = Message()
    headers["WWW-Authenticate"] = challenge
    return urllib.error.HTTPError(url, status, "", headers, io.BytesIO())


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


CONFIGURATION = json.dumps({"os": "linux", "architecture": "arm64"}).encode()
IMAGE = json.dumps({"config": {"digest": digest_of(CONFIGURATION)}}).encode()
INDEX = json.dumps(
    {"manifests": [{"platform": {"os": "linux", "architecture": one}} for one in ("amd64", "unknown")]}
).encode()


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Registry:
    content = {"1.27": IMAGE, digest_of(IMAGE): IMAGE, digest_of(CONFIGURATION): CONFIGURATION, digest_of(INDEX): INDEX}
    made = Registry(content)
    monkeypatch.setattr(other_registry, "_read", made)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    return made


def test_a_tag_of_a_public_registry_is_resolved_as_anybody(aws: Aws, registry: Registry) -> None:
    found = prebuilt(aws, "docker.io/nginx:1.27")
    assert found["reference"] == f"docker.io/nginx@{digest_of(IMAGE)}"
    assert registry.asked[0] == ("https://registry-1.docker.io/v2/library/nginx/manifests/1.27", "")
    assert registry.asked[1][0].startswith("https://login.example.com/token?scope=repository%3Alibrary%2Fnginx%3Apull")


def test_what_a_login_left_on_this_machine_is_used(aws: Aws, registry: Registry, tmp_path: Path) -> None:
    registry.basic = base64.b64encode(b"user:word").decode()
    with pytest.raises(Failure, match="requires a login to read library/nginx") as refused:
        prebuilt(aws, "docker.io/nginx:1.27")
    assert "by digest (docker.io/nginx@sha256:…;" in str(refused.value)
    (tmp_path / "config.json").write_text(
        json.dumps({"auths": {"https://index.docker.io/v1/": {"auth": registry.basic}}})
    )
    assert prebuilt(aws, "docker.io/nginx:1.27")["digest"] == digest_of(IMAGE)


@pytest.mark.parametrize(
    "config", [{"credsStore": "keychain"}, {"credHelpers": {"docker.io": "keychain"}, "credsStore": "none"}]
)
def test_a_login_that_an_engine_s_helper_keeps_is_used(
    aws: Aws, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]
) -> None:
    """Docker Desktop leaves the registry's name in its file, and the password in the keychain."""
    registry.basic = base64.b64encode(b"user:word").decode()
    helper = tmp_path / "docker-credential-keychain"
    helper.write_text(
        '#!/bin/sh\nread -r server\n[ "$1 $server" = "get https://index.docker.io/v1/" ] || exit 1\n'
        'echo \'{"Username": "user", "Secret": "word"}\'\n'
    )
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"https://index.docker.io/v1/": {}}, **config}))
    with pytest.raises(Failure, match="requires a login to read library/nginx"):
        prebuilt(aws, "docker.io/nginx:1.27")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert prebuilt(aws, "docker.io/nginx:1.27")["digest"] == digest_of(IMAGE)
    helper.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(Failure, match="requires a login"):
        prebuilt(aws, "docker.io/nginx:1.27")


def test_an_image_that_a_registry_lacks_is_named(aws: Aws, registry: Registry) -> None:
    with pytest.raises(Failure, match=r"ghcr.io has no such image in a/b.*skopeo inspect docker://ghcr.io/a/b:9"):
        prebuilt(aws, "ghcr.io/a/b:9")


def platforms(aws: Aws, image: str, architecture: str, said: Lines | None = None) -> list[str]:
    call = Invocation({}, aws, progress=said or Lines())
    return list(platform.findings(call, [{"name": "app", "image": image}], architecture))


def test_platforms_of_other_registries_are_compared(aws: Aws, registry: Registry) -> None:
    single, index = f"ghcr.io/a/b@{digest_of(IMAGE)}", f"ghcr.io/a/b@{digest_of(INDEX)}"
    assert platforms(aws, single, "ARM64") == [] == platforms(aws, index, "X86_64")
    assert "is built for linux/arm64, and the task runs on linux/amd64" in platforms(aws, single, "X86_64")[0]
    assert "and the task runs on linux/arm64" in platforms(aws, index, "ARM64")[0]


def test_content_that_is_not_of_its_digest_is_not_believed(aws: Aws, registry: Registry) -> None:
    registry.content[DIGEST] = INDEX
    said = Lines()
    assert platforms(aws, f"ghcr.io/a/b@{DIGEST}", "ARM64", said) == []
    assert "platform of ghcr.io/a/b not looked at: ghcr.io answered other content" in str(said.lines)


def tagged(aws: Aws, image: str, architecture: str = "ARM64", **container: Any) -> tuple[list[str], list[str]]:
    unchecked: list[str] = []
    containers = [{"name": "proxy", "image": image, **container}]
    return list(platform.by_tag(Invocation({}, aws), containers, architecture, unchecked)), unchecked


def test_a_tag_is_looked_up_where_tasks_pull_it_and_its_platform_compared(aws: Aws, registry: Registry) -> None:
    assert tagged(aws, "nginx:1.27") == tagged(aws, "ghcr.io/a/b:1.27") == ([], [])
    assert registry.asked[0][0] == "https://registry-1.docker.io/v2/library/nginx/manifests/1.27"
    ((wrong,), unchecked) = tagged(aws, "ghcr.io/a/b:1.27", "X86_64")
    assert "image ghcr.io/a/b:1.27 of container proxy is built for linux/arm64, and the task runs on" in wrong
    ((missing,), _) = tagged(aws, "nginx:1.72")
    assert missing.startswith("image nginx:1.72 of container proxy does not exist in docker.io: ")
    registry.content["latest"] = IMAGE
    assert tagged(aws, "ghcr.io/a/b") == ([], []) and unchecked == []
    assert tagged(aws, f"ghcr.io/a/b@{DIGEST}") == ([], []), "a release looks at digests"


def test_a_tag_that_cannot_be_read_from_here_is_told_and_no_finding(aws: Aws, registry: Registry) -> None:
    (found, (told,)) = tagged(aws, "ghcr.io/a/b:9", repository_credentials="arn:aws:secretsmanager:x")
    assert found == [] and told == "image ghcr.io/a/b:9 of container proxy: ghcr.io has no such image in a/b"
    registry.basic = "bG9naW4="
    (found, (told,)) = tagged(aws, "ghcr.io/a/b:1.27")
    assert found == [] and "ghcr.io requires a login to read a/b" in told


def test_a_tag_of_ecr_is_looked_up_there(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    uri, _digest = push("team/proxy")
    monkeypatch.setattr(platform.ecr, "image_configuration", lambda *_: {"architecture": "arm64"})
    assert tagged(aws, f"{uri}:1.0") == ([], [])
    ((wrong,), _) = tagged(aws, f"{uri}:1.0", "X86_64")
    assert "is built for linux/arm64" in wrong
    monkeypatch.setattr(platform.ecr, "pull_through_caches", lambda _aws, prefixes: {})
    ((missing,), unchecked) = tagged(aws, f"{uri}:2.0")
    assert missing.endswith(
        f"does not exist in the ECR of account 123456789012 in {REGION}: push it, or correct its name"
    )
    assert unchecked == []
    asked: list[str] = []
    monkeypatch.setattr(
        platform.ecr, "pull_through_caches", lambda _aws, prefixes: asked.extend(prefixes) or {"team": {}}
    )
    (found, (told,)) = tagged(aws, f"{uri}:2.0")
    assert found == [] and told.endswith("fetches it when it is pulled for the first time")
    assert asked == ["ROOT", "team"]
    elsewhere = uri.replace("123456789012", "210987654321")
    assert tagged(aws, f"{elsewhere}:1.0")[0] == []


def test_a_registry_of_another_name_that_is_this_account_s_ecr_is_asked_as_ecr(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    push("proxy")
    monkeypatch.setattr(platform.ecr, "find_repository", lambda *_: {"repositoryUri": "10.1.0.1:5000/proxy"})
    monkeypatch.setattr(platform.ecr, "image_configuration", lambda *_: {"architecture": "arm64"})
    monkeypatch.setattr(platform.ecr, "pull_through_caches", lambda *_: {})
    assert tagged(aws, "10.1.0.1:5000/proxy:1.0") == ([], [])
    assert "does not exist in ECR repository proxy" in tagged(aws, "10.1.0.1:5000/proxy:2")[0][0]


def test_platforms_of_another_account_are_read_with_its_registry_id(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def manifest(client: Aws, repository: str, digest: str, *account: str) -> dict[str, Any] | None:
        asked.append((client.region, repository, *account))
        return {"config": {"digest": "sha256:c"}} if account else None

    monkeypatch.setattr(platform.ecr, "manifest", manifest)
    monkeypatch.setattr(platform.ecr, "image_configuration", lambda *_: {"architecture": "arm64"})
    image = f"210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/a@{DIGEST}"
    assert "is built for linux/arm64" in platforms(aws, image, "X86_64")[0]
    assert asked == [(REGION, "team/a"), ("eu-west-1", "team/a", "210987654321")]


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue[str]]:
    """A proxy that writes down what it is asked for, and refuses it: on a busy machine after the client has given up."""
    lines: Queue[str] = Queue()
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                lines.put(connection.recv(4096).split(b"\r\n")[0].decode())
                with contextlib.suppress(ConnectionError):
                    connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.getsockname()[1]}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield lines
    server.close()


def test_a_registry_is_asked_through_the_proxy(aws: Aws, proxy: Queue[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Failure, match="can't be reached from here"):
        prebuilt(aws, "registry.invalid/a:1")
    assert proxy.get(timeout=300).startswith("CONNECT registry.invalid:443")
    monkeypatch.setenv("no_proxy", "registry.invalid")
    with pytest.raises(Failure, match="can't be reached from here"):
        prebuilt(aws, "registry.invalid/a:1")
    assert proxy.empty()


def test_the_store_of_ecrs_layers_is_asked_through_the_proxy(
    proxy: Queue[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Client:
        def get_download_url_for_layer(self, **_: Any) -> dict[str, str]:
            return {"downloadUrl": "https://layers.invalid/x"}

    class Account:
        def client(self, _: str) -> Client:
            return Client()

    with pytest.raises(AwsError):
        ecr.image_configuration(Account(), "a", DIGEST)  # type: ignore[arg-type]
    assert proxy.get(timeout=300).startswith("CONNECT layers.invalid:443")
