"""Draw docs/images/cutover.svg from docs/images/cutover.json: weights, requests per version, errors. `make picture` records first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

IMAGES = Path(__file__).resolve().parents[1] / "docs/images"
LEFT, RIGHT, WIDTH = 64, 850, 960
# Colours that are told apart on white and on black; text follows the reader's colour scheme.
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f } .small { font-size: 12px; fill: #57606a }
.title { font-weight: 600 } .axis, .event { stroke: #8c959f; fill: none } .event { stroke-dasharray: 3 3 }
.blue { stroke: #1f77d0 } .green { stroke: #2ca02c } .line { fill: none; stroke-width: 2.5 }
.v0 { fill: #8c959f } .v1 { fill: #8250df } .v2 { fill: #e08600 } .area { fill-opacity: .8 } .error { fill: #d62728 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #9da7b3 } }
"""


@dataclass(frozen=True)
class Panel:
    """A diagram over the recording's time: its place on the picture and the largest value it shows."""

    top: int
    height: int
    title: str
    unit: str
    largest: float
    seconds: int

    def x(self, at: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * min(at, self.seconds) / self.seconds, 1)

    def y(self, value: float) -> float:
        return round(self.top + self.height * (1 - value / self.largest), 1)

    def frame(self) -> Iterator[str]:
        bottom = self.top + self.height
        yield text(LEFT, self.top - 9, self.title, "title")
        yield f'<path class="axis" d="M{LEFT} {self.top}V{bottom}H{RIGHT}"/>'
        yield text(LEFT - 6, self.top + 10, f"{self.largest:g} {self.unit}".strip(), "small", "end")
        yield text(LEFT - 6, bottom, "0", "small", "end")


def text(x: float, y: float, content: str, style: str = "", anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" class="{style}" text-anchor="{anchor}">{escape(content)}</text>'


def weights(panel: Panel, recording: dict[str, Any]) -> Iterator[str]:
    changes = [*recording["weights"], {**recording["weights"][-1], "at": panel.seconds}]
    for index, colour in enumerate(("blue", "green")):
        steps = " ".join(f"H{panel.x(change['at'])}V{panel.y(change[colour])}" for change in changes)
        start = f"M{LEFT} {panel.y(changes[0][colour])}"
        yield f'<path class="line {colour}" d="{start} {steps}"/>'
        yield text(RIGHT + 10, panel.y(changes[-1][colour]) + (12 if index == 0 else 4), colour)
    returned = panel.x(recording["weights"][-1]["at"])
    yield text(returned - 6, panel.top + panel.height // 2 + 5, "traffic returned", "small", "end")


def shares(panel: Panel, recording: dict[str, Any]) -> Iterator[str]:
    """Shares and not counts: a busy machine sends and answers in bursts."""
    counted = {version: smooth(counts) for version, counts in recording["requests"].items()}
    below = [0.0] * panel.seconds
    for index, (version, counts) in enumerate(counted.items()):
        totals = [sum(column) for column in zip(*counted.values(), strict=True)]
        above = [base + 100 * count / total for base, count, total in zip(below, counts, totals, strict=True)]
        points = [*enumerate(above), *reversed(list(enumerate(below)))]
        path = "L".join(f"{panel.x(second)} {panel.y(value)}" for second, value in points)
        yield f'<path class="area v{index}" d="M{path}Z"/>'
        yield f'<rect class="v{index}" x="{RIGHT + 10}" y="{panel.top + 24 * index}" width="12" height="12"/>'
        yield text(RIGHT + 28, panel.top + 11 + 24 * index, f"version {version}")
        below = above


def smooth(counts: Sequence[int]) -> list[int]:
    """Sums of up to five seconds around each second."""
    return [sum(counts[max(0, second - 2) : second + 3]) for second in range(len(counts))]


def errors(panel: Panel, recording: dict[str, Any]) -> Iterator[str]:
    width = round((RIGHT - LEFT) / panel.seconds * 0.8, 1)
    for second, count in enumerate(recording["errors"][: panel.seconds]):
        if count:
            height = round(panel.top + panel.height - panel.y(count), 1)
            yield f'<rect class="error" x="{panel.x(second)}" y="{panel.y(count)}" width="{width}" height="{height}"/>'


def events(recording: dict[str, Any], panels: Sequence[Panel]) -> Iterator[str]:
    for event in recording["events"]:
        x, at_end = panels[0].x(event["at"]), event["text"].endswith(("succeeded", "rolled back"))
        lines = "".join(f"M{x} {panel.top}V{panel.top + panel.height}" for panel in panels)
        yield f'<path class="event" d="M{x} 34V48{lines}"/>'
        yield text(x + (-4 if at_end else 4), 44, event["text"], "small", "end" if at_end else "start")


def picture(recording: dict[str, Any]) -> str:
    seconds = len(recording["errors"])
    drawn = (
        (weights, Panel(84, 90, "Weights of the production rule", "%", 100, seconds)),
        (shares, Panel(212, 110, "Answers by version", "%", 100, seconds)),
        (errors, Panel(360, 70, "Failed requests per second", "", max(*recording["errors"], 10), seconds)),
    )
    panels = [panel for _, panel in drawn]
    sent, failed = recording["sent"], recording["failed"]
    shifted, returned = recording["weights"][-2:]
    during = sum(recording["errors"][int(shifted["at"]) : int(returned["at"]) + 2])
    footer = (
        f"{recording['requests_per_second']} requests a second for {seconds} s: {sent} sent, {failed} failed "
        f"({100 * failed / sent:.1f} %); {during} of these while version 1.2 had {min(shifted['blue'], shifted['green'])} % "
        "of the traffic.",
        f"Recorded on the sandbox on {recording['recorded']}, "
        f"where a minute of CloudWatch lasts {60 // recording['time_factor']} s.",
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} 506" role="img">',
        "<title>A canary that succeeds, and one whose traffic is returned</title>",
        f"<style>{STYLE}</style>",
        text(LEFT, 20, "A good version takes over; the traffic of a bad one is returned", "title"),
        *(part for draw, panel in drawn for part in (*panel.frame(), *draw(panel, recording))),
        *events(recording, panels),
        *(text(panels[0].x(at), 448, f"{at} s", "small", "middle") for at in range(0, seconds, 30)),
        *(text(LEFT, 476 + 18 * row, line, "small") for row, line in enumerate(footer)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def main() -> None:
    (IMAGES / "cutover.svg").write_text(picture(json.loads((IMAGES / "cutover.json").read_text())))


if __name__ == "__main__":
    main()
