"""X-Ray's rules and groups in the sandbox: limits, refusals and tags, as AWS documents them."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.api.overlay import Context
from sandbox.api.xray_settings import RULES_PER_REGION, TraceSettings
from sandbox.errors import ApiError

HERE = Context("123456789012", "eu-central-1", "testing")
RULE = {
    "Priority": 1, "FixedRate": 0.5, "ReservoirSize": 1, "ServiceName": "*", "ServiceType": "*", "Host": "*", "HTTPMethod": "*",
    "URLPath": "*", "ResourceARN": "*", "Version": 1,
}  # fmt: skip


def ask(settings: TraceSettings, operation: str, **request: Any) -> dict[str, Any]:
    return settings.calls[operation](request, HERE)


def refusal(settings: TraceSettings, operation: str, **request: Any) -> str:
    with pytest.raises(ApiError) as refused:
        ask(settings, operation, **request)
    return refused.value.code


def create(settings: TraceSettings, name: str, **changed: Any) -> dict[str, Any]:
    made = ask(settings, "CreateSamplingRule", SamplingRule={"RuleName": name, **RULE, **changed})
    return dict(made["SamplingRuleRecord"]["SamplingRule"])


def rules(settings: TraceSettings) -> list[str]:
    """The names, page by page."""
    found: list[str] = []
    token: dict[str, Any] = {}
    while True:
        page = ask(settings, "GetSamplingRules", **token)
        found += [record["SamplingRule"]["RuleName"] for record in page["SamplingRuleRecords"]]
        if "NextToken" not in page:
            return found
        token = {"NextToken": page["NextToken"]}


def test_a_region_takes_25_rules_beside_the_default_one() -> None:
    settings = TraceSettings()
    for number in range(RULES_PER_REGION):
        create(settings, f"r{number}")
    assert RULES_PER_REGION == 25
    assert (
        refusal(settings, "CreateSamplingRule", SamplingRule={"RuleName": "one-more", **RULE})
        == "RuleLimitExceededException"
    )
    assert len(rules(settings)) == 26 and rules(settings)[-1] == "Default"
    ask(settings, "DeleteSamplingRule", RuleName="r0")
    create(settings, "one-more")


@pytest.mark.parametrize(
    "changed",
    [
        {"Priority": 0}, {"Priority": 10000}, {"FixedRate": 1.1}, {"ReservoirSize": -1}, {"Version": 2}, {"URLPath": "x" * 129},
        {"HTTPMethod": "x" * 11}, {"RuleName": "x" * 33}, {"RuleName": "Default"}, {"Attributes": {str(n): "x" for n in range(6)}},
    ],
)  # fmt: skip
def test_a_rule_beyond_the_limits_is_an_invalid_request(changed: dict[str, Any]) -> None:
    rule = {"RuleName": "r", **RULE, **changed}
    assert refusal(TraceSettings(), "CreateSamplingRule", SamplingRule=rule) == "InvalidRequestException"


def test_a_rule_needs_all_its_parts_and_a_name_of_its_own() -> None:
    settings = TraceSettings()
    create(settings, "r")
    assert refusal(settings, "CreateSamplingRule", SamplingRule={"RuleName": "r", **RULE}) == "InvalidRequestException"
    lacking = {key: value for key, value in RULE.items() if key != "Host"}
    assert (
        refusal(settings, "CreateSamplingRule", SamplingRule={"RuleName": "s", **lacking}) == "InvalidRequestException"
    )


def test_an_update_changes_what_it_names_and_deletion_is_by_name_or_arn() -> None:
    settings = TraceSettings()
    arn = create(settings, "r")["RuleARN"]
    update = {"RuleName": "r", "FixedRate": 0.1}
    changed = ask(settings, "UpdateSamplingRule", SamplingRuleUpdate=update)["SamplingRuleRecord"]["SamplingRule"]
    assert (changed["FixedRate"], changed["Priority"], changed["RuleARN"]) == (0.1, 1, arn)
    assert refusal(settings, "DeleteSamplingRule", RuleName="r", RuleARN=arn) == "InvalidRequestException"
    ask(settings, "DeleteSamplingRule", RuleARN=arn)
    assert refusal(settings, "DeleteSamplingRule", RuleName="r") == "InvalidRequestException"
    assert refusal(settings, "DeleteSamplingRule", RuleName="Default") == "InvalidRequestException"
    assert settings.known_tags(arn) == {}


def test_a_group_keeps_what_an_update_leaves_out_and_notifies_of_insights_only() -> None:
    settings = TraceSettings()
    arn = ask(settings, "CreateGroup", GroupName="g", FilterExpression="fault")["Group"]["GroupARN"]
    only_notifications = {"InsightsEnabled": False, "NotificationsEnabled": True}
    assert (
        refusal(settings, "UpdateGroup", GroupARN=arn, InsightsConfiguration=only_notifications)
        == "InvalidRequestException"
    )
    changed = ask(settings, "UpdateGroup", GroupName="g", InsightsConfiguration={"InsightsEnabled": True})["Group"]
    assert changed["FilterExpression"] == "fault"
    assert changed["InsightsConfiguration"] == {"InsightsEnabled": True, "NotificationsEnabled": False}
    assert refusal(settings, "CreateGroup", GroupName="g") == "InvalidRequestException"
    assert refusal(settings, "CreateGroup", GroupName="x" * 33) == "InvalidRequestException"
    assert ask(settings, "DeleteGroup", GroupARN=arn) == {}
    assert ask(settings, "GetGroups")["Groups"] == []


def test_tags_are_of_what_exists() -> None:
    settings = TraceSettings()
    tags = [{"Key": "a", "Value": "1"}]
    arn = ask(settings, "CreateGroup", GroupName="g", Tags=tags)["Group"]["GroupARN"]
    ask(settings, "TagResource", ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
    ask(settings, "UntagResource", ResourceARN=arn, TagKeys=["a"])
    assert ask(settings, "ListTagsForResource", ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    assert refusal(settings, "TagResource", ResourceARN=arn, Tags=many) == "TooManyTagsException"
    assert refusal(settings, "ListTagsForResource", ResourceARN=f"{arn}x") == "ResourceNotFoundException"
