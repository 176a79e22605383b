"""The console in a real browser: what it shows is what runs, and its buttons do what they say."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.error import HTTPError

import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
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
    record(world, "20260101T000000Z-deploy-abc")
    eventually(lambda: world.steady("shown") and world.healthy(group) == 2, message="the service is healthy")
    yield "shown"
    world.delete_service("shown")
    dynamodb.delete_table(TableName="shop-releases")


def record(world: World, release: str) -> None:
    """A release that began now."""
    item = {"service": "shown", "entry": f"release/{release}", "kind": "deploy", "outcome": "rolled_back"}
    texts = {name: {"S": text} for name, text in (item | {"reason": HOSTILE, "by": "test"}).items()}
    world.client("dynamodb").put_item(TableName="shop-releases", Item=texts | {"started_at": {"N": str(time.time())}})


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


def test_its_graphs_have_a_line_where_a_release_began(page: Any, world: World, shown: str) -> None:
    record(world, "20260102T000000Z-deploy-def")

    def marked() -> list[float]:
        lines = page.find_elements(By.CSS_SELECTOR, '[data-target-group="shown"] svg line.release')
        found = [(line.get_attribute("textContent"), float(line.get_attribute("x1"))) for line in lines]
        return [at for title, at in found if title == "release 20260102T000000Z-deploy-def"]

    places = eventually(lambda: current(marked), message="the release is marked")
    # Once in each graph, and within it.
    assert len(places) == 3 and all(0 <= at <= 100 for at in places)


def test_it_shows_the_weights_of_two_colours(page: Any, world: World) -> None:
    elbv2 = world.client("elbv2")
    blue, green = (world.target_group(f"both-{colour}", f"/both-{colour}/*") for colour in ("blue", "green"))
    (rule,) = [
        rule["RuleArn"]
        for rule in elbv2.describe_rules(ListenerArn=world.listener_arn)["Rules"]
        if [found.get("PathPatternConfig", {}).get("Values") for found in rule["Conditions"]] == [["/both-blue/**"]]
    ]
    weights = [{"TargetGroupArn": blue, "Weight": 80}, {"TargetGroupArn": green, "Weight": 20}]
    elbv2.modify_rule(RuleArn=rule, Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}])

    def drawn() -> dict[str, tuple[str, str]]:
        """The share that is written and the bar's length, of each target group of the rule."""
        (block,) = [
            found
            for found in page.find_elements(By.CSS_SELECTOR, "#traffic .rule")
            if "/both-blue/" in found.find_element(By.TAG_NAME, "h3").text
        ]
        rows = block.find_elements(By.CSS_SELECTOR, "[data-target-group]")
        return {
            str(row.get_attribute("data-target-group")): (
                row.find_elements(By.CSS_SELECTOR, ":scope > div")[1].text.strip(),
                str(row.find_element(By.CSS_SELECTOR, ".bar i").get_attribute("style")),
            )
            for row in rows
        }

    expected = {"both-blue": ("80 %", "width: 80%;"), "both-green": ("20 %", "width: 20%;")}
    eventually(lambda: current(drawn) == expected, message="the rule is shown with 80 and 20 %")


def test_it_shows_an_alarm_that_fires_and_one_that_does_not(page: Any, world: World) -> None:
    cloudwatch = world.client("cloudwatch")
    for name, missing in (("console/broken", "breaching"), ("console/well", "notBreaching")):
        cloudwatch.put_metric_alarm(
            AlarmName=name, Namespace="Console", MetricName="never", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1,
            ComparisonOperator="GreaterThanThreshold", TreatMissingData=missing,
        )  # fmt: skip

    def states() -> dict[str, tuple[str, str]]:
        rows = page.find_elements(By.CSS_SELECTOR, "#alarms tbody tr")
        found = [row.find_elements(By.TAG_NAME, "td") for row in rows]
        return {
            name.text: (state.text, str(state.find_element(By.TAG_NAME, "span").get_attribute("class")))
            for state, name in found
        }

    expected = {"console/broken": ("ALARM", "bad"), "console/well": ("OK", "good")}
    eventually(
        lambda: expected.items() <= (current(states) or {}).items(), message="the alarms are shown with their states"
    )
    cloudwatch.delete_alarms(AlarmNames=list(expected))


def test_it_follows_the_log_group_that_is_chosen(page: Any, world: World) -> None:
    logs = world.client("logs")
    for group in ("/console/chosen", "/console/other"):
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="s")

    def choose() -> bool:
        Select(page.find_element(By.ID, "group")).select_by_value("/console/chosen")
        return True

    eventually(lambda: current(choose), message="the log group can be chosen")
    for group, message in (("/console/other", "of another group"), ("/console/chosen", f"one {HOSTILE}")):
        events = [{"timestamp": int(time.time() * 1000), "message": message}]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    shows(page, "log", f"one {HOSTILE}")
    assert "of another group" not in text(page, "log")


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


def current(look: Callable[[], Any]) -> Any:
    """What is on the page; nothing while the page draws itself anew under the look."""
    try:
        return look()
    except (StaleElementReferenceException, NoSuchElementException, ValueError):
        return None


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
