"""The task metadata endpoint, version 4: what a container can ask about itself and its task, over the bridge's gateway."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .model import Task

PORT = 51679


class Metadata:
    """Serves tasks by a token in the path, so that a container can ask about its own task only."""

    def __init__(self, region: str, account: str) -> None:
        self._region = region
        self._account = account
        self._tasks: dict[str, tuple[Task, str]] = {}
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    def ensure(self, gateway: str) -> None:
        """Begin to serve, once the bridge exists: that is when the first container is attached to it."""
        with self._lock:
            if self._server is None:
                self._server = ThreadingHTTPServer((gateway, PORT), _handler(self.answer))
                self._server.daemon_threads = True
                threading.Thread(target=self._server.serve_forever, name="metadata", daemon=True).start()

    def add(self, task: Task, container: str) -> str:
        """Return the path for ECS_CONTAINER_METADATA_URI_V4."""
        token = f"{task.id}-{container}"
        self._tasks[token] = (task, container)
        return f"/v4/{token}"

    def forget(self, task: Task) -> None:
        for token in [token for token, (known, _) in self._tasks.items() if known is task]:
            del self._tasks[token]

    def answer(self, path: str) -> dict[str, Any] | None:
        parts = path.strip("/").split("/")
        found = self._tasks.get(parts[1]) if len(parts) >= 2 and parts[0] == "v4" else None
        if found is None:
            return None
        task, name = found
        if parts[2:] == ["task"]:
            return self._task(task)
        return self._container(task, name) if len(parts) == 2 else None

    def _task(self, task: Task) -> dict[str, Any]:
        family, _, revision = task.definition["taskDefinitionArn"].rpartition("/")[2].partition(":")
        return {
            "Cluster": f"arn:aws:ecs:{self._region}:{self._account}:cluster/{task.cluster}",
            "TaskARN": f"arn:aws:ecs:{self._region}:{self._account}:task/{task.cluster}/{task.id}",
            "Family": family,
            "Revision": revision,
            "DesiredStatus": task.desired,
            "KnownStatus": task.status,
            "AvailabilityZone": task.zone,
            "LaunchType": task.launch_type,
            "Containers": [self._container(task, name) for name in task.containers],
        }

    def _container(self, task: Task, name: str) -> dict[str, Any]:
        state = task.containers[name]
        definition = next(
            container for container in task.definition["containerDefinitions"] if container["name"] == name
        )
        return {
            "DockerId": state.runtime_id,
            "Name": name,
            "Image": definition["image"],
            "ImageID": state.image_digest,
            "KnownStatus": state.status,
            "DesiredStatus": task.desired,
            "Networks": [{"NetworkMode": "awsvpc", "IPv4Addresses": [task.address]}],
            "ContainerARN": f"arn:aws:ecs:{self._region}:{self._account}:container/{task.cluster}/{task.id}/{name}",
        }


def _handler(answer: Callable[[str], dict[str, Any] | None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answer(self.path)
            body = json.dumps(found if found is not None else {"message": "not found"}).encode()
            self.send_response(200 if found is not None else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Containers may ask every few seconds."""

    return Handler
