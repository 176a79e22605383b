# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report of a release as one HTML file. What it shows comes from logs and answers too: every text is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.basic import missing_required_lib

from ...aws.errors import Failure
from ...common.text import bounded, harmless, printable
from ...rollout.model import Outcome, Plan
from ..journal import MomentKind
from .charts import HAS_PYGAL, charts
from .facts import Facts
from .template import TEMPLATE

try:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup
except ImportError:
    HAS_JINJA2 = False
else:
    HAS_JINJA2 = True

SUFFIXES = (".html", ".htm")
# A page that holds all of a chatty log would be no artifact to look at.
_LINES_SHOWN, _TEXT_SHOWN = 400, 4_000
_TITLES = {
    "causes": "Causes",
    "readings": "What the gates said last",
    "targets": "Unhealthy targets",
    "events": "Complaints of ECS",
    "unread": "Not read when the evidence was kept",
}


def is_page(path: str) -> bool:
    return path.lower().endswith(SUFFIXES)


def require_libraries() -> None:
    """Before anything is changed: a release that succeeded must not end with a report that cannot be made."""
    if not HAS_PYGAL:
        raise Failure(missing_required_lib("pygal", reason="for a report as HTML", url="https://www.pygal.org/"))
    if not HAS_JINJA2:
        raise Failure(missing_required_lib("jinja2", reason="for a report as HTML"))


def page(facts: Facts) -> str:
    """The whole file."""
    require_libraries()
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_shown, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "moment": _moment,
        "clock": _clock,
        "words": lambda name: str(name).replace("_", " "),
        "badge": _badge,
        "thousands": "{:,}".format,
        # Only what charts.py drew: it holds numbers and times, and no text from elsewhere.
        "drawn": Markup,
    }
    release, evidence = facts.release, harmless(facts.evidence)
    failures = [task for task in evidence.get("tasks", []) if isinstance(task, Mapping)]
    lists = [(title, evidence[key]) for key, title in _TITLES.items() if evidence.get(key)]
    changes = _changes(evidence.get("definition_changes") or {})
    lists += [("Changes of the task definition", changes)] if changes else []
    logs = evidence.get("logs") or []
    return environment.from_string(TEMPLATE).render(
        facts=facts,
        release=release,
        plan=_plan(release.plan) if release else "",
        charts=charts(facts),
        unbounded=any(
            period.p99 and not period.p99.bounded for traffic in facts.traffic.values() for period in traffic.periods
        ),
        verdicts=facts.of(MomentKind.VERDICT),
        counts=facts.of(MomentKind.TASKS)[:_LINES_SHOWN],
        lines=facts.of(MomentKind.LINE)[:_LINES_SHOWN],
        evidence=lists or failures or logs,
        failures=failures,
        logs=logs,
    )


def _shown(value: Any) -> Any:
    """Every value as it is put into the page."""
    if isinstance(value, Markup):
        return value
    if value is None:
        return ""
    return bounded(printable(str(value)), _TEXT_SHOWN)


def _moment(at: float | None) -> str:
    return "" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}Z"


def _clock(at: float | None) -> str:
    return "" if at is None else f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}Z"


def _badge(outcome: str) -> str:
    known = {str(Outcome.SUCCEEDED), str(Outcome.ROLLED_BACK), str(Outcome.FAILED)}
    return outcome if outcome in known else "other"


def _plan(plan: Plan) -> str:
    steps = [
        f"{step.weight} %"
        + (" until approved" if step.approval else f" for {step.duration_seconds} s" * bool(step.duration_seconds))
        for step in plan.steps
    ]
    return ", ".join(steps) + (f", bake for {plan.bake_seconds} s" if plan.bake_seconds else "")


def _changes(changes: Mapping[str, Any]) -> list[str]:
    """What differs between the two task definitions, by container."""
    found = []
    for container, differences in changes.items():
        for what, value in differences.items():
            names = " → ".join(map(str, value)) if what == "image" else ", ".join(map(str, value))
            found.append(f"{container}: {what.replace('_', ' ')} {names}")
    return found
