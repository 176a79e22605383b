"""What the load balancer answers by itself: errors, fixed responses, redirects; and its cookies."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from http import HTTPStatus

from .http1 import Head, encode_head
from .state import FixedResponse, Redirect, RequestView

SERVER = ("Server", "awselb/2.0")
TARGET_GROUP_COOKIE = "AWSALBTG"
TARGET_COOKIE = "AWSALB"


def phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def whole(status: int, headers: list[tuple[str, str]], body: bytes, keep: bool) -> bytes:
    """A complete response of the load balancer itself."""
    own = [SERVER, ("Date", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()))]
    length = [("Content-Length", str(len(body))), ("Connection", "keep-alive" if keep else "close")]
    return encode_head(f"HTTP/1.1 {status} {phrase(status)}", [*own, *headers, *length]) + body


def error(status: int, keep: bool) -> bytes:
    title = f"{status} {phrase(status)}"
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    return whole(status, [("Content-Type", "text/html")], page.encode(), keep)


def fixed(action: FixedResponse, keep: bool) -> bytes:
    return whole(action.status, [("Content-Type", action.content_type)], action.body.encode(), keep)


def redirect(action: Redirect, request: RequestView, protocol: str, port: int, keep: bool) -> bytes:
    """A redirect with #{protocol}, #{host}, #{port}, #{path} and #{query} filled in; a scheme's own port is left out."""
    values = {
        "#{protocol}": protocol.lower(),
        "#{host}": request.host,
        "#{port}": str(port),
        "#{path}": request.path.lstrip("/"),
        "#{query}": request.query,
    }

    def fill(text: str) -> str:
        for name, value in values.items():
            text = text.replace(name, value)
        return text

    scheme, target_port, query = fill(action.protocol).lower(), fill(action.port), fill(action.query)
    host = fill(action.host) + ("" if target_port == {"http": "80", "https": "443"}.get(scheme) else f":{target_port}")
    location = f"{scheme}://{host}{fill(action.path)}" + (f"?{query}" if query else "")
    return whole(action.status, [("Location", location)], b"", keep)


def trace_id() -> str:
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"


def cookie(name: str, value: str, seconds: int) -> tuple[str, str]:
    expires = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + seconds))
    return "Set-Cookie", f"{name}={base64.urlsafe_b64encode(value.encode()).decode()}; Expires={expires}; Path=/"


def read_cookie(head: Head, name: str) -> str | None:
    for pair in head.fields.get("cookie", "").split(";"):
        key, _, value = pair.strip().partition("=")
        if key == name:
            try:
                return base64.urlsafe_b64decode(value).decode()
            except (binascii.Error, UnicodeDecodeError):
                return None
    return None
