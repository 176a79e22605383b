"""Service Connect as ECS checks it: a port has a name in the task definition, and a name is one service's in its namespace."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.api.ecs_services import refuse_names
from sandbox.errors import ApiError

DEFINITION = {"containerDefinitions": [{"name": "app", "portMappings": [{"containerPort": 80, "name": "port-80"}]}]}


def connect(name: str = "scores", namespace: str = "ns-1", port: str = "port-80") -> dict[str, Any]:
    services = [{"portName": port, "discoveryName": name}]
    return {"enabled": True, "namespace": namespace, "services": services}


def test_a_port_without_a_name_cannot_be_served() -> None:
    with pytest.raises(ApiError, match="port-81 is not the name of a port mapping"):
        refuse_names(connect(port="port-81"), DEFINITION, [])


def test_two_services_cannot_have_one_name_in_a_namespace() -> None:
    with pytest.raises(ApiError, match="scores is already in use in namespace ns-1"):
        refuse_names(connect(), DEFINITION, [{}, connect()])


@pytest.mark.parametrize(
    ("asked", "others"),
    [
        pytest.param(connect(), [connect(namespace="ns-2")], id="another namespace"),
        pytest.param(connect(), [connect(name="board")], id="another name"),
        pytest.param(connect(), [{**connect(), "enabled": False}], id="switched off there"),
        pytest.param({"enabled": True, "namespace": "ns-1"}, [connect()], id="a client"),
        pytest.param({"enabled": False}, [connect()], id="switched off"),
        pytest.param({}, [connect()], id="nothing said"),
    ],
)
def test_what_is_valid_passes(asked: dict[str, Any], others: list[dict[str, Any]]) -> None:
    refuse_names(asked, DEFINITION, others)
