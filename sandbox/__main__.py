"""python -m sandbox: see sandbox/command.py. Ctrl-C while it is being read ends without a traceback too."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def _interrupted(number: int, frame: FrameType | None) -> None:
    os.write(2, b"\nsandbox: interrupted before it began.\n")
    os._exit(130)


def main() -> int:
    signal.signal(signal.SIGINT, _interrupted)
    from .command import main as command

    return command()


if __name__ == "__main__":
    sys.exit(main())
