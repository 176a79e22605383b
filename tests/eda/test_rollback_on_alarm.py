"""From a bad version to its return without a person: alarm → SNS → SQS → ansible-rulebook → rollback. Run by `make eda`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.stories.arcade import Arcade, entries
from tests.support.plays import ANSIBLE_PLAYBOOK, COLLECTIONS, ROOT

# The environment of ansible-rulebook, which tools/eda.sh makes.
HOME = Path(os.environ["PEAR_RULEBOOK"])
QUEUE = "local-rollbacks"
RULEBOOK = ROOT / "extensions/eda/rulebooks/rollback_on_alarm.yml"
BAD = {"CHAOS_ENABLED": "true", "CHAOS_ERROR_RATE": "0.5"}
# Nothing judges it: the alarm has to notice.
UNJUDGED = {"service_strategy": "all_at_once", "service_strategy_options": {"bake_seconds": 0}, "service_checks": []}


def test_the_rulebook_fits_the_schema_of_ansible_rulebook() -> None:
    (schema,) = HOME.glob("lib/python3*/site-packages/ansible_rulebook/schema/ruleset_schema.json")
    jsonschema.validate(yaml.safe_load(RULEBOOK.read_text()), json.loads(schema.read_text()))


class Queue:
    """The queue and its dead letters, as SQS counts them."""

    def __init__(self, arcade: Arcade) -> None:
        self.sqs = arcade.stage.client("sqs")
        self.url = self.sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        self.dead = self.sqs.get_queue_url(QueueName=f"{QUEUE}-dead")["QueueUrl"]

    def left(self, url: str = "") -> int:
        """Messages, visible and hidden."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=url or self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


@pytest.fixture(scope="module")
def queue(arcade: Arcade) -> Queue:
    """Made and subscribed as docs/eda.md says."""
    made = arcade.player.run("extensions/eda/queue.yml").succeeded()
    assert arcade.player.run("extensions/eda/queue.yml").succeeded().changed == 0, made.output
    found = Queue(arcade)
    arn = found.sqs.get_queue_attributes(QueueUrl=found.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscription = {"protocol": "sqs", "endpoint": arn, "severities": ["critical"]}
    variables = {"monitoring_subscriptions": [subscription]}
    arcade.player.run("playbooks/provision.yml", "--tags", "monitoring", variables=variables).succeeded()
    return found


@contextmanager
def rulebook(arcade: Arcade, queue: Queue, folder: Path) -> Iterator[Path]:
    """ansible-rulebook as a person starts it; yields the file with what it says."""
    variables, said = folder / "vars.yml", folder / "said"
    variables.write_text(yaml.safe_dump({"rollback_queue_url": queue.url, "rollback_region": "eu-central-1"}))
    inventory = folder / "inventory"
    inventory.mkdir()
    for source in arcade.player.inventories:
        subprocess.run(["cp", "-r", f"{ROOT / source}/.", str(inventory)], check=True)
    environment = {
        **os.environ,
        **arcade.stage.environment,
        "PATH": f"{ANSIBLE_PLAYBOOK.parent}:{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    }
    command = [HOME / "bin/ansible-rulebook", "--rulebook", "pear.fargate.rollback_on_alarm"]
    with said.open("w") as output:
        process = subprocess.Popen(
            [*map(str, command), "-i", str(inventory), "--vars", str(variables)],
            env=environment, cwd=folder, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            yield said
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=120)


def seconds_from_alarm_to_return(arcade: Arcade, since: float) -> float:
    """From the alarm's change of state to ModifyRule: SNS, SQS, ansible-rulebook, the playbook and what it reads before it writes."""
    history = arcade.stage.client("cloudwatch").describe_alarm_history(
        AlarmName="local/arcade/critical", AlarmTypes=["CompositeAlarm"], HistoryItemType="StateUpdate",
        StartDate=datetime.fromtimestamp(since, UTC), EndDate=datetime.now(UTC), ScanBy="TimestampAscending",
    )["AlarmHistoryItems"]  # fmt: skip
    fired = next(item["Timestamp"] for item in history if item["HistorySummary"].endswith("to ALARM")).timestamp()
    address = f"{arcade.stage.environment['AWS_ENDPOINT_URL']}/_sandbox/calls?since={fired}"
    with urllib.request.urlopen(address, timeout=60) as answer:
        calls = json.load(answer)["calls"]
    return float(next(call["at"] for call in calls if call["operation"] == "ModifyRule")) - fired


def test_a_bad_version_is_returned_by_its_alarm_and_an_older_alarm_returns_nothing(
    arcade: Arcade, queue: Queue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arcade.release("good", **UNJUDGED).succeeded()
    good = arcade.live()
    with rulebook(arcade, queue, tmp_path) as said, arcade.under_load(40):
        began = time.time()
        arcade.release("bad", environment=BAD, **UNJUDGED).succeeded()
        assert arcade.live() != good
        arcade.wait_for(lambda: arcade.live() == good, 1800)
        with capsys.disabled():
            print(f"\nfrom the alarm to ModifyRule: {seconds_from_alarm_to_return(arcade, began):.1f} s")
        arcade.wait_for(lambda: queue.left() == 0, 900)
        last = entries(arcade)
        assert "alarm local/arcade/critical" in json.dumps(last), said.read_text()

        rolled_back = len(last)
        older = {
            "AlarmName": "local/arcade/critical",
            "NewStateValue": "ALARM",
            "NewStateReason": "Threshold Crossed",
            "StateChangeTime": time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime(time.time() - 86400)),
        }
        queue.sqs.send_message(QueueUrl=queue.url, MessageBody=json.dumps(older))
        arcade.wait_for(lambda: queue.left() == 0, 900)
        assert len(entries(arcade)) == rolled_back and arcade.live() == good
        assert queue.left(queue.dead) == 0
        text: Any = said.read_text()
        assert "was rolled back already" in text or "fired before release" in text, text
