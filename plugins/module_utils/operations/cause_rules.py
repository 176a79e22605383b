# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rule from symptoms to a cause is made of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .findings import Symptom

ROLLBACK = "rollback"
DEPLOY = "deploy"
RELEASE = "release"
STATUS = "status"
DRIFT = "drift"
PROVISION = "provision"
TRIAGE = "triage"
LOGS = "logs"
# What each symptom that speaks for a cause adds to its weight.
_SUPPORT = 5
# {host} is the inventory's, {inventory} an option with its value.
COMMANDS: Mapping[str, str] = {
    ROLLBACK: "ansible-playbook playbooks/rollback.yml{inventory} -l {host}",
    DEPLOY: "ansible-playbook playbooks/deploy.yml{inventory} -l {host}",
    RELEASE: "ansible-playbook playbooks/release.yml{inventory} -l {host}",
    STATUS: "ansible-playbook playbooks/status.yml{inventory} -l {host}",
    DRIFT: "ansible-playbook playbooks/drift.yml{inventory}",
    PROVISION: "ansible-playbook playbooks/provision.yml{inventory}",
    TRIAGE: "ansible-playbook playbooks/triage.yml{inventory} -l {host}",
    LOGS: "aws logs tail {log_group} --since 15m",
}


@dataclass(frozen=True)
class Remedy:
    """What to do: a command, and what to change before it is typed. Only where all these symptoms are there."""

    command: str
    advice: str = ""
    needs: frozenset[Symptom] = frozenset()


@dataclass(frozen=True)
class Rule:
    """A cause, the symptoms that it needs, those that speak for it, and those that exclude it. `weight` is how sure they make."""

    cause: str
    needs: frozenset[Symptom]
    weight: int
    remedies: tuple[Remedy, ...]
    supports: frozenset[Symptom] = frozenset()
    excludes: frozenset[Symptom] = frozenset()
    # Of these, one at least.
    one_of: frozenset[Symptom] = frozenset()

    def fits(self, symptoms: Mapping[Symptom, str]) -> bool:
        there = symptoms.keys()
        return self.needs <= there and not (self.excludes & there) and (not self.one_of or bool(self.one_of & there))

    def score(self, symptoms: Mapping[Symptom, str]) -> int:
        return self.weight + _SUPPORT * len(self.supports & symptoms.keys())

    def why(self, symptoms: Mapping[Symptom, str]) -> tuple[str, ...]:
        concerned = [symptom for symptom in symptoms if symptom in self.needs | self.one_of | self.supports]
        return tuple(dict.fromkeys(symptoms[symptom] for symptom in concerned))

    def remedy(self, symptoms: Mapping[Symptom, str]) -> Remedy:
        return next(remedy for remedy in self.remedies if remedy.needs <= symptoms.keys())
