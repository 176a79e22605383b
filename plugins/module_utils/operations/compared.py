# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a service differs between two environments: what is read of each as flat texts, and the differences. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..aws import task_definition
from ..aws.autoscaling import Bounds
from ..aws.ecs_states import ServiceState
from ..common.text import bounded, one_line
from ..rollout.model import Release

# Ids that AWS gives: they differ always, and say nothing.
_IDS = {"subnets", "security_groups", "load_balancers"}
_BY_NAME = {"environment": "value", "secrets": "valueFrom", "secretOptions": "valueFrom", "systemControls": "value"}
_DIGEST = re.compile(r"^(?P<name>[^@]+)@(?P<digest>sha256:[0-9a-f]{64})$")
_CELL = 60
NOTHING = "-"


@dataclass(frozen=True)
class ComparedService:
    """A service of one environment as it was read."""

    environment: str
    service: str
    region: str
    account: str
    state: ServiceState | None = None
    definition: Mapping[str, Any] = field(default_factory=dict)
    release: Release | None = None
    bounds: Bounds | None = None

    @cached_property
    def facts(self) -> Mapping[str, str]:
        """Everything that is compared, by what it is."""
        return dict(_facts(self))

    def neutral(self, text: str) -> str:
        """The text with placeholders for what must differ between environments."""
        for value, name in ((self.account, "ACCOUNT"), (self.region, "REGION"), (self.environment, "ENVIRONMENT")):
            if value:
                text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])", f"<{name}>", text)
        # Secrets Manager ends each ARN with six characters of its own.
        return re.sub(r"(:secret:[^:]+)-[A-Za-z0-9]{6}(?=:|$)", r"\1-??????", text)


@dataclass(frozen=True)
class Difference:
    what: str
    here: str
    there: str


def differences(here: ComparedService, there: ComparedService) -> list[Difference]:
    """What differs once account, region and environment's name are put aside; values as they are, not as they were compared."""
    ours, theirs = here.facts, there.facts
    return [
        Difference(what, ours.get(what, NOTHING), theirs.get(what, NOTHING))
        for what in sorted(ours.keys() | theirs.keys())
        if (here.neutral(ours[what]) if what in ours else None)
        != (there.neutral(theirs[what]) if what in theirs else None)
    ]


def same_count(here: ComparedService, there: ComparedService, found: list[Difference]) -> int:
    return len(here.facts.keys() | there.facts.keys()) - len(found)


def table(here: ComparedService, there: ComparedService, found: list[Difference]) -> list[str]:
    """The differences as lines of a table."""
    rows = [("", here.environment, there.environment)]
    rows += [(difference.what, _cut(difference.here), _cut(difference.there)) for difference in found]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _cut(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= _CELL else line[: _CELL - 1] + "…"


def _facts(service: ComparedService) -> Iterator[tuple[str, str]]:
    if service.release is not None:
        yield "release.version", service.release.version or service.release.digest
    for key, value in task_definition.normalise(service.definition).items():
        if key == "containerDefinitions":
            for container in value:
                yield from _container(container)
        elif key != "family":
            yield from _flat(f"task.{key}", value)
    if service.state is not None:
        yield "count.desired", str(service.state.desired)
        for key, value in service.state.settings.items():
            if key not in _IDS:
                yield from _flat(f"service.{key}", value)
    if service.bounds is not None:
        yield "count.minimum", str(service.bounds.minimum)
        yield "count.maximum", str(service.bounds.maximum)


def _container(container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    name = f"container.{container['name']}"
    for key, value in container.items():
        if key == "image":
            yield from _image(name, value)
        elif key in _BY_NAME:
            for entry in value:
                yield f"{name}.{key}.{entry.get('name') or entry.get('namespace')}", str(entry[_BY_NAME[key]])
        elif key != "name":
            yield from _flat(f"{name}.{key}", value)


def _image(container: str, image: str) -> Iterator[tuple[str, str]]:
    """Name and digest by themselves: environments with registries of their own run the same digest."""
    match = _DIGEST.match(image)
    yield f"{container}.image", match["name"] if match else image
    if match:
        yield f"{container}.digest", match["digest"]


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(f"{name}.{key}", item)
    elif isinstance(value, (list, tuple)):
        yield name, bounded(json.dumps(value, sort_keys=True, default=str), 2000)
    else:
        yield name, str(value)
