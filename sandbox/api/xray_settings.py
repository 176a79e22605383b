"""X-Ray's sampling rules and groups: kept, with X-Ray's limits and refusals and their tags. moto has none of them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from ..errors import ApiError
from .overlay import Context, OverlayMismatch, handle
from .state import Sandbox

# https://docs.aws.amazon.com/general/latest/gr/xray.html
RULES_PER_REGION = 25
_PAGE = 10
# https://docs.aws.amazon.com/xray/latest/api/API_SamplingRule.html
_LONGEST = {
    "RuleName": 32, "ServiceName": 64, "ServiceType": 64, "Host": 64, "HTTPMethod": 10, "URLPath": 128, "ResourceARN": 500,
}  # fmt: skip
_REQUIRED = (*_LONGEST, "Priority", "FixedRate", "ReservoirSize", "Version")
_RANGES = {"Priority": (1, 9999), "FixedRate": (0, 1), "ReservoirSize": (0, 2**31 - 1), "Version": (1, 1)}
_GROUP_NAME = 32
_TAGS = 50
_DEFAULT = "Default"


class TraceSettings:
    """Rules and groups by region and name, tags by ARN."""

    def __init__(self, sandbox: Sandbox | None = None) -> None:
        self._rules: dict[str, dict[str, dict[str, Any]]] = {}
        self._groups: dict[str, dict[str, dict[str, Any]]] = {}
        self._tags: dict[str, dict[str, str]] = {}
        if sandbox is not None:
            sandbox.keep("trace settings", self, "_rules", "_groups", "_tags")
        self.calls = {
            "CreateSamplingRule": self._create_rule,
            "UpdateSamplingRule": self._update_rule,
            "DeleteSamplingRule": self._delete_rule,
            "GetSamplingRules": self._get_rules,
            "CreateGroup": self._create_group,
            "UpdateGroup": self._update_group,
            "DeleteGroup": self._delete_group,
            "GetGroup": self._get_group,
            "GetGroups": self._get_groups,
            "ListTagsForResource": self._list_tags,
            "TagResource": self._tag,
            "UntagResource": self._untag,
        }

    def install(self) -> None:
        from moto.xray.responses import XRayResponse

        if hasattr(XRayResponse, "create_sampling_rule") or hasattr(XRayResponse, "create_group"):
            raise OverlayMismatch("moto has X-Ray's rules or groups of its own now: this overlay is to be read again")
        handle("xray", self.calls)

    def known_tags(self, arn: str) -> dict[str, str]:
        """Of a rule or a group; none of what does not exist."""
        return self._tags.get(arn, {})

    def _create_rule(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        rule, rules = dict(request["SamplingRule"]), self._rules_of(context)
        if missing := [key for key in _REQUIRED if key not in rule]:
            raise _invalid(f"SamplingRule has no {', '.join(missing)}")
        _check_rule(rule)
        name = rule["RuleName"]
        if name in rules or name == _DEFAULT:
            raise _invalid(f"Sampling rule with name {name} already exists")
        if len(rules) >= RULES_PER_REGION:
            raise ApiError("RuleLimitExceededException", "You have reached the maximum number of sampling rules.")
        arn = f"arn:aws:xray:{context.region}:{context.account}:sampling-rule/{name}"
        now = time.time()
        rules[name] = {"SamplingRule": {"Attributes": {}, **rule, "RuleARN": arn}, "CreatedAt": now, "ModifiedAt": now}
        self._tags[arn] = _tags(request.get("Tags"))
        return {"SamplingRuleRecord": rules[name]}

    def _update_rule(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        update = dict(request["SamplingRuleUpdate"])
        record = self._rule(update, context)
        name = record["SamplingRule"]["RuleName"]
        if name == _DEFAULT and set(update) - {"RuleName", "RuleARN", "FixedRate", "ReservoirSize"}:
            raise _invalid("Only the fixed rate and the reservoir of the default rule can be changed")
        _check_rule(update)
        changed = {key: value for key, value in update.items() if key not in ("RuleName", "RuleARN")}
        record["SamplingRule"].update(changed)
        record["ModifiedAt"] = time.time()
        return {"SamplingRuleRecord": record}

    def _delete_rule(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        record = self._rule(request, context)
        rule = record["SamplingRule"]
        if rule["RuleName"] == _DEFAULT:
            raise _invalid("The default sampling rule can't be deleted")
        del self._rules_of(context)[rule["RuleName"]]
        self._tags.pop(rule["RuleARN"], None)
        return {"SamplingRuleRecord": record}

    def _get_rules(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        return _page(request, "SamplingRuleRecords", [*self._rules_of(context).values(), _default_rule(context)])

    def _rule(self, reference: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """By its name or its ARN, and not by both."""
        name, arn = reference.get("RuleName"), reference.get("RuleARN")
        if bool(name) == bool(arn):
            raise _invalid("Specify a rule by either name or ARN, but not both")
        records = [*self._rules_of(context).values(), _default_rule(context)]
        for record in records:
            if name == record["SamplingRule"]["RuleName"] or arn == record["SamplingRule"]["RuleARN"]:
                return record
        raise _invalid(f"Sampling rule {name or arn} does not exist")

    def _rules_of(self, context: Context) -> dict[str, dict[str, Any]]:
        return self._rules.setdefault(context.region, {})

    def _create_group(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        name, groups = request.get("GroupName") or "", self._groups_of(context)
        if not 1 <= len(name) <= _GROUP_NAME:
            raise _invalid(f"GroupName has 1 to {_GROUP_NAME} characters: {name}")
        if name in groups or name == _DEFAULT:
            raise _invalid(f"Group with name {name} already exists")
        arn = f"arn:aws:xray:{context.region}:{context.account}:group/{name}/{uuid.uuid4().hex.upper()}"
        groups[name] = {"GroupName": name, "GroupARN": arn, **_group_settings(request, {})}
        self._tags[arn] = _tags(request.get("Tags"))
        return {"Group": groups[name]}

    def _update_group(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        group = self._group(request, context)
        group.update(_group_settings(request, group))
        return {"Group": group}

    def _delete_group(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        group = self._group(request, context)
        del self._groups_of(context)[group["GroupName"]]
        self._tags.pop(group["GroupARN"], None)
        return {}

    def _get_group(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        return {"Group": self._group(request, context)}

    def _get_groups(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        return _page(request, "Groups", [*self._groups_of(context).values()])

    def _group(self, reference: Mapping[str, Any], context: Context) -> dict[str, Any]:
        name, arn = reference.get("GroupName"), reference.get("GroupARN")
        for group in self._groups_of(context).values():
            if name == group["GroupName"] or arn == group["GroupARN"]:
                return group
        raise _invalid(f"Group {name or arn} does not exist")

    def _groups_of(self, context: Context) -> dict[str, dict[str, Any]]:
        return self._groups.setdefault(context.region, {})

    def _list_tags(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        return {"Tags": [{"Key": key, "Value": value} for key, value in self._tags_of(request["ResourceARN"]).items()]}

    def _tag(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        known = self._tags_of(request["ResourceARN"])
        if len({**known, **_tags(request["Tags"])}) > _TAGS:
            raise ApiError("TooManyTagsException", f"A resource has {_TAGS} tags at most")
        known.update(_tags(request["Tags"]))
        return {}

    def _untag(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        known = self._tags_of(request["ResourceARN"])
        for key in request["TagKeys"]:
            known.pop(key, None)
        return {}

    def _tags_of(self, arn: str) -> dict[str, str]:
        if arn not in self._tags:
            raise ApiError("ResourceNotFoundException", f"{arn} does not exist", 404)
        return self._tags[arn]


def _check_rule(rule: Mapping[str, Any]) -> None:
    for key, longest in _LONGEST.items():
        if len(str(rule.get(key, ""))) > longest:
            raise _invalid(f"{key} has {longest} characters at most")
    for key, (lowest, highest) in _RANGES.items():
        if key in rule and not lowest <= rule[key] <= highest:
            raise _invalid(f"{key} is between {lowest} and {highest}: {rule[key]}")
    attributes = rule.get("Attributes") or {}
    if len(attributes) > 5 or any(not 1 <= len(text) <= 32 for pair in attributes.items() for text in pair):
        raise _invalid("Attributes are five at most, with 1 to 32 characters each")


def _group_settings(request: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """What an update leaves out stays."""
    off = {"InsightsEnabled": False, "NotificationsEnabled": False}
    insights = {**off, **known.get("InsightsConfiguration", {}), **(request.get("InsightsConfiguration") or {})}
    if insights["NotificationsEnabled"] and not insights["InsightsEnabled"]:
        raise _invalid("Notifications can only be enabled on a group with InsightsEnabled set to true")
    expression = request.get("FilterExpression", known.get("FilterExpression", ""))
    return {"FilterExpression": expression, "InsightsConfiguration": insights}


def _default_rule(context: Context) -> dict[str, Any]:
    """Where no other rule matches. It counts among no quota, carries no tags, and has the priority after all others."""
    rule = {
        "RuleName": _DEFAULT, "RuleARN": f"arn:aws:xray:{context.region}:{context.account}:sampling-rule/{_DEFAULT}",
        "ResourceARN": "*", "Priority": 10000, "FixedRate": 0.05, "ReservoirSize": 1, "ServiceName": "*", "ServiceType": "*",
        "Host": "*", "HTTPMethod": "*", "URLPath": "*", "Version": 1, "Attributes": {},
    }  # fmt: skip
    return {"SamplingRule": rule, "CreatedAt": 0.0, "ModifiedAt": 0.0}


def _page(request: Mapping[str, Any], key: str, everything: list[dict[str, Any]]) -> dict[str, Any]:
    start = int(request.get("NextToken") or 0)
    more = {"NextToken": str(start + _PAGE)} if start + _PAGE < len(everything) else {}
    return {key: everything[start : start + _PAGE], **more}


def _tags(pairs: Any) -> dict[str, str]:
    return {pair["Key"]: pair["Value"] for pair in pairs or []}


def _invalid(said: str) -> ApiError:
    return ApiError("InvalidRequestException", said)


def install(sandbox: Sandbox) -> None:
    settings = TraceSettings(sandbox)
    settings.install()
    sandbox.trace_tags = settings.known_tags
