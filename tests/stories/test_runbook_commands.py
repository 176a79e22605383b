"""Every command of every runbook, typed as it stands there, on a service that is well: it runs, and finds nothing wrong."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import get_session

from tests.support.plays import ROOT, Player

from .conftest import Stage

pytestmark = pytest.mark.long

RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))
_TYPED = "ansible-playbook ", "aws "
# In this order: those that look, those that change nothing on a service that is well, and the one that moves traffic.
PLAYBOOKS = (
    "playbooks/triage.yml",
    "playbooks/status.yml",
    "playbooks/history.yml",
    "playbooks/report.yml",
    "playbooks/drift.yml",
    "playbooks/provision.yml",
    "playbooks/deploy.yml",
    "playbooks/rollback.yml",
)
ORPHANS = "It does not remove what belongs to"


def commands(page: Path) -> set[str]:
    """Those of its blocks, and those that its tables name."""
    text = page.read_text()
    blocks = [
        line
        for block in re.findall(r"^```bash.*?\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        for line in block.splitlines()
    ]
    return {command for command in [*blocks, *re.findall(r"`([^`\n]+)`", text)] if command.startswith(_TYPED)}


ENVIRONMENT = {"APP_VERSION": "two", "SCORE_DB_PATH": "/data/db.sqlite", "SCORE_DB_JOURNAL": "delete"}
TYPED = sorted(set().union(*map(commands, RUNBOOKS)))


def playbook(command: str) -> str:
    return shlex.split(command)[1]


@pytest.fixture(scope="module")
def released(deployed: Player) -> Player:
    """Another version and then the inventory's again, so that there is something to return to."""
    deployed.run(
        "playbooks/release.yml", "-l", "scoreboard", variables={"service_environment": ENVIRONMENT}
    ).succeeded()
    deployed.run("playbooks/release.yml", "-l", "scoreboard").succeeded()
    return deployed


def test_each_runbook_names_a_command_and_all_are_among_these() -> None:
    assert [page.name for page in RUNBOOKS if page.stem != "README" and not commands(page)] == []
    played = [command for command in TYPED if command.startswith("ansible-playbook ")]
    assert {playbook(command) for command in played} == set(PLAYBOOKS)


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_playbook_of_a_runbook_runs_as_it_is_typed(name: str, released: Player, stage: Stage, tmp_path: Path) -> None:
    for command in TYPED:
        if not command.startswith(f"ansible-playbook {name}"):
            continue
        words = [word.replace("=ID", f"={newest(stage)}") for word in shlex.split(command)[2:]]
        at = words.index("-i")
        assert words[at + 1] == "inventories/production"
        limits = words[:at] + words[at + 2 :]
        variables = {"report_path": str(tmp_path / "report.html")} if "report" in name else None
        played = released.run(name, *limits, variables=variables)
        # What other stories have left in the sandbox is no part of the inventory, and drift.yml says so.
        assert played.status == 0 or ("drift" in name and played.status == 2 and ORPHANS in played.output), (
            played.output
        )


def newest(stage: Stage) -> str:
    """The id of a release of the ledger."""
    items: list[dict[str, Any]] = stage.client("dynamodb").query(
        TableName="local-releases",
        KeyConditionExpression="service = :service AND begins_with(entry, :release)",
        ExpressionAttributeValues={":service": {"S": "scoreboard"}, ":release": {"S": "release/"}},
    )["Items"]
    return str(items[-1]["entry"]["S"].removeprefix("release/"))


@pytest.mark.parametrize("command", [command for command in TYPED if command.startswith("aws ")])
def test_a_call_of_a_runbook_is_answered(command: str, deployed: Player, stage: Stage) -> None:
    """As AWS's command line makes it, which is not installed here: with the options that botocore's model names."""
    _aws, service, verb, *options = shlex.split(command)
    model = get_session().get_service_model(service)
    (operation,) = [name for name in model.operation_names if xform_name(name, "-") == verb]
    taken = model.operation_model(operation).input_shape
    assert taken is not None
    members = {f"--{xform_name(member, '-')}": member for member in taken.members}
    given = dict(zip(options[::2], options[1::2], strict=True))
    values = {"ARN": certificate(stage)}
    answer = getattr(stage.client(service), xform_name(operation))(
        **{members[option]: values.get(value, value) for option, value in given.items()}
    )
    assert answer["Certificate"]["CertificateArn"] == values["ARN"]
    # What the runbook's table asks for: where the certificate is from, and when it ends.
    assert answer["Certificate"]["Type"] == "IMPORTED"
    assert answer["Certificate"]["NotAfter"] > datetime.now(UTC)


def certificate(stage: Stage) -> str:
    """The ARN of the certificate of the https listener."""
    elbv2 = stage.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers(Names=["local"])["LoadBalancers"]
    listeners = elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    (arn,) = {found["CertificateArn"] for listener in listeners for found in listener.get("Certificates") or []}
    return str(arn)
