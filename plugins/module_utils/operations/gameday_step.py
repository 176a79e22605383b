# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One step of an experiment: is the service steady, did the right alarm fire and the triage name the cause, is it steady again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..aws import cloudwatch, ec2, ecs
from ..aws.errors import Failure
from ..common.clock import polling_intervals
from ..common.invocation import Invocation
from ..common.waiting import Wait, WaitTimeoutError, wait_until
from ..monitoring.alarm_parts import NOTICE, SEVERITIES, kind_of
from ..release.journal import Moment, MomentKind
from ..release.report.facts import Facts
from ..release.report.file import write
from ..release.report.page import page, require_libraries
from ..release.report.reader import Reader
from ..rollout.model import Colour, Outcome
from ..service.existing import locate_by
from ..service.location import NETWORK, WORKER
from . import service_triage
from .experiments import BY_NAME, FILES, SUBNET, Action, Experiment
from .findings import State, many
from .gameday import Mended, Watched, as_data, details, is_judged, markdown, moments, problems
from .place import Place, file_systems_of, find

STEADY, WATCH, RECOVERED = "steady", "watch", "recovered"
_LONGEST_PAUSE = 5.0
_CALM_PERIODS = 5
# An experiment of a day is not looked at every few seconds.
_LOOKS = 1000
# They look back for an hour, or for days: a service that was broken is called steady once its own checks are.
_SLOW = frozenset(
    {
        "task-restarts",
        "scaling-events",
        "latency-trend",
        "deployment-stuck",
        "burn-fast",
        "burn-slow",
        "burn-window",
        "certificate-expiry",
    }
)

_WITHOUT_REQUESTS = {NETWORK: "behind a network load balancer", WORKER: "a worker"}


def run(call: Invocation) -> dict[str, Any]:
    """Do the step that the option names."""
    experiment = BY_NAME[call.params["experiment"]]
    if call.params.get("kind") in _WITHOUT_REQUESTS:
        experiment = experiment.of_worker()
    steps: Mapping[str, Callable[[Invocation, Experiment], dict[str, Any]]] = {
        STEADY: _steady,
        WATCH: _watch,
        RECOVERED: _recovered,
    }
    return steps[call.params["step"]](call, experiment)


def _steady(call: Invocation, experiment: Experiment) -> dict[str, Any]:
    """Nothing is wrong, and no alarm fires: otherwise nothing is broken on purpose."""
    if call.params.get("kind") in _WITHOUT_REQUESTS and experiment.needs_requests:
        raise Failure(
            f"{call.params['service']} is {_WITHOUT_REQUESTS[call.params['kind']]}, which is sent no requests: nobody could notice "
            f"{experiment.name}. The experiment was not begun."
        )
    target = _target(call, experiment, experiment.action) if experiment.action else {}
    if call.params["report_path"]:
        require_libraries()
    # An alarm that fires already could not notice.
    left = _until_steady(call, call.params["steady_periods"], _SLOW.difference(experiment.noticed_by))
    if left:
        raise Failure(f"{call.params['service']} is not steady: {left}. The experiment was not begun.")
    return {"changed": False, "began": call.clock.now(), "experiment": experiment.as_dict(), "target": target}


def _target(call: Invocation, experiment: Experiment, action: Action) -> dict[str, Any]:
    """What Fault Injection Service acts on, as its module takes it. Fails where too little would be left to serve."""
    place, live = find(call.aws, call.params), call.params["live"]
    if live not in list(Colour) or Colour(live) not in place.ecs_services:
        raise Failure(f"{call.params['service']} has no live version. The experiment was not begun.")
    name = place.ecs_services[Colour(live)]
    service = ecs.services(call.aws, place.cluster, [name]).get(name)
    tasks = ecs.tasks(call.aws, place.cluster, name, "RUNNING")
    if service is None:
        raise Failure(f"ECS has no service {name}. The experiment was not begun.")
    if experiment.fault == FILES:
        _require_files(call, service.task_definition)
    zones = Counter(task.zone for task in tasks if task.status == "RUNNING")
    by_zone = action.resource_type == SUBNET
    left, what = (len(zones), "zone") if by_zone else (zones.total(), "task")
    if left < experiment.at_least:
        raise Failure(
            f"{name} runs in {many(left, what)}, and {experiment.name} takes one of them: with fewer than {experiment.at_least} "
            "nobody would serve. The experiment was not begun."
        )
    found = {"key": action.target, "resource_type": action.resource_type, "selection": action.selection}
    if not by_zone:
        return {**found, "parameters": {"cluster": place.cluster, "service": name}}
    # The zone with the fewest tasks: most of them go on.
    zone = min(zones, key=lambda zone: (zones[zone], zone))
    subnets = ec2.subnets_by_id(call.aws, list(service.settings["subnets"]))
    empty = sorted({subnet["AvailabilityZone"] for subnet in subnets} - set(zones))
    if empty:
        # ECS starts a task where fewest run: in the lost zone only if each of the others has some.
        raise Failure(
            f"{name} has no task in {', '.join(empty)}: ECS would start the next ones there, and the loss of another zone might go "
            f"unnoticed. Run scale.yml with scale_count={len(zones) + len(empty)} or more first. The experiment was not begun."
        )
    return {**found, "resource_arns": [subnet["SubnetArn"] for subnet in subnets if subnet["AvailabilityZone"] == zone]}


def _require_files(call: Invocation, task_definition: str) -> None:
    mounted = file_systems_of(ecs.task_definition(call.aws, task_definition))
    if not mounted:
        raise Failure(
            f"{call.params['service']} mounts no file system (service_volumes): nothing would be broken. The experiment was not begun."
        )


def _watch(call: Invocation, experiment: Experiment) -> dict[str, Any]:
    began, place = call.params["began"], find(call.aws, call.params)
    refusal, outcome = call.params["refusal"], call.params["outcome"]
    if refusal or experiment.refused:
        noticed = call.clock.now() - began if experiment.refused and is_judged(outcome) else None
        watched = Watched(noticed, refusal=refusal, outcome=outcome)
        return {
            "changed": False,
            "watched": vars(watched if noticed is None else _asked_after(call, experiment, watched)),
        }
    seconds = experiment.deadline_periods * call.params["alarm_period_seconds"]
    watched, deadline = Watched(), began + seconds
    for pause in polling_intervals(longest=max(_LONGEST_PAUSE, seconds / _LOOKS)):
        watched = _look(call, place, experiment, watched)
        if watched.aborted_by or _is_over(experiment, watched) or call.clock.now() > deadline:
            return {"changed": False, "watched": {**vars(watched), "alarms": dict(watched.alarms)}}
        call.progress.heartbeat(
            f"{experiment.name}: alarms {', '.join(watched.alarms) or 'none'}, cause {watched.cause or 'none'}"
        )
        call.clock.sleep(pause)
    raise AssertionError("polling intervals never end")


def _asked_after(call: Invocation, experiment: Experiment, watched: Watched) -> Watched:
    """What the triage says once a bad version was refused. What it said before may hold on for some minutes of metrics."""
    until = call.clock.now() + _CALM_PERIODS * call.params["alarm_period_seconds"]
    for pause in polling_intervals(longest=_LONGEST_PAUSE):
        watched = _named(call, experiment, watched)
        if watched.cause_seconds is not None or call.clock.now() > until:
            return watched
        call.clock.sleep(pause)
    raise AssertionError("polling intervals never end")


def _named(call: Invocation, experiment: Experiment, watched: Watched) -> Watched:
    cause = _cause(call)
    at = call.clock.now() - call.params["began"]
    return replace(watched, cause=cause, cause_seconds=at if experiment.is_right(cause) else None)


def _is_over(experiment: Experiment, watched: Watched) -> bool:
    """A service that has to stay quiet is watched to the end."""
    alarms_told = watched.know_seconds is not None and not experiment.is_quiet
    return alarms_told and watched.cause_seconds is not None


def _look(call: Invocation, place: Place, experiment: Experiment, before: Watched) -> Watched:
    began = call.params["began"]
    fired = dict(before.alarms)
    for kind, since in _firing(call, place):
        # An alarm that is over may fire again, and counts by its first time. One from before is not the experiment's.
        if since >= call.params["steady_at"]:
            fired.setdefault(kind, max(0.0, since - began))
    known = min((fired[kind] for kind in experiment.noticed_by if kind in fired), default=before.know_seconds)
    watched = replace(before, alarms=fired, know_seconds=known)
    if experiment.abort_alarm in fired:
        return replace(watched, aborted_by=experiment.abort_alarm)
    if watched.cause_seconds is not None:
        return watched
    # The triage is asked by whoever was woken up: not before an alarm, unless none is to fire.
    if watched.know_seconds is None and experiment.alarm:
        return watched
    return _named(call, experiment, watched)


def _recovered(call: Invocation, experiment: Experiment) -> dict[str, Any]:
    began, now = call.params["began"], call.clock.now()
    watched = _watched(call.params["watched"])
    left = _until_steady(call, call.params["recovery_periods"], _SLOW)
    mended = Mended(now - began, None if left else call.clock.now() - began, left)
    found = problems(experiment, experiment.deadline_periods * call.params["alarm_period_seconds"], watched, mended)
    if call.params["report_path"]:
        _write_page(call, experiment, watched, mended, found)
    return {
        "changed": False,
        "report": as_data(experiment, watched, mended, found),
        "markdown": markdown(experiment, watched, mended, found),
    }


def _write_page(
    call: Invocation, experiment: Experiment, watched: Watched, mended: Mended, found: Sequence[str]
) -> None:
    """The report as one HTML file, of the form that releases have."""
    location, began = locate_by(call.aws, call.params), call.params["began"]
    happened = [Moment(at, MomentKind.LINE, text) for at, text in moments(experiment, began, watched, mended)]
    facts = Facts(
        location.service,
        location.environment or location.cluster,
        str(Outcome.FAILED if found else Outcome.SUCCEEDED),
        f"{experiment.name}: {'; '.join(found) or 'as expected'}",
        moments=tuple(happened),
        span=(began, happened[-1].at),
        details=details(experiment, watched, mended),
    )
    path = Path(call.params["report_path"]).expanduser()
    content = page(Reader(call.aws, location, call.clock).measured(facts, *facts.times or (began, began)))
    try:
        write(path, content)
    except OSError as cause:
        raise Failure(f"The report could not be written to {path}: {cause.strerror}.") from cause


def _watched(said: Mapping[str, Any]) -> Watched:
    return Watched(
        know_seconds=_number(said.get("know_seconds")),
        cause_seconds=_number(said.get("cause_seconds")),
        cause=str(said.get("cause") or ""),
        alarms={str(kind): float(at) for kind, at in dict(said.get("alarms") or {}).items()},
        aborted_by=str(said.get("aborted_by") or ""),
        refusal=str(said.get("refusal") or ""),
        outcome=str(said.get("outcome") or ""),
    )


def _number(value: Any) -> float | None:
    """Ansible hands nothing over as an empty text."""
    return None if value in (None, "") else float(value)


def _until_steady(call: Invocation, periods: int, ignored: frozenset[str]) -> str:
    """What keeps the service from being steady after so many periods; empty once it is. Some kinds of alarms do not count."""
    place = find(call.aws, call.params)

    def left() -> str:
        firing = sorted({kind for kind, _since in _firing(call, place)} - ignored)
        triage = service_triage.run(call)
        if not firing and triage["state"] in (State.OK, State.WARNING):
            return ""
        return f"{triage['headline']}; alarms: {', '.join(firing) or 'none'}"

    steady: Wait[str] = Wait(
        what=f"{call.params['service']} to be steady",
        observe=left,
        done=lambda found: not found,
        seconds=periods * call.params["alarm_period_seconds"],
        longest_pause=_LONGEST_PAUSE,
    )
    try:
        return wait_until(call.clock, call.progress, steady)
    except WaitTimeoutError as late:
        return str(late.last)


def _firing(call: Invocation, place: Place) -> Iterable[tuple[str, float]]:
    """Kinds of the alarms of the service, and of what services share, that fire, with the time since when."""
    for prefix in place.alarm_prefixes:
        for alarm in cloudwatch.alarms(call.aws, prefix):
            kind = kind_of(alarm["AlarmName"])
            if alarm["StateValue"] == "ALARM" and SEVERITIES.get(kind) != NOTICE:
                since = alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"]
                yield kind, since.timestamp()


def _cause(call: Invocation) -> str:
    causes = service_triage.run(call)["causes"]
    return str(causes[0]["cause"]) if causes else ""
