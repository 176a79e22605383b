# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From symptoms to the likely causes, ranked, each with the command to type next. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .cause_rules import COMMANDS
from .cause_table import RULES
from .findings import Symptom


@dataclass(frozen=True)
class Cause:
    """A likely cause, why, and what to type next."""

    cause: str
    score: int
    why: tuple[str, ...]
    command: str
    advice: str = ""


@dataclass(frozen=True)
class CommandValues:
    """What commands are filled in with."""

    host: str
    inventory: str = ""
    log_group: str = ""

    def command(self, name: str) -> str:
        inventory = f" -i {self.inventory}" if self.inventory else ""
        return COMMANDS[name].format(host=self.host, inventory=inventory, log_group=self.log_group)


def likely(symptoms: Mapping[Symptom, str], values: CommandValues) -> list[Cause]:
    """The causes that fit, the likeliest first; equal ones in the order of the table."""
    fitting = sorted((rule for rule in RULES if rule.fits(symptoms)), key=lambda rule: -rule.score(symptoms))
    remedies = [(rule, rule.remedy(symptoms)) for rule in fitting]
    return [
        Cause(rule.cause, rule.score(symptoms), rule.why(symptoms), values.command(remedy.command), remedy.advice)
        for rule, remedy in remedies
    ]
