"""Turn docs/costs.yml into the tables of docs/costs.md: `make costs`.

usage: tools/costs.py [--check]    with --check, fail where the page is not what the prices make
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import yaml

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, PRICES = DOCS / "costs.md", DOCS / "costs.yml"
BEGIN, END = "<!-- made by make costs -->", "<!-- end of what make costs makes -->"


def monthly(choice: dict[str, Any], book: dict[str, Any]) -> float:
    """Dollars a month: each term is a price, how many, whether by the hour, and a share of it where there is one."""
    total = 0.0
    for name, number, *how in choice["sum"]:
        hours = book["hours_per_month"] if "hour" in how else 1
        share = math.prod(book["prices"][what]["price"] for what in how if what != "hour")
        total += book["prices"][name]["price"] * number * hours * share
    return total


def tables(book: dict[str, Any]) -> str:
    costs = [monthly(choice, book) for choice in book["choices"]]
    lines = [
        f"List prices of {book['region']}, {book['date']}, US dollars a month of {book['hours_per_month']} hours.",
        "",
    ]
    lines += ["| choice | where | a month |", "|---|---|---:|"]
    for choice, cost in zip(book["choices"], costs, strict=True):
        lines.append(f"| {choice['name']} | {choice['variable']} | {cost:.2f} |")
    lines += ["", "| whole environments | made of | a month |", "|---|---|---:|"]
    for environment in book["environments"]:
        names = "; ".join(book["choices"][index]["name"] for index in environment["choices"])
        lines.append(
            f"| `{environment['name']}` | {names} | {sum(costs[index] for index in environment['choices']):.0f} |"
        )
    lines += [
        "",
        "Pages of these prices: "
        + ", ".join(sorted({f"<{price['page']}>" for price in book["prices"].values()}))
        + ".",
    ]
    return "\n".join(lines)


def page(text: str, book: dict[str, Any]) -> str:
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{tables(book)}\n{END}{rest.partition(END)[2]}"


def main(arguments: list[str]) -> str | None:
    """Return what is wrong, or nothing."""
    book = yaml.safe_load(PRICES.read_text())
    now = PAGE.read_text()
    made = page(now, book)
    if "--check" in arguments:
        return None if made == now else "docs/costs.md is not what docs/costs.yml makes: run `make costs`."
    PAGE.write_text(made)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
