"""What the load balancer answers by itself: errors, fixed responses, redirects; and its cookies."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from .http1 import Fields, Head
from .state import FixedResponse, Login, Redirect, RequestView

SERVER = (b"Server", b"awselb/2.0")
TARGET_GROUP_COOKIE = "AWSALBTG"
TARGET_COOKIE = "AWSALB"


def phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete response of the load balancer itself."""

    status: int
    headers: Fields
    body: bytes

    @property
    def reason(self) -> bytes:
        return phrase(self.status).encode()


def whole(status: int, own: Fields, body: bytes) -> Answer:
    date = (b"Date", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()).encode())
    return Answer(status, [SERVER, date, *own, (b"Content-Length", b"%d" % len(body))], body)


def error(status: int) -> Answer:
    title = f"{status} {phrase(status)}"
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    return whole(status, [(b"Content-Type", b"text/html")], page.encode())


def fixed(action: FixedResponse) -> Answer:
    return whole(action.status, [(b"Content-Type", action.content_type.encode())], action.body.encode())


def redirect(action: Redirect, request: RequestView, protocol: str, port: int) -> Answer:
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
    return whole(action.status, [(b"Location", location.encode("latin-1"))], b"")


def login(asked: Login, request: RequestView) -> Answer:
    """Send a client without a session to the login, or refuse it."""
    if asked.unauthenticated == "deny":
        return error(401)
    query = urlencode(
        {
            "client_id": asked.client_id,
            "redirect_uri": f"https://{request.host}/oauth2/idpresponse",
            "response_type": "code",
            "scope": asked.scope,
            "state": secrets.token_urlsafe(24),
        }
    )
    location = f"{asked.endpoint}{'&' if '?' in asked.endpoint else '?'}{query}"
    return whole(302, [(b"Location", location.encode("latin-1"))], b"")


def trace_id() -> bytes:
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}".encode()


def cookie(name: str, value: str, seconds: int) -> tuple[bytes, bytes]:
    expires = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + seconds))
    encoded = base64.urlsafe_b64encode(value.encode()).decode()
    return b"Set-Cookie", f"{name}={encoded}; Expires={expires}; Path=/".encode()


def read_cookie(head: Head, name: str) -> str | None:
    for pair in head.fields.get("cookie", "").split(";"):
        key, _, value = pair.strip().partition("=")
        if key == name:
            try:
                return base64.urlsafe_b64decode(value).decode()
            except (binascii.Error, UnicodeDecodeError):
                return None
    return None
