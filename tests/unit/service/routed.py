"""A load balancer in moto, and the options of service_routing for one of its listeners."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws import elbv2
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.service.service_routing import run
from ansible_collections.pear.fargate.plugins.modules.service_routing import ARGUMENT_SPEC
from moto import mock_aws

REGION = "eu-central-1"


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        ec2, elb = boto3.client("ec2", REGION), boto3.client("elbv2", REGION)
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
        balancer = elb.create_load_balancer(Name="staging", Subnets=subnets)["LoadBalancers"][0]
        listener = elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
        )["Listeners"][0]
        yield {
            "environment": "staging",
            "service": "scoreboard",
            "vpc_id": balancer["VpcId"],
            "listener_arn": listener["ListenerArn"],
            "port": 8080,
            "hosts": ["scores.example.com"],
            "priority": 10,
            "health_check": {"path": "/healthz"},
            "tags": {"pear:environment": "staging"},
        }


@pytest.fixture
def https(options: dict[str, Any]) -> dict[str, Any]:
    """The options with an HTTPS listener, which a login, HTTP/2 and gRPC need."""
    elb = boto3.client("elbv2", REGION)
    listener = elb.describe_listeners(ListenerArns=[options["listener_arn"]])["Listeners"][0]
    certificate = boto3.client("acm", REGION).request_certificate(DomainName="example.com")["CertificateArn"]
    made = elb.create_listener(
        LoadBalancerArn=listener["LoadBalancerArn"],
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": certificate}],
        DefaultActions=listener["DefaultActions"],
    )
    return {**options, "listener_arn": made["Listeners"][0]["ListenerArn"]}


def invoke(options: dict[str, Any], check_mode: bool = False) -> dict[str, Any]:
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate(options)
    assert not validated.error_messages
    return run(Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode))


def rules(options: dict[str, Any]) -> dict[str, Any]:
    return {rule.priority: rule for rule in elbv2.rules(Aws({"region": REGION}), options["listener_arn"])}
