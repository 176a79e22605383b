# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What notification targets are told of a release: which events, and the message of each. Pure.

A message is JSON in the shape that Amazon Q Developer in chat applications shows as a notification of its own; the messages of a
release make one thread there. https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from ..aws.sns import Message
from ..common.text import one_line
from ..rollout.actions import Decision, Wait
from ..rollout.model import Kind, Outcome, Phase, Release
from .results import RETURNED, next_step, serves_now

# SNS: fewer than 100 characters, no line break. https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
_SUBJECT = 99
_REASON = 1000
_LINE = 300


class Event(StrEnum):
    BEGAN = "began"
    APPROVAL = "approval"
    SUCCEEDED = "succeeded"
    RETURNED = "returned"
    # Any other outcome.
    ENDED = "ended"
    # The run left it, and it has no outcome yet.
    LEFT = "left"


_HEADS = {
    Event.BEGAN: "began",
    Event.APPROVAL: "waits for approval",
    Event.SUCCEEDED: "succeeded",
    Event.RETURNED: "was returned",
    Event.LEFT: "was left unfinished",
}


@dataclass(frozen=True)
class Sender:
    """Where a release is, which topics are told of it, and what the messages refer to."""

    environment: str
    # ARNs, or names of topics of the caller's account.
    topics: Sequence[str] = ()
    # Address of the report: {environment}, {service} and {release} are filled in.
    report_url: str = ""
    # Whether playbooks can be named as what to do next.
    by_playbooks: bool = True


@dataclass(frozen=True)
class Notice:
    """One event of a release. `key` is what the ledger keeps of it."""

    key: str
    event: Event
    release: Release
    reason: str


def due(decision: Decision) -> Iterator[Notice]:
    """What has to be told of a decision's release, and was not."""
    release = decision.release
    # A rollback by one write is over at once: that it ended says all.
    found = [_ended(release)] if release.outcome else []
    if release.goes_forward:
        found.append(Notice("began", Event.BEGAN, release, _begins(release)))
    if isinstance(decision.action, Wait) and decision.action.for_approval:
        key = f"approval/{release.phase}/{release.step + 1}"
        found.append(Notice(key, Event.APPROVAL, release, decision.reason))
    return (notice for notice in found if notice.key not in release.notified)


def left(release: Release, reason: str) -> Notice:
    return Notice("left", Event.LEFT, release, reason)


def _begins(release: Release) -> str:
    how = f"by {release.plan.strategy}"
    return f"{release.by} began it, {how}" if release.kind is Kind.DEPLOY else f"{release.by} began it"


def _ended(release: Release) -> Notice:
    event = Event.ENDED
    if release.outcome is Outcome.SUCCEEDED:
        event = Event.SUCCEEDED
    elif release.outcome in RETURNED:
        event = Event.RETURNED
    return Notice(str(release.outcome), event, release, release.reason)


def message(notice: Notice, sender: Sender, now: float) -> Message:
    """What is published of an event."""
    context = _context(notice, sender, now)
    title = _title(notice, sender)
    report = f"Report: {context['report']}" if context["report"] else ""
    described = [line for line in (context["reason"], context["serves"], report) if line]
    body = {
        "version": "1.0",
        "source": "custom",
        "id": f"{notice.release.id}/{notice.key}",
        "content": {
            "textType": "client-markdown",
            "title": title,
            "description": "\n".join(described),
            "nextSteps": [context["next"]],
            "keywords": [sender.environment, notice.release.service, str(notice.event)],
        },
        "metadata": {
            "threadId": notice.release.id,
            "summary": title,
            "eventType": f"release-{notice.event}",
            "additionalContext": context,
        },
    }
    attributes = {"environment": sender.environment, "service": notice.release.service, "event": str(notice.event)}
    letter = "\n".join([title, "", *described, f"Next: {context['next']}", "", _signature(context)])
    texts = {"default": json.dumps(body, ensure_ascii=False), "email": letter, "sms": title}
    return Message(_subject(title), texts, attributes)


def _signature(context: Mapping[str, str]) -> str:
    return f"{context['kind']} {context['release']} by {context['by']}, {context['strategy']}, step {context['step']}, at {context['at']}"


def _subject(title: str) -> str:
    ascii_only = title.encode("ascii", "replace").decode()
    return ascii_only if len(ascii_only) <= _SUBJECT else f"{ascii_only[: _SUBJECT - 3]}..."


def _title(notice: Notice, sender: Sender) -> str:
    release = notice.release
    head = _HEADS.get(notice.event) or f"ended: {release.outcome}"
    what = "release of" if release.kind is Kind.DEPLOY else "rollback to"
    return one_line(f"{sender.environment} {release.service}: {what} {_version(release)} {head}", _LINE)


def _version(release: Release) -> str:
    return release.version or release.label


def _context(notice: Notice, sender: Sender, now: float) -> Mapping[str, str]:
    """The facts, for programs: all of them text, as chat applications want them."""
    release = notice.release
    names = {"environment": sender.environment, "service": release.service, "release": release.id}
    return {
        **names,
        "event": str(notice.event),
        "kind": str(release.kind),
        "version": one_line(release.label, _LINE),
        "digest": release.digest,
        "strategy": release.plan.strategy,
        "step": f"{min(release.step + 1, len(release.plan.steps))}/{len(release.plan.steps)}",
        "outcome": str(release.outcome or ""),
        "by": one_line(release.by, _LINE),
        "at": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "reason": one_line(notice.reason, _REASON),
        "serves": _serves(notice),
        "next": _next(notice, sender).removeprefix("Next: "),
        "report": _filled(sender.report_url, names),
    }


def _filled(url: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        url = url.replace(f"{{{name}}}", value)
    return url


def _serves(notice: Notice) -> str:
    """What has the traffic, as far as the record says it."""
    release = notice.release
    if release.outcome is Outcome.SUCCEEDED:
        return f"Now {release.label} serves from {release.candidate}."
    if release.outcome is not None:
        return serves_now(release.outcome, release)
    if notice.event is Event.BEGAN:
        return "" if release.first else f"The version before serves from {release.live} until then."
    if release.in_place:
        return f"ECS replaces the tasks of {release.live}."
    share = _share(release)
    return f"{release.candidate} has {share} % of the traffic, {release.live} has {100 - share} %."


def _share(release: Release) -> int:
    """Percent of the traffic that the candidate has at its step."""
    if release.phase in (Phase.VERIFYING, Phase.BAKING):
        return 100
    return release.plan.steps[release.step].weight if release.phase is Phase.SHIFTING and release.since else 0


def _next(notice: Notice, sender: Sender) -> str:
    service, release = notice.release.service, notice.release
    if not sender.by_playbooks and notice.event in (Event.BEGAN, Event.APPROVAL, Event.SUCCEEDED):
        return {
            Event.BEGAN: "pear.fargate.bluegreen_info shows how far it is.",
            Event.APPROVAL: "pear.fargate.bluegreen_request with promote goes on; with abort it returns the traffic.",
        }.get(notice.event, "pear.fargate.bluegreen_rollback returns to the version before.")
    match notice.event:
        case Event.BEGAN:
            return f"playbooks/status.yml -l {service} shows how far it is."
        case Event.APPROVAL:
            return f"playbooks/promote.yml -l {service} goes on; playbooks/abort.yml -l {service} returns the traffic."
        case Event.SUCCEEDED:
            return f"playbooks/rollback.yml -l {service} returns to the version before."
        case Event.LEFT:
            return next_step(Outcome.INTERRUPTED, release, sender.by_playbooks)
    return next_step(release.outcome, release, sender.by_playbooks)
