"""Text from elsewhere is made harmless: nothing of it acts on a terminal or in a template."""

from __future__ import annotations

import time

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.common.progress import WrittenProgress
from ansible_collections.pear.fargate.plugins.module_utils.common.text import bounded, harmless, one_line, printable
from hypothesis import given
from hypothesis import strategies as st

from ..clocks import QuickClock


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("\x1b[31mred\x1b[0m", "red", id="colour"),
        pytest.param("a\x1b]0;title\x07b", "ab", id="title of the window"),
        pytest.param("a\x1b]8;;http://x\x1b\\link", "alink", id="hyperlink"),
        pytest.param("a\x1bcb", "ab", id="reset"),
        pytest.param("a\x9b2Jb", "ab", id="one-byte CSI"),
        pytest.param("nul\x00bell\x07", "nul bell ", id="NUL and bell"),
        pytest.param("over\rwritten", "over written", id="carriage return"),
        pytest.param("{{ lookup('pipe', 'id') }}", "{ { lookup('pipe', 'id') }}", id="expression"),
        pytest.param("{% if %}{# x #}{{{", "{ % if %}{ # x #}{ { {", id="statement, comment, three braces"),
        pytest.param('{"a": 1}', '{"a": 1}', id="JSON stays"),
        pytest.param("right\u202eleft", "right left", id="direction override"),
        pytest.param("zwölf ✓ 漢字", "zwölf ✓ 漢字", id="letters stay"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_nothing_that_acts_is_left(text: str) -> None:
    shown = printable(text)
    assert not any(delimiter in shown for delimiter in ("{{", "{%", "{#", "\x1b", "\x00", "\r"))
    assert printable(shown) == shown


@pytest.mark.parametrize("unit", [" ", "\t \x0b", "\x1b[", "\x1b]", "\x9b0", "{", "\n ", " \n"])
def test_a_hostile_line_takes_no_longer_than_any_other(unit: str) -> None:
    began = time.process_time()
    one_line(unit * 200_000 + "x")
    assert time.process_time() - began < 5


def test_a_line_is_one_line_and_bounded() -> None:
    assert one_line(" first \t\r\n\n  second\x0b\n") == " first second "
    assert one_line("first\n  second\r\nthird") == "first second third"
    assert one_line("x" * 5_000).endswith("… (3000 characters more)")
    assert bounded("abc", 3) == "abc"


def test_results_are_made_harmless_at_every_depth() -> None:
    assert harmless({"a{{": [("\x1b[1mb", 3)], "n": None}) == {"a{ {": [["b", 3]], "n": None}


def test_progress_shows_no_escape_sequence_and_one_line_each() -> None:
    lines: list[str] = []
    WrittenProgress(lines.append, QuickClock()).line("app: \x1b[2J\nfake line {{ x }}")
    assert lines == ["   0.0 s  app:  fake line { { x }}"]
