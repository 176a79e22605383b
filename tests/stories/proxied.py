"""The arcade reached through a proxy that loses, delays, refuses and garbles single calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.fault_proxy import FaultProxy, fault_proxy

from .arcade import Arcade


@pytest.fixture
def proxy(arcade: Arcade) -> Iterator[FaultProxy]:
    with fault_proxy(arcade.stage.environment["AWS_ENDPOINT_URL"]) as made:
        yield made


def through(arcade: Arcade, proxy: FaultProxy) -> Arcade:
    """The same service, reached through the proxy."""
    made = Arcade(arcade.stage)
    made.player = replace(arcade.player, environment={**arcade.player.environment, "AWS_ENDPOINT_URL": proxy.url})
    return made
