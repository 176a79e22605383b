"""The parameters of a request as botocore names them, whatever protocol it came by."""

from __future__ import annotations

import io
import json
from typing import Any

# Services that botocore names otherwise than their requests are signed.
_MODELS = {"elasticfilesystem": "efs", "elasticloadbalancing": "elbv2", "monitoring": "cloudwatch"}


def body_of(environ: dict[str, Any]) -> bytes:
    """Read the request's body once and leave a fresh copy for whoever reads it next."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    text: bytes = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(text)
    return text


def parameters_of(environ: dict[str, Any], service: str, operation: str) -> tuple[str, dict[str, Any]]:
    """The operation and its parameters. The operations of S3 are told apart here only: their paths are the same."""
    if "HTTP_X_AMZ_TARGET" in environ:
        text = body_of(environ)
        return operation, json.loads(text) if text else {}
    return _by_moto(environ, _MODELS.get(service, service), operation)


def _by_moto(environ: dict[str, Any], model: str, operation: str) -> tuple[str, dict[str, Any]]:
    """moto's reading of forms, paths, queries and XML; nothing where it does not know the request."""
    from botocore.exceptions import UnknownServiceError
    from moto.core.parse import PROTOCOL_PARSERS
    from moto.core.request import Request, determine_request_protocol
    from moto.core.routing import get_service_router
    from moto.core.utils import get_service_model
    from werkzeug.exceptions import NotFound

    # Reading a form consumes the request's body.
    request = Request({**environ, "wsgi.input": io.BytesIO(body_of(environ))})
    try:
        found, url_parameters = get_service_router(model).match(request)
        protocol = determine_request_protocol(get_service_model(model), request.content_type)
    except (UnknownServiceError, NotFound, NotImplementedError):
        return operation, {}
    parsed: dict[str, Any] = PROTOCOL_PARSERS[protocol](found).parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.get_data(),
            "url_path": request.path,
            "url_params": url_parameters,
        }
    )
    return found.name, parsed
