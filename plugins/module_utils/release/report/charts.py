# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The charts of a report as SVG, drawn by pygal. Colours are CSS variables of the page: one drawing for light and dark."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median
from typing import Any, TypeAlias

from ...rollout.model import Colour
from .facts import Facts, Period

try:
    import pygal
    from pygal.style import Style
except ImportError:
    HAS_PYGAL = False
else:
    HAS_PYGAL = True

_WIDTH, _HEIGHT = 960, 250
_LABELS = 7
_LABEL_CHARACTERS = 9
# Steps between time labels, in seconds.
_NICE = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)
# The band of an interval is a closed line around it.
Point: TypeAlias = "tuple[float, float]"
# By colour, each as its points.
Lines: TypeAlias = "dict[Colour, list[list[Point]]]"


@dataclass(frozen=True)
class Chart:
    name: str
    caption: str
    svg: str


@dataclass(frozen=True)
class _Frame:
    """What the charts of one report share: the times they show, and when something changed."""

    start: float
    end: float
    marks: tuple[float, ...]


@dataclass(frozen=True)
class _Axis:
    name: str
    top: float
    unit: Callable[[float], str]


def charts(facts: Facts) -> list[Chart]:
    """The weights, and for each kind of measurement that there is, both colours."""
    frame = _frame(facts)
    if frame is None:
        return []
    found = []
    if facts.weights:
        weights = {colour: [_steps(facts, colour, frame)] for colour in Colour}
        axis = _Axis("weights", 100, lambda value: f"{value:g} %")
        found.append(Chart("weights", "Weight of each colour, in percent of the requests", _draw(frame, axis, weights)))
    each = f"in each {_length(facts.period_seconds)}"
    if facts.traffic:
        failed = f"Share of requests that failed {each}, with its 95 % interval"
        found.append(Chart("requests", f"Requests to each colour {each}", _requests(facts, frame)))
        found.append(Chart("errors", failed, _errors(facts, frame)))
    if any(period.p99 for traffic in facts.traffic.values() for period in traffic.periods):
        slow = f"p99 of the response time {each}, with its 95 % interval, and the median (dotted)"
        found.append(Chart("latency", slow, _latency(facts, frame)))
    return found


def _length(seconds: int) -> str:
    return "minute" if seconds == 60 else f"{seconds // 60} minutes" if seconds < 3600 else f"{seconds // 3600} h"


def _frame(facts: Facts) -> _Frame | None:
    if facts.times is None:
        return None
    begin, over = facts.times
    ends = [moment.at for moment in facts.moments] + [over]
    times = [period.at for traffic in facts.traffic.values() for period in traffic.periods]
    start, end = min([begin, *times]), max([*ends, *times])
    return _Frame(start, max(end, start + 1), facts.marks)


def _steps(facts: Facts, colour: Colour, frame: _Frame) -> list[Point]:
    """A weight holds until the next one."""
    points: list[Point] = []
    for at, weights in facts.weights:
        if points:
            points.append((at, points[-1][1]))
        points.append((at, weights.of(colour)))
    return [*points, (frame.end, points[-1][1])]


def _of_each(facts: Facts, value: Callable[[Period], float | None]) -> Lines:
    """By colour a line for each time in which it had requests without a gap."""
    return {
        colour: [[(period.at, found) for period in run if (found := value(period)) is not None] for run in runs]
        for colour, runs in _runs(facts).items()
    }


def _runs(facts: Facts) -> dict[Colour, list[list[Period]]]:
    times = sorted({period.at for traffic in facts.traffic.values() for period in traffic.periods})
    step = median(later - earlier for earlier, later in pairwise(times)) if len(times) > 1 else 0.0
    found: dict[Colour, list[list[Period]]] = {}
    for colour, traffic in facts.traffic.items():
        runs: list[list[Period]] = []
        for period in traffic.periods:
            if runs and period.at - runs[-1][-1].at < 2.5 * step:
                runs[-1].append(period)
            else:
                runs.append([period])
        found[colour] = runs
    return found


def _requests(facts: Facts, frame: _Frame) -> str:
    lines = _of_each(facts, lambda period: period.requests)
    return _draw(frame, _Axis("requests", _round_up(_most(lines)), lambda value: f"{value:,.0f}"), lines)


def _errors(facts: Facts, frame: _Frame) -> str:
    lines = _of_each(facts, lambda period: period.share * 100)
    bands = _bands(facts, lambda period: tuple(100 * bound for bound in period.share_interval))
    # A quiet service's interval reaches far above what matters: the axis follows what was measured.
    top = min(100.0, _round_up(max(2.0, 2 * _most(lines))))
    axis = _Axis("errors", top, lambda value: f"{value:g} %")
    return _draw(
        frame,
        axis,
        lines,
        {colour: [[(at, min(value, top)) for at, value in band] for band in some] for colour, some in bands.items()},
    )


def _latency(facts: Facts, frame: _Frame) -> str:
    lines = _of_each(facts, lambda period: period.p99.value * 1000 if period.p99 else None)
    middle = _of_each(facts, lambda period: None if period.p50 is None else period.p50 * 1000)
    bands = _bands(facts, lambda period: (period.p99.low * 1000, period.p99.high * 1000) if period.p99 else None)
    axis = _Axis("latency", _round_up(max(_most(lines), _most(bands))), lambda value: f"{value:,.4g} ms")
    return _draw(frame, axis, lines, bands, middle)


def _bands(facts: Facts, bounds: Callable[[Period], Any]) -> Lines:
    """There along the upper bounds and back along the lower ones."""
    found: Lines = {}
    for colour, runs in _runs(facts).items():
        bounded = [[(period.at, bounds(period)) for period in run if bounds(period)] for run in runs]
        found[colour] = [
            [(at, high) for at, (_low, high) in run] + [(at, low) for at, (low, _high) in run[::-1]] for run in bounded
        ]
    return found


def _round_up(value: float) -> float:
    """A number of which a quarter is round too."""
    size = 10.0 ** math.floor(math.log10(value))
    return next(size * factor for factor in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if size * factor >= value * 0.999)


def _most(lines: Lines) -> float:
    return max((value for some in lines.values() for points in some for _at, value in points), default=0.0) or 1.0


def _draw(
    frame: _Frame,
    axis: _Axis,
    lines: Lines,
    bands: Lines | None = None,
    dotted: Lines | None = None,
) -> str:
    colours: list[str] = []
    chart = pygal.XY(
        width=_WIDTH,
        height=_HEIGHT,
        js=(),
        disable_xml_declaration=True,
        show_legend=False,
        show_dots=False,
        show_x_guides=False,
        include_x_axis=True,
        margin=4,
        spacing=6,
        range=(0, axis.top),
        xrange=(frame.start, frame.end),
        x_value_formatter=_clock(frame),
        # Labels of one length: the charts have their times below each other.
        value_formatter=lambda value: axis.unit(value).rjust(_LABEL_CHARACTERS, "\u2007"),
        classes=("chart",),
    )
    chart.x_labels = _times(frame)
    chart.y_labels = [axis.top * part / 4 for part in range(5)]

    def add(variable: str, points: Sequence[Point], stroke: dict[str, Any], **options: Any) -> None:
        if points:
            colours.append(f"var(--{variable})")
            chart.add(variable, points, stroke_style=stroke, **options)

    for colour, some in (bands or {}).items():
        for band in some:
            add(colour, band, {"width": "0"}, fill=True)
    for at in frame.marks:
        add("mark", [(at, 0), (at, axis.top)], {"width": 1, "dasharray": "2, 4"})
    for colour, some in (dotted or {}).items():
        for points in some:
            add(colour, points, {"width": 1.5, "dasharray": "1, 4", "linecap": "round"})
    for colour, some in lines.items():
        for points in some:
            # A single point has no line.
            add(colour, points, {"width": 2}, show_dots=len(points) == 1)
    chart.config.style = _style(colours)
    # Otherwise a random one: the same release gives the same file.
    chart.uuid = axis.name
    return str(_NOT_DRAWN.sub("", chart.render(is_unicode=True)))


# pygal's script holds its settings for tooltips; its comments name the day of the drawing.
_NOT_DRAWN = re.compile(r"<!--.*?-->|<script.*?</script>", re.DOTALL)


def _style(colours: Sequence[str]) -> Any:
    return Style(
        background="transparent",
        plot_background="transparent",
        foreground="var(--muted)",
        foreground_strong="var(--muted)",
        foreground_subtle="var(--rule)",
        guide_stroke_color="var(--rule)",
        major_guide_stroke_color="var(--rule)",
        stroke_width="2",
        opacity=".18",
        opacity_hover=".18",
        stroke_opacity="1",
        stroke_opacity_hover="1",
        stroke_width_hover="2",
        transition="none",
        font_family="inherit",
        label_font_size=13,
        major_label_font_size=13,
        no_data_font_size=16,
        colors=tuple(colours) or ("var(--muted)",),
    )


def _clock(frame: _Frame) -> Callable[[float], str]:
    pattern = (
        "%H:%M:%S" if frame.end - frame.start < 1800 else "%H:%M" if frame.end - frame.start < 86400 else "%d. %H:%M"
    )
    return lambda at: datetime.fromtimestamp(at, UTC).strftime(pattern)


def _times(frame: _Frame) -> list[float]:
    """Whole times for the labels of the axis."""
    step = next((step for step in _NICE if (frame.end - frame.start) / step <= _LABELS), _NICE[-1])
    first = int(frame.start // step + 1) * step
    return [float(at) for at in range(first, int(frame.end) + 1, step)]
