"""The workflows for users, step by step as GitHub runs them: a commit to staging, its image to production, the next commit, and back."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.github_runner import Runner
from tests.support.plays import COLLECTIONS, ROOT, Player

from .conftest import Stage

FIRST, SECOND, UNTESTED = 40 * "a", 40 * "b", 40 * "c"
# Staging is the service as the other stories have it; production stands in for another environment: a service of its own.
SERVICES = {"staging": "scoreboard", "production": "scores-live"}
# What GitHub's machines have not: the engine that builds as root here, and the base image from Debian's packages.
_MACHINE = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}


@pytest.fixture(scope="module")
def application(stage: Stage, deployed: Player, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """The repository of an application, as docs/github-actions.md lays it out, and the service in both environments."""
    checkout = tmp_path_factory.mktemp("application")
    shutil.copytree(
        ROOT / "examples/scoreboard", checkout / "src", ignore=shutil.ignore_patterns("tests", "__pycache__")
    )
    deploy = checkout / "deploy"
    for environment, service in SERVICES.items():
        inventory = deploy / "inventories" / environment
        shutil.copytree(ROOT / "inventories/local/group_vars", inventory / "group_vars")
        hosts: dict[str, Any] = {"environment": {"hosts": {environment: {}}}, "services": {"hosts": {service: {}}}}
        (inventory / "hosts.yml").write_text(yaml.safe_dump(hosts))
        values = yaml.safe_load((ROOT / "inventories/local/host_vars/scoreboard.yml").read_text())
        values["registry_build"]["context"] = "{{ inventory_dir }}/../../../src"
        values["registry_repository"] = "scoreboard"
        if environment == "production":
            values |= {
                "service_hosts": ["live.{{ load_balancer_domain }}"],
                "service_priority": 140,
                "registry_existing": True,
            }
        (inventory / "host_vars").mkdir()
        (inventory / "host_vars" / f"{service}.yml").write_text(yaml.safe_dump(values))
    (deploy / "requirements.txt").write_text("ansible-core>=2.19\nboto3\npygal\n")
    collections = [{"name": "amazon.aws"}, {"name": "community.aws"}]
    (deploy / "requirements.yml").write_text(yaml.safe_dump({"collections": collections}))
    production = replace(deployed, inventories=(str(deploy / "inventories/production"),))
    production.run("playbooks/provision.yml").succeeded()
    machine = {**stage.environment, **_MACHINE, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    github = {"sha": FIRST, "actor": "ada", "run_id": "7", "repository": "example/scoreboard"}
    contexts = {"github": {**github, "server_url": "https://github.com"}, "vars": {"AWS_REGION": "eu-central-1"}}
    return Runner(checkout, machine, contexts)


def commit(application: Runner, revision: str, changed: str = "") -> Runner:
    """The application at a revision, with a change of its source."""
    if changed:
        (application.checkout / "src/scoreboard/changed.txt").write_text(changed)
    github = {**application.contexts["github"], "sha": revision}
    return replace(application, contexts={**application.contexts, "github": github})


def live(stage: Stage, service: str) -> str:
    """The digest that serves: that of the colour which has all of the traffic."""
    elbv2, ecs = stage.client("elbv2"), stage.client("ecs")
    names = {f"local-{service}-{colour}": colour for colour in ("blue", "green")}
    groups = elbv2.describe_target_groups(Names=list(names))["TargetGroups"]
    colours = {group["TargetGroupArn"]: names[group["TargetGroupName"]] for group in groups}
    balancer = elbv2.describe_load_balancers(Names=["local"])["LoadBalancers"][0]["LoadBalancerArn"]
    rules = [
        rule
        for listener in elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
        for rule in elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
        # The test rule asks for a header.
        if "http-header" not in {condition["Field"] for condition in rule["Conditions"]}
    ]
    forwards = [rule["Actions"][0].get("ForwardConfig", {}).get("TargetGroups", []) for rule in rules]
    weights = next(
        {colours[group["TargetGroupArn"]]: group["Weight"] for group in found}
        for found in forwards
        if {group["TargetGroupArn"] for group in found} == set(colours)
    )
    (colour,) = [colour for colour, weight in weights.items() if weight == 100]
    (found,) = ecs.describe_services(cluster="local", services=[f"{service}-{colour}"])["services"]
    definition = ecs.describe_task_definition(taskDefinition=found["taskDefinition"])["taskDefinition"]
    return str(definition["containerDefinitions"][0]["image"].partition("@")[2])


def tags(stage: Stage) -> set[str]:
    images = stage.client("ecr").describe_images(repositoryName="scoreboard")["imageDetails"]
    return {tag for image in images for tag in image.get("imageTags", [])}


def labels(stage: Stage, image: str) -> dict[str, str]:
    """Of the image as the registry has it."""
    ecr, repository = stage.client("ecr"), {"repositoryName": "scoreboard"}
    (found,) = ecr.batch_get_image(**repository, imageIds=[{"imageDigest": image.partition("@")[2]}])["images"]
    config = json.loads(found["imageManifest"])["config"]["digest"]
    address = ecr.get_download_url_for_layer(**repository, layerDigest=config)["downloadUrl"]
    with urllib.request.urlopen(address, timeout=60) as answer:
        return dict(json.load(answer)["config"]["Labels"])


@pytest.mark.long
def test_a_commit_goes_to_staging_its_image_to_production_and_the_next_one_back(
    stage: Stage, application: Runner
) -> None:
    refused = commit(application, UNTESTED).run("deliver", environment="staging", service="scoreboard", test="exit 3")
    assert refused.names == ["Test", "Write the summary"] and refused.failed
    assert UNTESTED not in tags(stage), "a commit whose test failed was built"

    tested = {"environment": "staging", "service": "scoreboard", "test": "python -m compileall -q src"}
    first = application.run("deliver", **tested).succeeded()
    assert first.names[:4] == ["Test", "Install Ansible and the collections", "Build and push", "Return the image"]
    image = first.outputs["image"]
    assert re.fullmatch(rf"\S+/scoreboard:{FIRST}@sha256:[0-9a-f]{{64}}", image)
    assert live(stage, "scoreboard") == image.partition("@")[2]
    named = {"revision": FIRST, "source": "https://github.com/example/scoreboard", "version": FIRST}
    assert {f"org.opencontainers.image.{name}": value for name, value in named.items()}.items() <= labels(
        stage, image
    ).items()
    assert first.summary.startswith("### staging: succeeded\n") and f"* version: `{FIRST}`" in first.summary, (
        first.summary
    )
    assert "* by: `ada by run 7`" in first.summary and f"`{image}`" in first.summary
    report = json.loads((application.checkout / "release.json").read_text())
    page = (application.checkout / "release.html").read_text()
    assert report["release"]["id"] in page and "<svg" in page

    promoted = application.run("deliver", environment="production", service="scores-live", image=image).succeeded()
    assert "Build and push" not in promoted.names and "Test" not in promoted.names
    assert promoted.outputs["image"] == image
    assert live(stage, "scores-live") == image.partition("@")[2], "production serves other bytes than staging"

    second = commit(application, SECOND, "second").run("deliver", **tested).succeeded()
    assert live(stage, "scoreboard") == second.outputs["image"].partition("@")[2] != image.partition("@")[2]
    back = application.run("rollback", environment="staging", service="scoreboard", to=FIRST).succeeded()
    assert back.names[-1] == "Roll back"
    assert live(stage, "scoreboard") == image.partition("@")[2]
    assert live(stage, "scores-live") == image.partition("@")[2]
    ledger = stage.client("dynamodb").query(
        TableName="local-releases",
        KeyConditionExpression="service = :s",
        ExpressionAttributeValues={":s": {"S": "scoreboard"}},
    )["Items"]
    assert "ada by run 7" in json.dumps(ledger)
