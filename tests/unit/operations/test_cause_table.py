"""The table of causes: each rule can apply, and what it tells people to type and to set exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.operations.cause_rules import COMMANDS, Rule
from ansible_collections.pear.fargate.plugins.module_utils.operations.cause_table import RULES
from ansible_collections.pear.fargate.plugins.module_utils.operations.findings import Symptom
from ansible_collections.pear.fargate.plugins.plugin_utils.role_variables import roles_of_the_collection

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.cause[:40])
def test_a_rule_can_apply_and_always_says_what_to_do(rule: Rule) -> None:
    assert rule.needs or rule.one_of
    assert not (rule.needs | rule.supports | rule.one_of) & rule.excludes
    assert not rule.remedies[-1].needs, "the last remedy is for all other cases"


def test_every_symptom_leads_to_a_cause() -> None:
    """By itself, or by what a rule takes for a support; those that only choose a remedy are named."""
    used = {symptom for rule in RULES for symptom in rule.needs | rule.one_of | rule.supports | rule.excludes}
    used |= {symptom for rule in RULES for remedy in rule.remedies for symptom in remedy.needs}
    assert set(Symptom) - used == set()


def test_causes_are_told_apart_by_their_sentences() -> None:
    assert len({rule.cause for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("command", COMMANDS.values())
def test_a_command_names_a_playbook_that_exists(command: str) -> None:
    for playbook in re.findall(r"playbooks/\w+\.yml", command):
        assert (ROOT / playbook).is_file()


def test_advice_names_variables_that_exist() -> None:
    known = {option for role in roles_of_the_collection().values() for option in role.known}
    advice = {remedy.advice for rule in RULES for remedy in rule.remedies if remedy.advice}
    named = {word for sentence in advice for word in re.findall(r"\b[a-z]+_[a-z_]+\b", sentence)}
    assert len(named) >= 6
    assert named - known - {"image_tag"} == set()
