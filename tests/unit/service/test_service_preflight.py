"""Mistakes about what a service stands on: access points, the build context, hosts outside the certificate."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws import elbv2
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import Conditions, Rule
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError, Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.service import service_preflight, uncovered_hosts
from ansible_collections.pear.fargate.plugins.modules.service_preflight import ARGUMENT_SPEC
from ansible_collections.pear.fargate.plugins.plugin_utils.role_variables import roles_of_the_collection
from botocore.exceptions import ClientError

VOLUME = {"name": "data", "path": "/data", "access_point": "scores"}
PLANNED = {"file_system_enabled": True, "file_system_access_points": [{"name": "scores", "path": "/scores"}]}
DOMAIN = {"load_balancer_domain": "prod.example.com", "load_balancer_certificate": "requested"}


@pytest.fixture(autouse=True)
def cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account with a file system that has one access point, and nothing else that a service could clash with."""
    identity = {"account": "123456789012", "arn": "arn:aws:iam::123456789012:user/ci"}
    monkeypatch.setattr(service_preflight.sts, "caller", lambda _: identity)
    monkeypatch.setattr(service_preflight.elbv2, "load_balancer", lambda *_: None)
    monkeypatch.setattr(service_preflight.image_platform, "by_tag", lambda *_: iter(()))
    monkeypatch.setattr(
        service_preflight.efs, "find_file_system", lambda _, name: {"FileSystemId": "fs-1"} if name == "prod" else None
    )
    point = {"AccessPointId": "fsap-1", "Tags": [{"Key": "Name", "Value": "uploads"}]}
    monkeypatch.setattr(service_preflight.efs, "access_points", lambda *_: [point])


def preflight(tmp_path: Path, environment: Any = None, **variables: Any) -> dict[str, Any]:
    values = {"environment_name": "prod", "service_name": "app", "service_paths": ["/*"]}
    (tmp_path / "Containerfile").write_text("FROM scratch\n")
    values |= {"registry_build": {"context": str(tmp_path)}, **variables}
    given = {"variables": values, "environment": environment or {}}
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
    assert not validated.error_messages
    aws = cast(Aws, type("NoAws", (), {"region": "eu-central-1"})())
    return service_preflight.run(Invocation(validated.validated_parameters, aws))


def test_what_is_right_has_no_finding(tmp_path: Path) -> None:
    told = preflight(
        tmp_path,
        {**PLANNED, **DOMAIN},
        service_volumes=[VOLUME],
        service_hosts=["scores.prod.example.com", "prod.example.com", "*.prod.example.com"],
    )
    assert (told["findings"], told["warnings"]) == ([], told["warnings"])
    assert not [warning for warning in told["warnings"] if "certificate" in warning]


@pytest.mark.parametrize(
    ("point", "environment", "missing"),
    [
        pytest.param("scores", PLANNED, False, id="the inventory makes it"),
        pytest.param("scores", {**PLANNED, "file_system_enabled": False}, True, id="but not without a file system"),
        pytest.param("uploads", {}, False, id="it is there already"),
        pytest.param("scors", PLANNED, True, id="a typo"),
    ],
)
def test_an_access_point_is_made_or_there(tmp_path: Path, point: str, environment: Any, missing: bool) -> None:
    volumes = [{**VOLUME, "access_point": point}]
    if not missing:
        assert preflight(tmp_path, environment, service_volumes=volumes)["findings"] == []
        return
    with pytest.raises(Failure, match=f"the access point '{point}' of data does not exist") as refused:
        preflight(tmp_path, environment, service_volumes=volumes)
    assert "uploads" in str(refused.value), "what there is"


OPEN = {"network_task_ports": ["1024-65535"], "network_ports_between_tasks": []}
NETWORK = roles_of_the_collection()["network"].defaults
NAMESPACE = "arn:aws:servicediscovery:eu-central-1:123456789012:namespace/ns-abcdefgh12345678"
REGISTRY = {"arn": "arn:aws:servicediscovery:eu-central-1:123456789012:service/srv-abcdefgh12345678"}
SERVED = {"namespace_arn": NAMESPACE, "services": [{"name": "scores"}, {"name": "admin", "port": 9000}]}


@pytest.mark.parametrize(
    ("environment", "variables", "told"),
    [
        pytest.param(OPEN, {"service_port": 8080}, [], id="a port that is open by default"),
        pytest.param(NETWORK, {"service_port": 80}, [], id="that of the guides, and nginx's"),
        pytest.param(
            NETWORK, {"service_port": 81}, ["service_port is 81", "opens 80, 443, 1024-65535. Add '81'"], id="closed"
        ),
        pytest.param(
            OPEN, {"service_port": 80}, ["service_port is 80", "Add '80'"], id="a port that the inventory closes"
        ),
        pytest.param(
            {**OPEN, "network_task_ports": ["80", "9000-9100"]}, {"service_port": 80}, [], id="one that was added"
        ),
        pytest.param(
            OPEN,
            {"service_port": 8080, "service_health_check": {"port": 81}},
            ["service_health_check.port is 81"],
            id="checks",
        ),
        pytest.param(
            OPEN,
            {"service_port": 80, "service_security_group_ids": ["sg-1"]},
            [],
            id="a security group of others may open it",
        ),
        pytest.param(OPEN, {"service_port": 80, "service_kind": "worker", "service_paths": []}, [], id="a worker"),
        pytest.param({}, {"service_port": 80}, [], id="an environment that the inventory does not have"),
        pytest.param(
            OPEN,
            {"service_port": 8080, "service_connect": SERVED},
            [
                "could not reach port 8080",
                "could not reach port 9000",
                "network_ports_between_tasks opens none. Add '9000'",
            ],
            id="names of Service Connect",
        ),
        pytest.param(
            {**OPEN, "network_ports_between_tasks": ["8080-9000"]},
            {"service_port": 8080, "service_connect": SERVED, "service_registries": [REGISTRY]},
            [],
            id="names whose ports are open",
        ),
        pytest.param(OPEN, {"service_port": 8080, "service_connect": {"namespace_arn": NAMESPACE}}, [], id="a client"),
        pytest.param(
            OPEN,
            {"service_port": 8080, "service_registries": [REGISTRY]},
            ["service_registries: other tasks"],
            id="Cloud Map",
        ),
    ],
)
def test_a_port_that_nothing_can_reach_is_a_finding(
    tmp_path: Path, environment: dict[str, Any], variables: dict[str, Any], told: list[str]
) -> None:
    if not told:
        preflight(tmp_path, environment, **variables)
        return
    with pytest.raises(Failure) as refused:
        preflight(tmp_path, environment, **variables)
    assert all(words in str(refused.value) for words in told), refused.value


def test_a_build_context_that_is_not_there_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"The build context .*nowhere is no directory"):
        preflight(tmp_path, registry_build={"context": str(tmp_path / "nowhere")})


def test_a_build_file_that_is_not_there_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"There is no Dockerfile.prod in"):
        preflight(tmp_path, registry_build={"context": str(tmp_path), "containerfile": "Dockerfile.prod"})


@pytest.mark.parametrize("host", ["scores.example.com", "a.b.prod.example.com", "prod.example.org"])
def test_a_host_outside_the_certificate_is_told(tmp_path: Path, host: str) -> None:
    told = preflight(tmp_path, DOMAIN, service_hosts=[host])["warnings"]
    assert any(
        f"service_hosts holds '{host}', which the load balancer's certificate does not cover" in one for one in told
    )
    own = {**DOMAIN, "load_balancer_certificate": "existing"}
    assert not [one for one in preflight(tmp_path, own, service_hosts=[host])["warnings"] if "certificate" in one]


def test_a_worker_that_was_a_service_with_requests_is_told_what_would_be_left_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: dict[str, Any] = {}
    monkeypatch.setattr(service_preflight.elbv2, "target_groups", lambda *_: groups)
    worker = {"service_kind": "worker", "service_priority": 10}
    assert preflight(tmp_path, **worker)["findings"] == []
    groups["prod-app-blue"] = None
    with pytest.raises(Failure, match=r"app has the target groups prod-app-blue .*destroy.yml -l app -e confirm=app"):
        preflight(tmp_path, **worker)


def test_secrets_of_sidecars_are_looked_for_and_those_of_other_places_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"
    there = ("eu-west-1:123456789012", "eu-central-1:210987654321")
    monkeypatch.setattr(service_preflight.secretsmanager, "secret_exists", lambda _, arn: arn.endswith("app-AbCdEf"))
    elsewhere = {f"S{number}": f"arn:aws:secretsmanager:{place}:secret:x-AbCdEf" for number, place in enumerate(there)}
    sidecar = {"name": "proxy", "image": "registry.example.com/proxy:1"}
    good = {"service_secrets": {"KEY": f"{here}app-AbCdEf:key::", **elsewhere}}
    assert preflight(tmp_path, **good)["findings"] == []
    with pytest.raises(Failure, match=r"service_sidecars: proxy: secrets.KEY names a secret that Secrets Manager"):
        preflight(tmp_path, **good, service_sidecars=[{**sidecar, "secrets": {"KEY": f"{here}proxy-AbCdEf"}}])


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ({"repository_credentials": "{}"}, "repository_credentials"),
        ({"log": {"driver": "splunk", "secret_options": {"splunk-token": "{}"}}}, "log.secret_options.splunk-token"),
    ],
)
def test_secrets_of_registries_and_logs_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: dict[str, Any], named: str
) -> None:
    monkeypatch.setattr(service_preflight.secretsmanager, "secret_exists", lambda _, arn: arn.endswith("there-AbCdEf"))

    def given(secret: str) -> dict[str, Any]:
        arn = f"arn:aws:secretsmanager:eu-central-1:123456789012:secret:{secret}-AbCdEf"
        return dict(json.loads(json.dumps(option).replace('"{}"', json.dumps(arn))))

    sidecar = {"name": "proxy", "image": "registry.example.com/proxy:1"}
    for there, prefix, gone in (
        ({"service_container": given("there")}, "service_container.", {"service_container": given("gone")}),
        (
            {"service_sidecars": [{**sidecar, **given("there")}]},
            "service_sidecars: proxy: ",
            {"service_sidecars": [{**sidecar, **given("gone")}]},
        ),
    ):
        assert preflight(tmp_path, **there)["findings"] == []
        with pytest.raises(Failure, match=re.escape(f"{prefix}{named} names a secret that Secrets Manager")):
            preflight(tmp_path, **gone)


def test_images_of_sidecars_are_looked_up_before_the_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def by_tag(_call: Any, containers: Any, architecture: str | None, unchecked: list[str]) -> Iterator[str]:
        asked.append(([container["name"] for container in containers], architecture))
        unchecked += [f"image of {container['name']}" for container in containers if container["name"] == "far"]
        yield from (f"no image of {container['name']}" for container in containers if container["name"] == "gone")

    monkeypatch.setattr(service_preflight.image_platform, "by_tag", by_tag)
    image = {"image": "registry.example.com/proxy:1"}
    told = preflight(tmp_path, service_sidecars=[{"name": "far", **image}], service_architecture="ARM64")
    assert asked == [(["far"], "ARM64")]
    assert told["unchecked"] == ["image of far"]
    with pytest.raises(Failure, match="no image of gone"):
        preflight(tmp_path, service_sidecars=[{"name": "gone", **image}])


def test_the_client_secret_of_a_login_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_preflight.secretsmanager, "secret_exists", lambda _, arn: arn.endswith("there-AbCdEf"))
    here = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"
    preflight(tmp_path, service_login={"oidc": {"client_secret_arn": f"{here}there-AbCdEf"}})
    with pytest.raises(Failure, match=r"service_login.oidc.client_secret_arn names a secret that Secrets Manager"):
        preflight(tmp_path, service_login={"oidc": {"client_secret_arn": f"{here}gone-AbCdEf"}})


def test_a_rule_that_would_answer_all_requests_of_the_service_is_a_finding_whatever_its_priority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_preflight, "_listener", lambda *_: "https")
    monkeypatch.setattr(service_preflight.elbv2, "target_groups", lambda *_: {})
    monkeypatch.setattr(service_preflight.rule_quota, "findings", lambda *_: ())
    theirs = Rule("theirs", 5, Conditions.of(["app.example.com"], []), {"targetgroup/shop/1": 100})
    monkeypatch.setattr(service_preflight.elbv2, "rules", lambda *_: [theirs])
    wanted: dict[str, Any] = {"service_hosts": ["app.example.com"], "service_paths": [], "service_priority": 20}
    with pytest.raises(Failure, match=r"service_priority is 20: .*shop.* every request for app.example.com"):
        preflight(tmp_path, **wanted)
    assert preflight(tmp_path, **{**wanted, "service_hosts": ["else.example.com"]})["findings"] == []


ARN = "arn:aws:acm:eu-central-1:123456789012:certificate/"
GIVEN = {"load_balancer_certificate": "existing", "load_balancer_certificate_arn": f"{ARN}given"}
IMPORTED = {"load_balancer_certificate": "imported", uncovered_hosts.PEM: "PEM of given\n"}


@pytest.fixture
def certificates(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """An https listener with a certificate; another one can be added for further hosts."""
    names: dict[str, Any] = {f"{ARN}given": {"SubjectAlternativeNames": ["prod.example.com", "*.prod.example.com"]}}
    monkeypatch.setattr(service_preflight.elbv2, "load_balancer", lambda *_: {"LoadBalancerArn": "lb"})
    monkeypatch.setattr(
        service_preflight.elbv2, "listeners", lambda *_: [{"Protocol": "HTTPS", "Port": 443, "ListenerArn": "https"}]
    )
    monkeypatch.setattr(service_preflight, "_priorities", lambda *_: iter(()))
    monkeypatch.setattr(
        uncovered_hosts.elbv2,
        "listener_certificates",
        lambda *_: [{"CertificateArn": arn, "IsDefault": arn == f"{ARN}given"} for arn in names],
    )
    monkeypatch.setattr(uncovered_hosts.acm, "describe_certificate", lambda _, arn: names[arn])
    monkeypatch.setattr(uncovered_hosts.acm, "get_certificate", lambda _, arn: (f"PEM of {arn[len(ARN) :]}", ""))
    return names


@pytest.mark.parametrize("environment", [GIVEN, IMPORTED], ids=["existing", "imported"])
@pytest.mark.parametrize(
    ("host", "covered"),
    [
        pytest.param("prod.example.com", True, id="its name"),
        pytest.param("Scores.prod.example.com", True, id="one label below"),
        pytest.param("a.scores.prod.example.com", False, id="two labels below"),
        pytest.param("scores.example.net", False, id="another domain"),
        pytest.param("*.prod.example.com", True, id="a pattern that a wildcard covers"),
        pytest.param("*", True, id="every host"),
        pytest.param("*.example.net", False, id="a pattern of another domain"),
    ],
)
def test_a_host_outside_a_certificate_that_was_given_is_a_finding(
    tmp_path: Path, certificates: dict[str, Any], environment: Any, host: str, covered: bool
) -> None:
    if covered:
        assert preflight(tmp_path, environment, service_hosts=[host])["findings"] == []
        return
    with pytest.raises(
        Failure, match=r"service_hosts holds .* does not cover \(\*.prod.example.com, prod.example.com;"
    ):
        preflight(tmp_path, environment, service_hosts=[host])
    certificates[f"{ARN}further"] = {"DomainName": host.replace("*", "www"), "SubjectAlternativeNames": []}
    assert preflight(tmp_path, environment, service_hosts=[host])["findings"] == [], "the listener has another one"


LISTENER = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/corp/1/2"


@pytest.mark.parametrize(
    ("protocol", "verified", "found"), [("HTTPS", True, True), ("HTTPS", False, False), ("HTTP", True, False)]
)
def test_the_certificates_of_a_listener_that_others_made_count(
    tmp_path: Path,
    certificates: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    protocol: str,
    verified: bool,
    found: bool,
) -> None:
    monkeypatch.setattr(uncovered_hosts.elbv2, "listener", lambda *_: {"Protocol": protocol})
    beside = {"load_balancer_existing": LISTENER}
    checks = {"service_checks_verify_tls": verified}
    assert preflight(tmp_path, beside, service_hosts=["scores.prod.example.com"], **checks)["findings"] == []
    if not found:
        assert preflight(tmp_path, beside, service_hosts=["scores.example.net"], **checks)["findings"] == []
        return
    with pytest.raises(Failure, match=r"service_hosts holds 'scores.example.net'.* service_checks_verify_tls to false"):
        preflight(tmp_path, beside, service_hosts=["scores.example.net"], **checks)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        pytest.param({"service_protocol_version": "GRPC"}, "service_protocol_version GRPC needs an HTTPS", id="gRPC"),
        pytest.param(
            {"service_protocol_version": "HTTP2"}, "service_protocol_version HTTP2 needs an HTTPS", id="HTTP/2"
        ),
        pytest.param({"service_login": {"cognito": {"user_pool_arn": "arn"}}}, "service_login needs", id="a login"),
        pytest.param({"service_protocol_version": "HTTP1"}, "", id="HTTP/1.1"),
        pytest.param({"service_kind": "worker", "service_paths": []}, "", id="a worker"),
    ],
)
def test_what_only_an_https_listener_does_is_told_before_anything_is_made(
    tmp_path: Path, certificates: dict[str, Any], monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], told: str
) -> None:
    protocol = "HTTP"
    monkeypatch.setattr(elbv2, "listener", lambda *_: {"Protocol": protocol})
    beside = {"load_balancer_existing": LISTENER}
    if told:
        with pytest.raises(Failure, match=told):
            preflight(tmp_path, beside, **more)
        protocol = "HTTPS"
    assert preflight(tmp_path, beside, **more)["findings"] == []


def test_a_certificate_that_this_run_replaces_says_nothing(tmp_path: Path, certificates: dict[str, Any]) -> None:
    renewed = {**IMPORTED, uncovered_hosts.PEM: "PEM of a renewed one"}
    assert preflight(tmp_path, renewed, service_hosts=["scores.example.net"])["findings"] == []


def test_a_certificate_that_is_not_there_is_a_finding(
    tmp_path: Path, certificates: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: Any) -> Any:
        answer = {"Error": {"Code": "ResourceNotFoundException", "Message": "no"}}
        raise AwsError("read certificate", ClientError(answer, "DescribeCertificate"))  # type: ignore[arg-type]

    monkeypatch.setattr(uncovered_hosts.acm, "describe_certificate", missing)
    with pytest.raises(Failure, match=r"certificate/given', and ACM has no such certificate in eu-central-1"):
        preflight(tmp_path, GIVEN, service_hosts=["prod.example.com"])
