"""How overlays attach to moto, and how a request is recognised."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from sandbox.api.overlay import OverlayMismatch, patch
from sandbox.api.server import identify
from sandbox.config import Settings

SETTINGS = Settings(home=Path("/nowhere"), prefix="127.77", engine="podman", network="pear-test")
SIGNED = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/eu-west-1/{}/aws4_request, SignedHeaders=host, Signature=0"


class Backend:
    def describe(self, name: str) -> str:
        return f"moto's {name}"


def test_a_patch_is_given_the_original() -> None:
    owner = type("Backend", (Backend,), {"describe": Backend.describe})

    @patch(owner, "describe", ("self", "name"))
    def describe(original: Any, self: Any, name: str) -> str:
        return f"truly {original(self, name)}"

    assert owner().describe("x") == "truly moto's x"


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("describe", ("self", "identifier"), r"takes \['self', 'name'\]"),
        ("gone", ("self",), "has no gone any more"),
    ],
)
def test_a_patch_refuses_what_it_was_not_written_for(name: str, parameters: tuple[str, ...], said: str) -> None:
    with pytest.raises(OverlayMismatch, match=said):
        patch(Backend, name, parameters)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            {"HTTP_X_AMZ_TARGET": "AmazonEC2ContainerServiceV20141113.DescribeServices", "signed": "ecs"},
            ("ecs", "DescribeServices"),
        ),
        (
            {
                "CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-8",
                "body": b"Action=DescribeRules&Version=2015-12-01",
                "signed": "elasticloadbalancing",
            },
            ("elasticloadbalancing", "DescribeRules"),
        ),
        (
            {"PATH_INFO": "/service/GraniteServiceVersion20100801/operation/GetMetricData", "signed": "monitoring"},
            ("cloudwatch", "GetMetricData"),
        ),
        (
            {
                "CONTENT_TYPE": "application/x-www-form-urlencoded",
                "body": b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15",
                "signed": "sts",
            },
            ("sts", "AssumeRoleWithWebIdentity"),
        ),
        (
            {"PATH_INFO": "/2015-02-01/file-systems", "REQUEST_METHOD": "POST", "signed": "elasticfilesystem"},
            ("elasticfilesystem", "CreateFileSystem"),
        ),
    ],
)
def test_a_request_tells_service_operation_and_caller(environ: dict[str, Any], expected: tuple[str, str]) -> None:
    body = environ.pop("body", b"")
    signed = SIGNED.format(environ.pop("signed"))
    request = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "HTTP_AUTHORIZATION": signed,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **environ,
    }
    service, operation, context = identify(request, SETTINGS)
    assert (service, operation) == expected
    assert (context.region, context.access_key) == ("eu-west-1", "AKIAEXAMPLE")
    assert request["wsgi.input"].read() == body, "the body is put back for whoever reads it next"


def test_a_call_that_a_token_vouches_for_is_of_sts_without_a_signature() -> None:
    """Otherwise no trust policy would be looked at: the caller has no key that says which service is meant."""
    body = b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
    request = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-8",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    service, operation, context = identify(request, SETTINGS)
    assert (service, operation, context.access_key) == ("sts", "AssumeRoleWithWebIdentity", "")
