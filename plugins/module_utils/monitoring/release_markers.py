# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Releases on the graphs of a dashboard: a vertical line where each began. Pure.

The releases write them, and provisioning neither removes them nor takes them for a difference.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ..common.text import one_line
from ..rollout.model import Kind, Outcome, Release

# So many of the newest: more would hide the lines of a graph.
KEPT = 10
_LABEL = 100
_COLOURS = {Outcome.SUCCEEDED: "#2ca02d", Outcome.SUPERSEDED: "#7f7f80"}
_OTHER = "#d62729"
_OWN = re.compile(r"(release|rollback) .*: [a-z_]+", re.DOTALL)

Marker = Mapping[str, Any]


def markers(releases: Sequence[Release]) -> list[dict[str, Any]]:
    """Of the newest releases that have ended, the oldest first."""
    ended = sorted((release for release in releases if release.outcome), key=lambda release: release.started_at)
    return [_marker(release) for release in ended[-KEPT:]]


def _marker(release: Release) -> dict[str, Any]:
    what = "release" if release.kind is Kind.DEPLOY else "rollback"
    version = one_line(release.version or release.label)[:_LABEL]
    return {
        "label": f"{what} {version}: {release.outcome}",
        "value": datetime.fromtimestamp(release.started_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "color": _COLOURS.get(release.outcome or Outcome.FAILED, _OTHER),
    }


def marked(body: Mapping[str, Any], found: Sequence[Marker]) -> dict[str, Any]:
    """The body with these markers in place of those that it has; lines of others stay."""
    if not isinstance(body.get("widgets"), list):
        return dict(body)
    return {**body, "widgets": [_annotated(widget, found) for widget in body["widgets"]]}


def unmarked(body: Mapping[str, Any]) -> dict[str, Any]:
    return marked(body, ())


def markers_in(body: Mapping[str, Any]) -> list[Marker]:
    """The markers of a body: all its graphs have the same."""
    for widget in _listed(body.get("widgets")):
        own = [line for line in _vertical(widget) if _is_own(line)]
        if own:
            return own
    return []


def _is_own(line: Any) -> bool:
    """A line that a release wrote: by its words and its colour, which people hardly choose."""
    if not isinstance(line, Mapping):
        return False
    colours = {*_COLOURS.values(), _OTHER}
    return line.get("color") in colours and bool(_OWN.fullmatch(str(line.get("label", ""))))


def _annotated(widget: Any, found: Sequence[Marker]) -> Any:
    """Only graphs over time have vertical lines."""
    if not isinstance(widget, Mapping) or widget.get("type") != "metric":
        return widget
    properties = widget.get("properties")
    if not isinstance(properties, Mapping) or properties.get("view", "timeSeries") != "timeSeries":
        return widget
    annotations = {key: value for key, value in _annotations(properties).items() if key != "vertical"}
    vertical = [*(line for line in _vertical(widget) if not _is_own(line)), *map(dict, found)]
    if vertical:
        annotations["vertical"] = vertical
    rest = {key: value for key, value in properties.items() if key != "annotations"}
    return {**widget, "properties": {**rest, **({"annotations": annotations} if annotations else {})}}


def _vertical(widget: Any) -> list[Any]:
    properties = widget.get("properties") if isinstance(widget, Mapping) else None
    return _listed(_annotations(properties).get("vertical")) if isinstance(properties, Mapping) else []


def _annotations(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    found = properties.get("annotations")
    return found if isinstance(found, Mapping) else {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
