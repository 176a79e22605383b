# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure a set of X-Ray's sampling rules. Whose a rule is, its tags say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from ..aws import xray
from ..aws.errors import Failure
from ..aws.naming import TAG_ENVIRONMENT, TAG_SERVICE
from ..aws.xray import SamplingRule
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim
from ..common.resource import TagCalls, put_tags_right
from .sampling_rules import problems


def run(call: Invocation) -> dict[str, Any]:
    """Create and change the rules that are listed, and delete the others of the same environment and service."""
    aws, params = call.aws, call.params
    if wrong := list(problems(params["rules"])):
        raise Failure(f"{'; '.join(wrong)}. Nothing was changed.")
    listed = {rule["name"]: _rule(rule) for rule in params["rules"]}
    found = xray.sampling_rules(aws)
    # Each costs a call: rules whose names none of ours can have are not asked for.
    tags = {
        name: xray.tags(aws, found[name].arn) for name in found if name in listed or _may_be_ours(name, params["tags"])
    }
    claim(call, run, params["tags"], [Existing("sampling_rule", name, tags[name]) for name in listed if name in found])
    desired = listed if params["state"] == "present" else {}
    changes = Changes(call.check_mode)
    for name, rule in desired.items():
        _ensure(call, changes, rule, found.get(name))
    for name in sorted(tags):
        if name not in desired and (name in listed or _of_the_set(tags[name], params["tags"])):
            changes.want(name, _shown(found[name]), None, partial(xray.delete_sampling_rule, aws, name))
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "rules": sorted(desired),
    }


def _ensure(call: Invocation, changes: Changes, rule: SamplingRule, known: SamplingRule | None) -> None:
    aws, name = call.aws, rule.name
    if known is None:
        create = partial(xray.create_sampling_rule, aws, rule, call.params["tags"])
        changes.want(name, None, _shown(rule), create)
        return
    changes.want(name, _shown(known), _shown(rule), partial(xray.update_sampling_rule, aws, rule))
    arn = known.arn
    calls = TagCalls(partial(xray.tags, aws, arn), partial(xray.tag, aws, arn), partial(xray.untag, aws, arn))
    put_tags_right(changes, call.params, calls, f"tags of {name}")


def _may_be_ours(name: str, tags: Mapping[str, str]) -> bool:
    return TAG_ENVIRONMENT in tags and xray.may_be_of(tags[TAG_ENVIRONMENT], name)


def _of_the_set(found: Mapping[str, str], tags: Mapping[str, str]) -> bool:
    return TAG_ENVIRONMENT in tags and all(found.get(mark) == tags.get(mark) for mark in (TAG_ENVIRONMENT, TAG_SERVICE))


def _rule(options: Mapping[str, Any]) -> SamplingRule:
    same = ("name", "priority", "service_type", "host", "http_method", "url_path", "resource_arn")
    return SamplingRule(
        **{option: options[option] for option in same},
        service_name=options["service"],
        reservoir=options["reservoir_per_second"],
        # 0.07 of 7 and not 0.07000000000000001: it is compared with what X-Ray answers.
        fixed_rate=round(options["percent"] / 100, 6),
        attributes={str(key): str(value) for key, value in options["attributes"].items()},
    )


def _shown(rule: SamplingRule) -> dict[str, Any]:
    shown = asdict(rule)
    for shown_elsewhere in ("name", "arn"):
        del shown[shown_elsewhere]
    shown["service"] = shown.pop("service_name")
    shown["reservoir_per_second"] = shown.pop("reservoir")
    shown["percent"] = round(shown.pop("fixed_rate") * 100, 4)
    return shown
