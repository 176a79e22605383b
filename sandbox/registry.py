"""The registry front: ECR's manners in front of a CNCF distribution registry, which keeps the images.

Login with the token of GetAuthorizationToken; a repository must have been created through the API; a tag of a repository
with immutable tags is never overwritten; every pushed manifest is told to the API, which lists it as an image from then on.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hmac
import json
import re
import signal
from pathlib import Path

import aiohttp
from aiohttp import web

from .api.ecr import token
from .config import Settings

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


class Front:
    """Checks each request, then hands it on and the answer back, as streams."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.backend = f"http://{settings.api_address}:{settings.registry_backend_port}"
        self._credential = b"AWS:" + token(settings).encode()
        self.session: aiohttp.ClientSession

    async def open(self, application: web.Application) -> None:
        self.session = aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None))

    async def close(self, application: web.Application) -> None:
        await self.session.close()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if not self._authorized(request):
            return _error(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": 'Basic realm="ECR"'})
        route = _ROUTE.match(request.path)
        if route is None:
            return await self._pass_on(request)
        repository = await self._repository(route["name"])
        if repository is None:
            account = self.settings.account
            said = f"The repository with name '{route['name']}' does not exist in the registry with id '{account}'"
            return _error(404, "NAME_UNKNOWN", said)
        if request.method == "PUT" and route["kind"] == "manifests":
            return await self._put_manifest(request, route["name"], route["rest"], repository)
        return await self._pass_on(request)

    def _authorized(self, request: web.Request) -> bool:
        scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            return hmac.compare_digest(base64.b64decode(sent), self._credential)
        except ValueError:
            return False

    async def _repository(self, name: str) -> dict[str, object] | None:
        url = f"{self.settings.endpoint}/_sandbox/ecr/repository"
        async with self.session.get(url, params={"name": name}) as answer:
            if answer.status == 404:
                return None
            answer.raise_for_status()
            return await answer.json(content_type=None)

    async def _put_manifest(
        self, request: web.Request, name: str, reference: str, repository: dict[str, object]
    ) -> web.StreamResponse:
        manifest = await request.read()
        tags = repository["tags"]
        tag = None if reference.startswith("sha256:") else reference
        assert isinstance(tags, dict)
        if tag in tags and str(repository["mutability"]).startswith("IMMUTABLE"):
            said = (
                f"The image tag '{tag}' already exists in the '{name}' repository and cannot be overwritten because the "
                "tag is immutable."
            )
            return _error(400, "TAG_INVALID", said)
        headers = {"Content-Type": request.headers.get("Content-Type", "")}
        async with self.session.put(f"{self.backend}{request.path_qs}", data=manifest, headers=headers) as kept:
            if kept.status == 201:
                pushed = {
                    "repository": name,
                    "tag": tag,
                    "digest": kept.headers["Docker-Content-Digest"],
                    "manifest": manifest.decode(),
                    "media_type": headers["Content-Type"],
                }
                async with self.session.post(f"{self.settings.endpoint}/_sandbox/ecr/pushed", json=pushed) as told:
                    told.raise_for_status()
            return web.Response(status=kept.status, body=await kept.read(), headers=self._headers(kept))

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        # Pairs, not a dict: clients send several Accept headers.
        headers = [(key, value) for key, value in request.headers.items() if key.lower() not in _HOP_BY_HOP]
        body = request.content.iter_chunked(_CHUNK) if request.can_read_body else None
        url = f"{self.backend}{request.path_qs}"
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
            key: value.replace(self.backend, front)
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
