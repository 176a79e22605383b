"""The registry front: ECR's manners in front of a CNCF distribution registry, which keeps the images.

Login with the token of GetAuthorizationToken; a repository must have been created through the API; a tag of a repository
with immutable tags is never overwritten; every pushed manifest is told to the API, which lists it as an image from then on.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import re
import signal
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from .config import Settings
from .registry_login import token

_ROUTE = re.compile(r"^/v2/(?P<name>[a-z0-9][a-z0-9._/-]*)/(?P<kind>manifests|blobs|tags|referrers)/(?P<rest>.*)$")
_HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host", "authorization"}
_CHUNK = 1 << 16


def write_configuration(settings: Settings) -> Path:
    """Write the configuration of the registry behind the front; it listens on the sandbox's own address only."""
    folder = settings.home / "registry"
    (folder / "data").mkdir(parents=True, exist_ok=True)
    path = folder / "config.yml"
    path.write_text(
        "version: 0.1\n"
        "log: {level: warn}\n"
        f"storage: {{filesystem: {{rootdirectory: {json.dumps(str(folder / 'data'))}}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: '{settings.api_address}:{settings.registry_backend_port}', secret: {json.dumps(token(settings))}}}\n"
    )
    return path


class Refused(Exception):
    """What the API said no to, as the registry says it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        known = {"RepositoryNotFoundException": (404, "NAME_UNKNOWN")}
        self.answer = (*known.get(code, (400, "TAG_INVALID")), message)


class Front:
    """Checks each request, then hands it on and the answer back, as streams."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._credential = b"AWS:" + token(settings).encode()
        self.session: aiohttp.ClientSession

    async def open(self, application: web.Application) -> None:
        self.session = aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None))

    async def close(self, application: web.Application) -> None:
        await self.session.close()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if not self._authorized(request):
            return _error(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": 'Basic realm="ECR"'})
        if request.path == "/v2/":
            return web.json_response({}, headers={"Docker-Distribution-Api-Version": "registry/2.0"})
        route = _ROUTE.match(request.path)
        if route is None or (request.method == "DELETE" and not route["rest"].startswith("uploads/")):
            said = f"{request.method} {request.path} is not supported; images are deleted by BatchDeleteImage"
            return _error(405, "UNSUPPORTED", said)
        try:
            listed = await self._ask("GET", "/_sandbox/ecr/repository", params={"name": route["name"]})
            if route["kind"] == "tags":
                return web.json_response({"name": route["name"], "tags": sorted(listed["tags"])})
            if route["kind"] == "manifests":
                if request.method == "PUT":
                    return await self._put_manifest(request, route["name"], route["rest"])
                return await self._manifest(request, route, listed)
            return await self._pass_on(request, request.path_qs)
        except Refused as refused:
            return _error(*refused.answer)
        except aiohttp.ClientConnectionError as gone:
            return _error(503, "UNAVAILABLE", f"the sandbox does not answer the registry: {gone}")

    def _authorized(self, request: web.Request) -> bool:
        scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            return hmac.compare_digest(base64.b64decode(sent), self._credential)
        except ValueError:
            return False

    async def _ask(self, method: str, path: str, **request: Any) -> Any:
        """Ask the API. Raises Refused where it says no."""
        async with self.session.request(method, f"{self.settings.endpoint}{path}", **request) as answer:
            said = await answer.json(content_type=None)
            if answer.status >= 400:
                raise Refused(said.get("__type", ""), said["message"])
            return said

    async def _manifest(self, request: web.Request, route: re.Match[str], listed: dict[str, Any]) -> web.StreamResponse:
        digest = listed["tags"].get(route["rest"], route["rest"])
        if digest not in listed["digests"]:
            return _error(404, "MANIFEST_UNKNOWN", "Requested image not found")
        return await self._pass_on(request, f"/v2/{route['name']}/manifests/{digest}")

    async def _put_manifest(self, request: web.Request, name: str, reference: str) -> web.StreamResponse:
        """Keep a manifest by its digest; the API then lists it, and holds its tag, or says that the tag must stay."""
        manifest = await request.read()
        by_digest = reference.startswith("sha256:")
        digest = reference if by_digest else f"sha256:{hashlib.sha256(manifest).hexdigest()}"
        headers = {"Content-Type": request.headers.get("Content-Type", "")}
        url = f"{self.settings.registry_backend}/v2/{name}/manifests/{digest}"
        async with self.session.put(url, data=manifest, headers=headers) as kept:
            if kept.status == 201:
                pushed = {
                    "repository": name,
                    "tag": None if by_digest else reference,
                    "digest": digest,
                    "manifest": manifest.decode(),
                    "media_type": headers["Content-Type"],
                }
                await self._ask("POST", "/_sandbox/ecr/pushed", json=pushed)
            return web.Response(status=kept.status, body=await kept.read(), headers=self._headers(kept))

    async def _pass_on(self, request: web.Request, path: str) -> web.StreamResponse:
        # Pairs, not a dict: clients send several Accept headers.
        headers = [(key, value) for key, value in request.headers.items() if key.lower() not in _HOP_BY_HOP]
        body = request.content.iter_chunked(_CHUNK) if request.can_read_body else None
        url = f"{self.settings.registry_backend}{path}"
        async with self.session.request(request.method, url, data=body, headers=headers, allow_redirects=False) as kept:
            answer = web.StreamResponse(status=kept.status, headers=self._headers(kept))
            await answer.prepare(request)
            async for chunk in kept.content.iter_chunked(_CHUNK):
                await answer.write(chunk)
            await answer.write_eof()
            return answer

    def _headers(self, kept: aiohttp.ClientResponse) -> dict[str, str]:
        """Headers of the answer; upload locations name the front instead of what lies behind it."""
        front = f"http://{self.settings.registry}"
        return {
            key: value.replace(self.settings.registry_backend, front)
            for key, value in kept.headers.items()
            if key.lower() not in _HOP_BY_HOP
        }


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"errors": [{"code": code, "message": message}]}, status=status, headers=headers)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM."""
    front = Front(settings)
    application = web.Application(client_max_size=1 << 24)
    application.on_startup.append(front.open)
    application.on_cleanup.append(front.close)
    application.router.add_route("*", "/{path:.*}", front.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, settings.api_address, settings.registry_port).start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.registry", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    asyncio.run(serve(Settings.load(parser.parse_args().home)))


if __name__ == "__main__":
    main()
