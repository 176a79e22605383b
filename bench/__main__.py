"""Measure everything, print each ratio as it comes, write build/bench.json. No ratio is asserted."""

from __future__ import annotations

import argparse
import json

from . import environments, many, quotas, releases, rollbacks
from .stage import ROOT, stage

_GROUPS = {
    "releases": releases,
    "environments": environments,
    "rollbacks": rollbacks,
    "many": many,
    "quotas": quotas,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs of each pair (default: %(default)s)")
    parser.add_argument("--only", choices=sorted(_GROUPS), action="append", help="rows of this group (default: all)")
    arguments = parser.parse_args()
    runs, groups = arguments.runs, [_GROUPS[name] for name in arguments.only or _GROUPS]
    found = []
    target = ROOT / "build" / "bench.json"
    target.parent.mkdir(exist_ok=True)
    print("ours divided by theirs, medians of interleaved runs on one sandbox:", flush=True)
    with stage() as here:
        for group in groups:
            for row in group.rows(here, runs):
                print(row, flush=True)
                found.append(row.as_dict())
                # What was measured is kept, whatever a later row ends in.
                target.write_text(json.dumps(found, indent=2) + "\n")
    print(f"written: {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
