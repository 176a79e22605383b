"""Ansible's own ways, with ansible-playbook before moto: become, async, task environment, tags, and an inventory with hardly a variable."""

from __future__ import annotations

import ast
import base64
import io
import json
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.release.ledger import DynamoLedger
from ansible_collections.pear.fargate.plugins.module_utils.rollout.lease import Lease
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Outcome

from tests.support.cases import first_of, one_in
from tests.support.plays import ROOT, Player, PlayResult

from .in_memory import calls_in_memory
from .release.given import RELEASE

pytestmark = pytest.mark.plays

MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
IMAGE = "public.ecr.aws/nginx/nginx@sha256:" + 64 * "1"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with calls_in_memory() as address:
        yield address


@pytest.fixture(scope="module")
def player(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Player:
    """An inventory of one environment and one service, with what is required, and tags that are no texts."""
    tags = {"environment_tags": {"cost-centre": 42, "critical": True}}
    return player_of(endpoint, tmp_path_factory.mktemp("tiny"), "tiny", tags)


def player_of(endpoint: str, folder: Path, environment: str, more: dict[str, Any]) -> Player:
    inventory = folder / "hosts.yml"
    shared = {
        "environment_name": environment,
        "environment_region": "eu-central-1",
        "load_balancer_certificate": "self_signed",
        "load_balancer_domain": "example.com",
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        **more,
    }
    hosts = {
        "environment": {"hosts": {f"{environment}-environment": {}}},
        "services": {"hosts": {"website": {"service_image": IMAGE}}},
        "all": {"vars": shared},
    }
    inventory.write_text(yaml.safe_dump(hosts))
    own = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    return Player({**own, "AWS_EC2_METADATA_DISABLED": "true"}, (str(inventory),))


def finished(result: PlayResult) -> PlayResult:
    assert result.status == 0, result.output
    return result


def test_no_module_imports_another_module() -> None:
    """AnsiballZ ships what a module imports of module_utils, and never another module."""
    files = [*(ROOT / "plugins/modules").glob("*.py"), *(ROOT / "plugins/module_utils").rglob("*.py")]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
            assert not [name for name in names if "plugins.modules" in name or "plugin_utils" in name], file


PAYLOADS = """
import json, sys
from ansible.executor import module_common
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, module_loader
from ansible.template import Templar

init_plugin_loader()
for name in sys.argv[1:]:
    path = module_loader.find_plugin(f"pear.fargate.{name}")
    built = module_common.modify_module(
        module_name=f"ansible_collections.pear.fargate.plugins.modules.{name}", module_path=path, module_args={},
        templar=Templar(DataLoader(), {"ansible_python_interpreter": sys.executable}),
        task_vars={"ansible_python_interpreter": sys.executable},
    )
    data = built[0] if isinstance(built, tuple) else built.b_module_data
    print(json.dumps([name, data.decode("utf-8", "surrogateescape")]))
"""


@pytest.fixture(scope="module")
def payloads(request: pytest.FixtureRequest) -> dict[str, zipfile.ZipFile]:
    """What Ansible would send to a host, by module; of those that this run looks at."""
    taken = {item.callspec.params["name"] for item in request.session.items if "payloads" in _fixtures(item)}
    done = subprocess.run([sys.executable, "-c", PAYLOADS, *sorted(taken)], capture_output=True, text=True, check=True)
    built = dict(json.loads(line) for line in done.stdout.splitlines())
    return {name: zipfile.ZipFile(io.BytesIO(_zipped(text))) for name, text in built.items()}


def _fixtures(item: Any) -> list[str]:
    return getattr(item, "fixturenames", [])


def _zipped(payload: str) -> bytes:
    """The longest text of the payload is the archive."""
    return base64.b64decode(max(re.findall(r"[A-Za-z0-9+/=]{200,}", payload), key=len))


def _imported(archive: zipfile.ZipFile) -> Iterator[str]:
    for entry in archive.namelist():
        if entry.startswith("ansible_collections/pear/") and entry.endswith(".py"):
            package = entry.removesuffix(".py").removesuffix("/__init__").split("/")
            for node in ast.walk(ast.parse(archive.read(entry))):
                if isinstance(node, ast.ImportFrom):
                    base = package[: -node.level] if node.level else []
                    yield ".".join([*base, *(node.module or "").split(".")]).strip(".")


@pytest.mark.parametrize("name", one_in(8, MODULES))
def test_a_payload_contains_all_of_ours_that_it_imports(name: str, payloads: dict[str, zipfile.ZipFile]) -> None:
    entries = set(payloads[name].namelist())
    assert f"ansible_collections/pear/fargate/plugins/modules/{name}.py" in entries
    for imported in _imported(payloads[name]):
        if imported.startswith("ansible_collections."):
            path = imported.replace(".", "/")
            assert {f"{path}.py", f"{path}/__init__.py"} & entries, imported


WAYS: list[tuple[str, dict[str, Any]]] = [
    ("in the controller", {}),
    ("by become", {"become": True, "become_method": "ansible.builtin.su"}),
    ("by async", {"async": 120, "poll": 1}),
    ("with a task environment", {"environment": {"PEAR_TEST": "1"}}),
]


def test_every_way_of_running_a_task_gives_the_same_result(player: Player, tmp_path: Path) -> None:
    def task(name: str, keywords: dict[str, Any]) -> dict[str, Any]:
        options = {"region": "eu-central-1", "name": f"/ways/{len(name)}", "tags": {"cost": 42, "critical": True}}
        return {"name": name, "pear.fargate.cloudwatch_log_group": options, "register": f"way_{len(name)}", **keywords}

    tasks = [task(name, keywords) for name, keywords in WAYS]
    again = [{**one, "name": f"{one['name']}, again", "failed_when": f"{one['register']} is changed"} for one in tasks]
    play = {"hosts": "website", "gather_facts": False, "tasks": [*tasks, *again]}
    playbook = tmp_path / "ways.yml"
    playbook.write_text(yaml.safe_dump([play]))
    result = finished(player.run(str(playbook)))
    assert result.recap["website"] == {**result.recap["website"], "ok": 8, "changed": 4, "failed": 0}


def test_progress_lines_stand_under_the_header_of_their_task_and_a_skipped_task_says_so(
    player: Player, tmp_path: Path
) -> None:
    def task(name: str, **keywords: Any) -> dict[str, Any]:
        options = {"region": "eu-central-1", "url": "https://ci.example.com/headers", "audiences": ["ci"]}
        return {"name": name, "pear.fargate.iam_oidc_provider": options, **keywords}

    tasks: list[dict[str, Any]] = [
        {"name": "Of others", "ansible.builtin.debug": {"msg": "said"}},
        {"name": "Of others, skipped", "ansible.builtin.debug": {"msg": "unsaid"}, "when": False},
        task("Trust an issuer"),
        task("Skipped", when=False),
    ]
    playbook = tmp_path / "headers.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "website", "gather_facts": False, "tasks": tasks}]))
    lines = [line for line in finished(player.run(str(playbook))).output.splitlines() if line.strip()]
    kinds = [line.split(" *")[0] if line.startswith("TASK") else line[:20] for line in lines]
    header = kinds.index("TASK [Trust an issuer]")
    (progress,) = [number for number, line in enumerate(lines) if line.startswith("  website | ")]
    assert progress == header + 1, "\n".join(lines)
    assert lines[progress + 1].startswith("changed: [website]")
    assert kinds[kinds.index("TASK [Skipped]") + 1] == "skipping: [website]"
    assert "TASK [Of others, skipped]" not in kinds


def test_every_way_of_running_a_task_refuses_another_account(player: Player, tmp_path: Path) -> None:
    """Also where the module finds its credentials elsewhere than in the controller."""
    options = {"region": "eu-central-1", "name": "/another/account"}
    tasks = [
        {"name": name, "pear.fargate.cloudwatch_log_group": options, "ignore_errors": True, **keywords}
        for name, keywords in WAYS
    ]
    playbook = tmp_path / "account.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "website", "gather_facts": False, "tasks": tasks}]))
    wrong = finished(player.run(str(playbook), variables={"environment_account": "999999999999"}))
    assert wrong.recap["website"] == {**wrong.recap["website"], "changed": 0, "ignored": len(WAYS)}
    said = " ".join(wrong.output.split())
    # Some versions of Ansible print the message of a failed task twice.
    assert said.count("environment_account is 999999999999") in (len(WAYS), 2 * len(WAYS))
    right = finished(player.run(str(playbook), variables={"environment_account": "123456789012"}))
    assert right.recap["website"] == {**right.recap["website"], "changed": 1, "ignored": 0}


def test_nothing_is_removed_with_credentials_of_another_account(player: Player) -> None:
    variables = {"environment_account": "999999999999", "confirm": "tiny"}
    result = player.run("playbooks/destroy.yml", variables=variables).failed()
    assert "environment_account is 999999999999: nothing was changed" in " ".join(result.output.split())


def tags_of(playbook: str) -> list[str]:
    """The tags of a playbook's roles and tasks."""
    plays = yaml.safe_load((ROOT / "playbooks" / playbook).read_text())
    entries = [entry for play in plays for part in ("roles", "tasks") for entry in play.get(part, [])]
    return sorted({tag for entry in entries for tag in entry.get("tags", [])} - {"always"})


@pytest.fixture(scope="module")
def provisioned(player: Player) -> Player:
    first = finished(player.run("playbooks/provision.yml"))
    assert first.changed and not first.warnings
    assert finished(player.run("playbooks/provision.yml")).changed == 0
    return player


TAGGED = [
    (playbook, flag, tag)
    for playbook in ("provision.yml", "release.yml", "drift.yml")
    for flag in ("--tags", "--skip-tags")
    for tag in tags_of(playbook)
    # A release without its image is refused, as the test of that name says, and so is the look at one.
    if (flag, tag) != ("--skip-tags", "image")
]


@pytest.mark.parametrize(("playbook", "flag", "tag"), first_of(TAGGED))
def test_each_tag_can_be_run_alone_or_skipped(provisioned: Player, playbook: str, flag: str, tag: str) -> None:
    result = provisioned.run(f"playbooks/{playbook}", flag, tag, check=True)
    looked, _task, _reported = result.output.partition("TASK [Report the drift]")
    if playbook == "drift.yml" and result.status == 2:
        # That is how it tells drift: its last task fails, and nothing before it.
        assert "fatal: [" not in looked, result.output
    else:
        finished(result)


def test_an_inventory_without_tags_and_names_is_looked_at_by_the_names_that_roles_derive(
    endpoint: str, tmp_path: Path
) -> None:
    """Neither environment_tags nor service_name is set: the service has the name of its host, in the preflight too."""
    bare, name = player_of(endpoint, tmp_path, "bare", {}), "bare-eu-central-1-website-task"
    keys = {"access_key": "testing", "secret_key": "testing", "endpoint_url": endpoint, "region": "eu-central-1"}
    iam = Aws(keys).client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    refused = bare.run("playbooks/provision.yml").failed()
    said = " ".join(refused.output.split())
    assert f"Role {name} exists, and no tag says that it belongs to environment bare" in said
    assert "and nothing was changed" in said and refused.changed == 0
    iam.delete_role(RoleName=name)
    made = finished(bare.run("playbooks/provision.yml"))
    assert made.changed and not made.warnings
    tags = {tag["Key"] for tag in iam.list_role_tags(RoleName=name)["Tags"]}
    assert tags == {"pear:environment", "pear:region", "pear:service", "pear:component"}


@pytest.mark.parametrize("playbook", first_of(["release", "provision", "deploy"]))
def test_mistakes_inside_options_are_told_before_anything_is_made(player: Player, playbook: str) -> None:
    wrong: dict[str, Any] = {
        "service_strategy": "canary",
        "service_strategy_options": {"percnt": 10},
        "service_gates": {"errors": {"tolerance": 1}},
        "service_checks": [{"name": "ready", "expect_jsn": {}}],
        "service_log_group": "/of/others",
        "service_log_retention_days": 7,
    }
    refused = player.run(f"playbooks/{playbook}.yml", variables=wrong).failed()
    one_line = " ".join(refused.output.split())
    for told in (
        "service_strategy_options.percnt is no option; did you mean percent?",
        "service_gates.errors.tolerance is no option; did you mean tolerance_percent?",
        "service_checks[1].expect_jsn is no option; did you mean expect_json?",
        "service_log_retention_days has no effect: service_log_group names something of others",
        "and nothing was changed",
    ):
        assert told in one_line, refused.output


def test_what_is_released_without_a_person_is_allowed_and_did_not_fail_before(
    provisioned: Player, endpoint: str
) -> None:
    told = finished(provisioned.run("playbooks/converge.yml"))
    assert "environment_converge is not true: people release to tiny." in told.output
    assert told.changed == 0 and "bluegreen" not in told.output and told.recap["website"]["skipped"] > 0
    allowed = {"environment_converge": True}
    planned = finished(provisioned.run("playbooks/converge.yml", variables=allowed, check=True))
    assert planned.changed and "release | New version of website" in planned.output, planned.output

    keys = {"access_key": "testing", "secret_key": "testing", "endpoint_url": endpoint, "region": "eu-central-1"}
    ledger = DynamoLedger(Aws(keys), "tiny-releases", "website")
    lease = Lease("website", "ada", RELEASE.id, 1, time.time(), time.time() + 1)
    assert ledger.take(lease, 0)
    ended = {"outcome": Outcome.ROLLED_BACK, "reason": "5xx share 20 %", "closed": True}
    ledger.save(replace(RELEASE, service="website", digest=IMAGE.partition("@")[2], **ended), lease)
    refused = provisioned.run("playbooks/converge.yml", variables=allowed, check=True).failed()
    said = " ".join(refused.output.split())
    assert f"website was not released: deploy {RELEASE.id} of this image ended as rolled_back: 5xx share 20 %." in said
    assert "release | New version" not in refused.output


def test_a_release_without_its_image_says_so(provisioned: Player) -> None:
    result = provisioned.run("playbooks/release.yml", "--skip-tags", "image", check=True).failed()
    assert "website was not released: no image was looked up before. Leave --skip-tags image out" in result.output


def test_the_execution_role_may_still_start_the_version_that_runs(provisioned: Player, endpoint: str) -> None:
    """Provisioned with another image, log group, secret and environment file than those of the live version."""
    keys = {"access_key": "testing", "secret_key": "testing", "endpoint_url": endpoint, "region": "eu-central-1"}
    ecs, iam = (Aws(keys).client(name) for name in ("ecs", "iam"))
    app = {
        "name": "app",
        "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/former@sha256:" + 64 * "1",
        "memory": 128,
        "secrets": [{"name": "KEY", "valueFrom": "/former/key"}],
        "environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::former/app.env"}],
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/former"}},
    }
    revision = ecs.register_task_definition(family="tiny-website", containerDefinitions=[app])["taskDefinition"]
    mark = [{"key": "pear:environment", "value": "tiny"}, {"key": "pear:service", "value": "website"}]
    live = {"cluster": "tiny", "serviceName": "website-blue", "taskDefinition": revision["taskDefinitionArn"]}
    ecs.create_service(**live, desiredCount=0, tags=mark)
    try:
        finished(provisioned.run("playbooks/provision.yml", "--tags", "service"))
        role = {"RoleName": "tiny-eu-central-1-website-execution", "PolicyName": "execution"}
        statements = iam.get_role_policy(**role)["PolicyDocument"]["Statement"]
        granted = {statement["Sid"]: statement["Resource"] for statement in statements}
        begin = "arn:aws:{}:eu-central-1:123456789012:{}".format
        assert begin("logs", "log-group:/former:*") in granted["Log"]
        assert begin("ecr", "repository/former") in granted["Pull"]
        assert granted["Parameters"] == [begin("ssm", "parameter/former/key")]
        assert granted["EnvironmentFiles"] == ["arn:aws:s3:::former/app.env"]
    finally:
        ecs.delete_service(cluster="tiny", service="website-blue", force=True)


CONFIG = """
[profile production]
sso_session = office
sso_account_id = 123456789012
sso_role_name = deployer
[sso-session office]
sso_region = eu-central-1
sso_start_url = https://example.com/start
[profile elsewhere]
role_arn = arn:aws:iam::123456789012:role/gone
source_profile = nowhere
"""


@pytest.mark.parametrize(
    ("profile", "sentence"),
    [
        (
            "prodution",
            "This machine has no AWS profile 'prodution', which AWS_PROFILE or the option profile names (there are elsewhere, ",
        ),
        ("production", "The session of AWS IAM Identity Center (SSO) has expired, or was never begun"),
        ("elsewhere", "The AWS profile cannot be used"),
    ],
)
def test_credentials_that_do_not_work_are_one_sentence(
    player: Player, profile: str, sentence: str, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(CONFIG)
    own = {
        **player.environment,
        "AWS_PROFILE": profile,
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(config),
    }
    own = {name: value for name, value in own.items() if "KEY" not in name}
    result = Player(own, player.inventories).run("playbooks/provision.yml", "-l", "website").failed()
    assert sentence in " ".join(result.output.split())
    assert "probably a bug" not in result.output
