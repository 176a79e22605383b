"""The console in a real browser: what it shows is what runs, and its buttons do what they say."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select

from tests.support.browser import browser
from tests.support.waiting import eventually

from .conftest import Running
from .world import World

pytestmark = pytest.mark.long
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def shown(world: World) -> Iterator[str]:
    """A service of two tasks behind a rule, and a release of it in a ledger; answers the name of its target group."""
    group = world.target_group("shown", "/shown/*")
    world.create_service("shown", world.define("shown"), group, desired=2)
    dynamodb = world.client("dynamodb")
    dynamodb.create_table(
        TableName="shop-releases",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("service", "entry")],
        KeySchema=[{"AttributeName": "service", "KeyType": "HASH"}, {"AttributeName": "entry", "KeyType": "RANGE"}],
    )
    item = {
        "service": "shown",
        "entry": "release/20260101T000000Z-deploy-abc",
        "kind": "deploy",
        "outcome": "rolled_back",
    }
    texts = {name: {"S": text} for name, text in (item | {"reason": HOSTILE, "by": "test"}).items()}
    dynamodb.put_item(TableName="shop-releases", Item=texts | {"started_at": {"N": str(time.time())}})
    eventually(lambda: world.steady("shown") and world.healthy(group) == 2, message="the service is healthy")
    yield "shown"
    world.delete_service("shown")
    dynamodb.delete_table(TableName="shop-releases")


@pytest.fixture(scope="module")
def page(sandbox: Running, shown: str) -> Iterator[Any]:
    with browser() as driver:
        driver.get(sandbox.settings.console)
        yield driver


def text(page: Any, identifier: str) -> str:
    return str(page.find_element(By.ID, identifier).text)


def shows(page: Any, identifier: str, *words: str) -> None:
    eventually(lambda: all(word in text(page, identifier) for word in words), message=f"{identifier} shows {words}")


def test_it_shows_traffic_services_tasks_and_releases(page: Any, world: World, shown: str) -> None:
    shows(page, "traffic", "/shown/*", "2 of 2 healthy", "100 %", "requests a minute")
    shows(page, "services", "shown")
    for task in world.tasks("shown"):
        shows(page, "tasks", task["taskArn"].rpartition("/")[2][:12])
    # Texts of others are texts.
    shows(page, "releases", "shop shown", "rolled_back", HOSTILE)
    shows(page, "machine", "This machine")


def test_its_graphs_follow_the_traffic(page: Any, world: World, shown: str) -> None:
    def drawn() -> bool:
        for _ in range(5):
            urllib.request.urlopen(f"http://{world.address}/shown/x", timeout=60).read()
        line = page.find_elements(By.CSS_SELECTOR, '[data-target-group="shown"] polyline')
        return any(len((one.get_attribute("points") or "").split()) > 1 for one in line)

    eventually(drawn, message="a line of requests is drawn")


def test_a_fault_is_added_and_ended_by_its_buttons(page: Any, sandbox: Running, shown: str) -> None:
    shows(page, "faults", "No fault is on.")
    form = page.find_element(By.ID, "fault")
    eventually(
        lambda: shown in {one.text for one in form.find_elements(By.CSS_SELECTOR, "[name=subject] option")},
        message="the target group can be chosen",
    )
    Select(form.find_element(By.NAME, "kind")).select_by_value("erroring")
    Select(form.find_element(By.NAME, "subject")).select_by_value(shown)
    form.find_element(By.TAG_NAME, "button").click()
    shows(page, "message", f"The fault is on: erroring of {shown}.")
    (fault,) = ask(sandbox, "/_sandbox/faults")["faults"]
    assert fault["kind"] == "erroring" and f"/{shown}/" in fault["subject"]
    eventually(lambda: press(page, "[data-clear]"), message="the fault has a button that ends it")
    shows(page, "faults", "No fault is on.")
    assert ask(sandbox, "/_sandbox/faults")["faults"] == []


def test_a_task_is_killed_by_its_button(page: Any, world: World, shown: str) -> None:
    victim = world.tasks("shown")[0]["taskArn"].rpartition("/")[2]
    eventually(lambda: press(page, f'[data-kill="{victim}"]'), message="the task has a button")
    shows(page, "message", f"Task {victim} was killed.")
    eventually(lambda: victim not in str(world.tasks("shown")), message="the task ends")


def test_the_browser_had_nothing_to_complain_of(page: Any) -> None:
    assert page.get_log("browser") == []


def test_a_page_from_elsewhere_adds_no_fault(sandbox: Running) -> None:
    request = urllib.request.Request(
        f"{sandbox.settings.endpoint}/_sandbox/faults",
        data=json.dumps({"kind": "zone", "subject": "eu-central-1a"}).encode(),
        headers={"Origin": "https://elsewhere.example", "Content-Type": "text/plain"},
    )
    with pytest.raises(HTTPError, match="403"):
        urllib.request.urlopen(request)
    assert ask(sandbox, "/_sandbox/faults")["faults"] == []


def press(page: Any, selector: str) -> bool:
    """Click in the page itself: between finding a button and clicking it from here, the page may have drawn a new one."""
    return bool(
        page.execute_script(
            "const one = document.querySelector(arguments[0]); one && one.click(); return !!one", selector
        )
    )


def ask(sandbox: Running, path: str) -> Any:
    with urllib.request.urlopen(f"{sandbox.settings.endpoint}{path}", timeout=60) as answer:
        return json.load(answer)
