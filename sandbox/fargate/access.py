"""What lets a container call AWS: the endpoint, on the bridge's gateway, and the credentials of its task's role.

Fargate serves credentials at 169.254.170.2. That address would have to be one of this machine's, and there may be
several sandboxes: so they are handed over as variables, which every SDK reads before it asks anywhere.
"""

from __future__ import annotations

import threading

from ..core import Core
from ..roles import Roles
from ..wsgi import listen
from .model import Task


class Access:
    """Answers containers, once the bridge exists: that is when the first container is attached to it."""

    def __init__(self, core: Core, gateway: str) -> None:
        self._core = core
        self._gateway = gateway
        self._lock = threading.Lock()
        self._listening = False

    def ensure(self) -> None:
        with self._lock:
            if not self._listening:
                server = listen(self._core.application, self._gateway, self._core.settings.api_port)
                threading.Thread(target=server.serve_forever, name="access", daemon=True).start()
                self._listening = True

    def variables(self, task: Task) -> dict[str, str]:
        settings = self._core.settings
        told = {"AWS_REGION": settings.region, "AWS_ENDPOINT_URL": f"http://{self._gateway}:{settings.api_port}"}
        role = task.overrides.get("taskRoleArn") or task.definition.get("taskRoleArn")
        if not role:
            return told
        given = Roles(self._core).of_task(role, task.id)
        return told | {
            "AWS_ACCESS_KEY_ID": given.access_key_id,
            "AWS_SECRET_ACCESS_KEY": given.secret_access_key,
            "AWS_SESSION_TOKEN": given.session_token,
        }
