"""The password of a sandbox's image registry: ECR gives it, the registry's front and the engine use it."""

from __future__ import annotations

import secrets

from .config import Settings


def token(settings: Settings) -> str:
    """The password that opens the registry; made once per sandbox, readable by its owner only."""
    path = settings.home / "registry" / "token"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32))
    return path.read_text()
