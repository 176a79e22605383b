# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure a backup plan: its vault, its rules, and what it selects by tags."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from ..aws import backup
from ..aws.errors import Failure
from ..common.changes import Changes
from ..common.clock import polling_intervals
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim
from ..common.resource import TagCalls, put_tags_right
from ..common.waiting import Retry, retry
from . import teardown_backup
from .absent import remove_all

# Option of a rule, and AWS Backup's key.
_WORDS = {
    "name": "RuleName",
    "schedule": "ScheduleExpression",
    "start_within_minutes": "StartWindowMinutes",
    "complete_within_minutes": "CompletionWindowMinutes",
}
# https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Lifecycle.html: what is moved to cold storage stays so long.
_COLD_AT_LEAST_DAYS = 90
_ROLE_SECONDS = 120
_ROLE_UNKNOWN = ("cannot be assumed by AWS Backup", "not authorized to call tag:GetResources")


def run(call: Invocation) -> dict[str, Any]:
    """Create, change or remove the plan; return it. The vault and its backups go only where that is said."""
    params, aws, name = call.params, call.aws, call.params["name"]
    changes = Changes(call.check_mode)
    found = backup.plan(aws, name)
    if found:
        claim(call, run, params["tags"], [Existing("backup", name, backup.tags(aws, found["BackupPlanArn"]))])
    if params["state"] == "absent" or not params["rules"]:
        return _absent(call, found)
    _refuse(call)
    vault = _vault(call, changes)
    rules = sorted((_described(rule) for rule in params["rules"]), key=lambda rule: rule["name"])
    if found is None:
        changes.want(f"backup plan {name}", None, rules, lambda: None)
        if not call.check_mode:
            found = backup.create_plan(aws, name, _requests(name, rules), dict(params["tags"]))
            call.progress.line(f"backup plan {name} created")
    else:
        current = sorted((_rule(rule) for rule in found["BackupPlan"]["Rules"]), key=lambda rule: str(rule["name"]))
        write = partial(backup.set_rules, aws, name, found["BackupPlanId"], _requests(name, rules))
        changes.want(f"backup plan {name} rules", current, [{**rule, "vault": name} for rule in rules], write)
        _tags(call, changes, f"backup plan {name}", found["BackupPlanArn"])
    _selection(call, changes, found)
    return _answer(changes, found, vault)


def _absent(call: Invocation, found: Mapping[str, Any] | None) -> dict[str, Any]:
    """An empty list of rules ends the backups; state=absent looks at the vault too."""
    aws, name = call.aws, call.params["name"]
    resources = [teardown_backup.plan_resource(name, found)] if found else []
    vault = backup.vault(aws, name) if call.params["state"] == "absent" else None
    if vault:
        claim(call, run, call.params["tags"], [Existing("backup", name, backup.tags(aws, vault["BackupVaultArn"]))])
        resources += teardown_backup.vault_resources(aws, name, vault)
    changes, kept = remove_all(call, resources, ["backups"] if call.params["delete_data"] else [])
    return {**_answer(changes, None, vault), "kept": kept}


def _vault(call: Invocation, changes: Changes) -> Mapping[str, Any] | None:
    params, aws, name = call.params, call.aws, call.params["name"]
    found = backup.vault(aws, name)
    key = params["kms_key_arn"]
    if found is None:
        create = partial(backup.create_vault, aws, name, key, dict(params["tags"]))
        changes.want(f"backup vault {name}", None, "created", create)
        return None if call.check_mode else backup.vault(aws, name)
    claim(call, run, params["tags"], [Existing("backup", name, backup.tags(aws, found["BackupVaultArn"]))])
    if key and found.get("EncryptionKeyArn") != key:
        raise Failure(
            f"Backup vault {name} is encrypted with {found.get('EncryptionKeyArn')}, kms_key_arn is {key}; a vault's key cannot "
            "be changed. Restore the option, or give the plan another name: the old vault keeps its backups. Nothing was changed."
        )
    _tags(call, changes, f"backup vault {name}", found["BackupVaultArn"])
    return found


def _tags(call: Invocation, changes: Changes, what: str, arn: str) -> None:
    aws = call.aws
    calls = TagCalls(partial(backup.tags, aws, arn), partial(backup.tag, aws, arn), partial(backup.untag, aws, arn))
    put_tags_right(changes, call.params, calls, f"{what} tags")


def _selection(call: Invocation, changes: Changes, found: Mapping[str, Any] | None) -> None:
    """A selection cannot be changed: the new one is created before the old one is deleted, so that backups continue."""
    aws, name = call.aws, call.params["name"]
    desired = selection(call.params)
    there = backup.selections(aws, found["BackupPlanId"]) if found else {}
    right = [key for key, selection in there.items() if _same(selection, desired)]
    if not right:
        plan_id = found["BackupPlanId"] if found else ""
        # Names of selections are unique within a plan.
        numbered = {
            **desired,
            "SelectionName": _free(name, {selection["SelectionName"] for selection in there.values()}),
        }
        current = [_selected(selection) for selection in there.values()] or None
        changes.want(
            f"backup plan {name} selection",
            current,
            _selected(desired),
            partial(_once_the_role_is_known, call, partial(backup.create_selection, aws, plan_id, numbered)),
        )
    for key in sorted(set(there) - set(right[:1])):
        other = partial(backup.delete_selection, aws, found["BackupPlanId"] if found else "", key)
        changes.want(f"backup plan {name} selection {key}", _selected(there[key]), None, other)


def _once_the_role_is_known(call: Invocation, select: Callable[[], None]) -> None:
    """A new role is usable after about a minute; until then AWS Backup answers that it cannot assume it."""
    role_unknown = Retry(
        passes=lambda error: any(words in str(error) for words in _ROLE_UNKNOWN),
        seconds=_ROLE_SECONDS,
        line=lambda _error, _pause: "waiting for AWS Backup: its new role is not usable yet",
        pauses=partial(polling_intervals, longest=5.0),
    )
    retry(call.clock, call.progress, role_unknown, select)


def selection(params: Mapping[str, Any]) -> dict[str, Any]:
    """All of the tags must match: conditions are combined by AND, a list of tags by OR."""
    return {
        "SelectionName": params["name"],
        "IamRoleArn": params["role_arn"],
        "Resources": ["*"],
        "Conditions": {
            "StringEquals": [
                {"ConditionKey": f"aws:ResourceTag/{key}", "ConditionValue": value}
                for key, value in sorted(params["select_by_tags"].items())
            ]
        },
    }


def _selected(selection: Mapping[str, Any]) -> dict[str, Any]:
    equal = (selection.get("Conditions") or {}).get("StringEquals") or []
    tags = {pair["ConditionKey"].removeprefix("aws:ResourceTag/"): pair["ConditionValue"] for pair in equal}
    # Other criteria of a selection, which the collection does not use.
    more = [key for key in ("ListOfTags", "NotResources") if selection.get(key)]
    more += [key for key, pairs in (selection.get("Conditions") or {}).items() if pairs and key != "StringEquals"]
    return {"role": selection["IamRoleArn"], "tags": tags, "resources": selection.get("Resources", []), "more": more}


def _same(selection: Mapping[str, Any], desired: Mapping[str, Any]) -> bool:
    return _selected(selection) == _selected(desired)


def _free(name: str, taken: set[str]) -> str:
    return next(
        candidate for candidate in (name, *(f"{name}-{number}" for number in range(2, 100))) if candidate not in taken
    )


def _described(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {key: rule[key] for key in (*_WORDS, "keep_days", "cold_after_days")}


def _rule(found: Mapping[str, Any]) -> dict[str, Any]:
    """A rule of AWS Backup as the module's options."""
    lifecycle = found.get("Lifecycle") or {}
    return {
        **{word: found.get(key) for word, key in _WORDS.items()},
        "keep_days": lifecycle.get("DeleteAfterDays", 0),
        "cold_after_days": lifecycle.get("MoveToColdStorageAfterDays", 0),
        "vault": found.get("TargetBackupVaultName"),
    }


def _requests(vault: str, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            **{key: rule[word] for word, key in _WORDS.items()},
            "TargetBackupVaultName": vault,
            "Lifecycle": {"DeleteAfterDays": rule["keep_days"]}
            | ({"MoveToColdStorageAfterDays": rule["cold_after_days"]} if rule["cold_after_days"] else {}),
        }
        for rule in rules
    ]


def refusals(params: Mapping[str, Any]) -> Iterator[str]:
    """Findings about the options alone."""
    names = [rule["name"] for rule in params["rules"]]
    if len(set(names)) < len(names):
        yield f"rules have the names {', '.join(names)}; each rule wants one of its own"
    if not params["select_by_tags"]:
        yield "select_by_tags is empty; everything in the account would be backed up"
    for rule in params["rules"]:
        keep, cold, name = rule["keep_days"], rule["cold_after_days"], rule["name"]
        if keep < 1:
            yield f"rule {name}: keep_days is {keep}; it is 1 or more"
        if cold and keep < cold + _COLD_AT_LEAST_DAYS:
            yield (
                f"rule {name}: keep_days is {keep}, cold_after_days {cold}; what is moved to cold storage stays there for "
                f"{_COLD_AT_LEAST_DAYS} days, so keep_days is {cold + _COLD_AT_LEAST_DAYS} or more"
            )
        if not 60 <= rule["start_within_minutes"] < rule["complete_within_minutes"]:
            yield (
                f"rule {name}: start_within_minutes is {rule['start_within_minutes']}, complete_within_minutes "
                f"{rule['complete_within_minutes']}; the first is 60 or more, the second longer"
            )


def _refuse(call: Invocation) -> None:
    wrong = [*refusals(call.params)]
    allowed = backup.resource_types(call.aws)
    # An account-wide setting: reported, never changed here.
    wrong += [
        f"AWS Backup is switched off for {resource_type} in {call.aws.region}, and would skip what the tags select; an administrator "
        f"switches it on with `aws backup update-region-settings --resource-type-opt-in-preference {resource_type}=true`"
        for resource_type in call.params["resource_types"]
        if not allowed.get(resource_type)
    ]
    if wrong:
        text = "\n".join(f"  - {problem}" for problem in wrong)
        raise Failure(f"Nothing was changed in backup plan {call.params['name']}:\n{text}", findings=wrong)


def _answer(changes: Changes, plan: Mapping[str, Any] | None, vault: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "kept": [],
        "plan_id": plan["BackupPlanId"] if plan else None,
        "vault_arn": vault["BackupVaultArn"] if vault else None,
    }
