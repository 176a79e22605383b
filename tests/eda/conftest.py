"""The stage of the stories, for what runs beside the playbooks."""

from __future__ import annotations

from tests.stories.arcade import arcade
from tests.stories.conftest import deployed, player, stage

__all__ = ["arcade", "deployed", "player", "stage"]
