"""Names of a service's tasks: what is refused, what ECS is asked for, and that its answer is no difference."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws import service_definition
from ansible_collections.pear.fargate.plugins.module_utils.release.options import image_digest
from ansible_collections.pear.fargate.plugins.module_utils.service.discovery import discovery_findings
from ansible_collections.pear.fargate.plugins.module_utils.service.specification import SERVICE_ARGUMENTS, Specification
from botocore.session import get_session
from botocore.validate import ParamValidator

NAMESPACE = "arn:aws:servicediscovery:eu-central-1:123456789012:namespace/ns-abcdefgh12345678"
REGISTRY = "arn:aws:servicediscovery:eu-central-1:123456789012:service/srv-abcdefgh12345678"
GROUP = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/t/1"
SERVED = {"namespace_arn": NAMESPACE, "services": [{"name": "scores", "client_port": 80, "protocol": "http"}]}
TLS = {
    "authority_arn": "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1",
    "role_arn": "arn:aws:iam::123456789012:role/tls",
}
SLOW = {"request_timeout_seconds": 120, "idle_timeout_seconds": 0}
ENCRYPTED = {**SERVED, "services": [{"name": "scores", "protocol": "http", **SLOW, "tls": TLS}]}
CLIENT = {"namespace_arn": NAMESPACE, "services": []}


def specification(**options: Any) -> Specification:
    given = {
        "environment": "local",
        "service": "app",
        "subnet_ids": ["subnet-1"],
        "security_group_ids": ["sg-1"],
        "port": 8080,
        "cpu": 256,
        "memory": 512,
        "desired_count": 1,
        "containers": [
            {"name": "app", "image": "app", "ports": [8080]},
            {"name": "proxy", "image": "p", "ports": [8080]},
        ],
        **options,
    }
    validated = ArgumentSpecValidator(SERVICE_ARGUMENTS).validate(given)
    assert not validated.error_messages
    return Specification(validated.validated_parameters, "eu-central-1")


def described(request: dict[str, Any]) -> dict[str, Any]:
    """The service as ECS describes it after this request: Service Connect stands in its deployment."""
    answer = {key: value for key, value in request.items() if key != "serviceConnectConfiguration"}
    primary = {"status": "PRIMARY", "serviceConnectConfiguration": request["serviceConnectConfiguration"]}
    return service_definition.described({**answer, "deployments": [primary, {"status": "ACTIVE"}]})


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"service_connect": SERVED}, id="a name in a namespace"),
        pytest.param({"service_connect": CLIENT}, id="a client"),
        pytest.param({"service_connect": ENCRYPTED}, id="timeouts and TLS"),
        pytest.param({"service_registries": [{"arn": REGISTRY}]}, id="a name in Cloud Map"),
        pytest.param({"service_registries": [{"arn": REGISTRY, "port": 8080}]}, id="an SRV record"),
        pytest.param({}, id="no name"),
    ],
)
def test_what_ecs_was_asked_for_is_no_difference_afterwards(options: dict[str, Any]) -> None:
    spec = specification(**options)
    settings = spec.settings(GROUP)
    request = service_definition.create_request(settings, "task:1", 1)
    shape = get_session().get_service_model("ecs").operation_model("CreateService").input_shape
    report = ParamValidator().validate({"serviceName": "app-blue", **request}, shape)
    assert not report.has_errors(), report.generate_report()
    assert not service_definition.differences(described(request), settings) & {"service_connect", "service_registries"}


def test_a_changed_name_is_written_alone_and_starts_new_tasks() -> None:
    before = specification(service_connect=SERVED, service_registries=[{"arn": REGISTRY}]).settings(GROUP)
    after = specification().settings(GROUP)
    changed = service_definition.differences(before, after)
    assert changed == {"service_connect", "service_registries"} <= service_definition.REDEPLOYING
    assert service_definition.update_request(after, changed) == {
        "serviceConnectConfiguration": {"enabled": False},
        "serviceRegistries": [],
    }


def test_timeouts_and_tls_are_written_and_taken_back() -> None:
    """Without a timeout of its own ECS ends a request after 15 seconds."""
    plain, slow = (specification(service_connect=connect).settings(GROUP) for connect in (SERVED, ENCRYPTED))
    written = service_definition.update_request(slow, {"service_connect"})["serviceConnectConfiguration"]["services"][0]
    assert written["timeout"] == {"perRequestTimeoutSeconds": 120, "idleTimeoutSeconds": 0}
    assert written["tls"] == {
        "issuerCertificateAuthority": {"awsPcaAuthorityArn": TLS["authority_arn"]},
        "roleArn": TLS["role_arn"],
    }
    held = described(service_definition.create_request(slow, "task:1", 1))
    assert "service_connect" in service_definition.differences(held, plain), "neither is wanted any more"


def test_requests_go_to_a_container_in_front_of_the_service_s_own() -> None:
    """As with nginx before php-fpm: the version is still the image of the own container."""
    behind = specification(target_container="proxy", service_connect=SERVED)
    assert behind.settings(GROUP)["load_balancers"] == [{"target_group_arn": GROUP, "container": "proxy", "port": 8080}]
    ports = {one["name"]: one["portMappings"] for one in behind.task_definition()["containerDefinitions"]}
    assert [port.get("name") for port in ports["proxy"]] == ["port-8080"]
    assert image_digest(behind.params) == "app"
    srv = specification(target_container="proxy", service_registries=[{"arn": REGISTRY, "port": 8080}])
    assert srv.settings(GROUP)["service_registries"][0]["container"] == "proxy"


def test_only_the_port_of_the_container_that_serves_gets_a_name() -> None:
    app, proxy = specification(service_connect=SERVED).task_definition()["containerDefinitions"]
    assert app["portMappings"] == [
        {"containerPort": 8080, "protocol": "tcp", "name": "port-8080", "appProtocol": "http"}
    ]
    assert proxy["portMappings"] == [{"containerPort": 8080, "protocol": "tcp"}]


def test_a_worker_serves_a_port_by_service_connect_alone() -> None:
    connect = {"namespace_arn": NAMESPACE, "services": [{"name": "jobs", "port": 50051, "protocol": "grpc"}]}
    spec = specification(kind="worker", port=None, service_connect=connect, containers=[{"name": "app", "image": "a"}])
    (app,) = spec.task_definition()["containerDefinitions"]
    assert [(port["containerPort"], port["name"]) for port in app["portMappings"]] == [(50051, "port-50051")]
    (served,) = service_definition.create_request(spec.settings(""), "task:1", 1)["serviceConnectConfiguration"][
        "services"
    ]
    assert served["portName"] == "port-50051"
    assert served["clientAliases"] == [{"port": 50051, "dnsName": "jobs"}]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"service_connect": {**SERVED, "namespace_arn": "internal"}}, "must be the ARN of a namespace"),
        ({"service_connect": {"namespace_arn": NAMESPACE, "services": [{"name": "Scores"}]}}, "'Scores' is no name"),
        ({"service_registries": [{"arn": NAMESPACE}]}, "is no ARN of a service of Cloud Map"),
        ({"service_connect": SERVED, "service_port": None}, "scores has no port"),
        ({"service_connect": SERVED, "service_strategy": "canary"}, "service_strategy is canary: tasks of a candidate"),
        (
            {
                "service_connect": {
                    "namespace_arn": NAMESPACE,
                    "services": [{"name": "db", "request_timeout_seconds": 5}],
                }
            },
            "db has request_timeout_seconds and no protocol",
        ),
        ({"service_registries": [{"arn": REGISTRY}], "service_strategy": "linear"}, "service_strategy is linear"),
    ],
)
def test_what_cannot_be_is_said_with_the_variable(options: dict[str, Any], told: str) -> None:
    (found,) = discovery_findings({"service_port": 8080, **options}, "service_")
    assert told in found


@pytest.mark.parametrize(
    "options", [{"service_connect": CLIENT, "strategy": "canary"}, {"service_connect": SERVED}, {"service_connect": {}}]
)
def test_clients_may_have_any_strategy_and_names_roll(options: dict[str, Any]) -> None:
    assert list(discovery_findings({"port": 8080, **options})) == []


def test_the_colour_without_tasks_calls_others_and_has_no_name() -> None:
    """ECS refuses a name that another ECS service of the namespace has: the first release would end there."""
    named = specification(service_connect=SERVED, service_registries=[{"arn": REGISTRY}]).settings(GROUP)
    idle = service_definition.without_names(named)
    assert (service_definition.names(named), service_definition.names(idle)) == (["scores", "srv-abcdefgh12345678"], [])
    request = service_definition.create_request(idle, "app:1", 0)
    assert request["serviceConnectConfiguration"] == {"enabled": True, "namespace": NAMESPACE, "services": []}
    assert "serviceRegistries" not in request
    plain = specification().settings(GROUP)
    assert service_definition.without_names(plain) == plain
