"""The sandbox's command line: python -m sandbox up | down | status | logs | reset | load | fault | env."""

from __future__ import annotations

import argparse
import errno
import os
import shlex
import signal
import sys
import time
from pathlib import Path

from . import environment, lifecycle
from .config import SETTINGS, Settings, home_from_environment
from .engine import EngineError
from .faults import command as fault
from .machine import Refused
from .processes import NotStarted, alive

STARTED = time.monotonic()
# What a verb leaves where it is interrupted.
_INTERRUPTED = {
    "up": "What had been started was removed.",
    "down": "Run it again to remove the rest.",
    "reset": "Run it again, or remove the sandbox with down.",
}


def say(text: str) -> None:
    print(f"  {time.monotonic() - STARTED:5.1f} s  {text}", file=sys.stderr, flush=True)


def time_factor(text: str) -> float:
    """From 1 to 60: requests are counted by the second, and a minute of CloudWatch's is to last one at least."""
    value = float(text)
    if not 1 <= value <= 60:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 (as on AWS) and 60 (a minute lasts a second)")
    return value


def parser() -> argparse.ArgumentParser:
    main = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    main.add_argument("--home", type=Path, default=home_from_environment(), help="where everything of the sandbox lies")
    verbs = main.add_subparsers(dest="verb", required=True)
    begin = verbs.add_parser("up", help="start, or do nothing where it runs already")
    begin.add_argument("--time-factor", type=time_factor, default=1.0, help="how much faster than on AWS minutes pass")
    verbs.add_parser("down", help="stop, and remove every process, container, network and file")
    verbs.add_parser("reset", help="back to an empty AWS")
    verbs.add_parser("status", help="processes, load balancers, services and tasks")
    env = verbs.add_parser("env", help='exports for a shell: eval "$(python -m sandbox env)"')
    env.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="a further one, from now on")
    logs = verbs.add_parser("logs", help="the log of a process (api, edge, registry), or of a task by its id")
    logs.add_argument("name")
    logs.add_argument("-f", "--follow", action="store_true")
    load = verbs.add_parser("load", help="send requests at a steady rate and count what comes back", add_help=False)
    load.add_argument("arguments", nargs=argparse.REMAINDER)
    fault.arguments(verbs)
    verbs.add_parser("demo-hints", help="what to do with what runs")
    verbs.add_parser("serve", help="run the API process in the foreground (up does this)")
    return main


def main() -> int:
    given = sys.argv[1:]
    # It needs no home, and has options of its own.
    verb = given[2:] if given[:1] == ["--home"] else given
    if verb[:1] == ["load"]:
        from .load import main as load

        return load(verb[1:])
    arguments = parser().parse_args()
    home: Path = arguments.home.resolve()
    try:
        # Until here an interruption ends the process at once (__main__.py).
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return _run(arguments, home)
    except (Refused, NotStarted, lifecycle.NotRemoved, EngineError, fault.FaultRefused) as refused:
        print(f"sandbox: {refused}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        if arguments.verb == "serve":
            raise
        # Whoever read this has seen enough: `status | head`. Nothing is written at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as failed:
        if arguments.verb == "serve":
            raise
        print(f"sandbox: {sentence(failed, home)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nsandbox: interrupted. {_INTERRUPTED.get(arguments.verb, '')}".rstrip(), file=sys.stderr)
        return 130


def sentence(failed: OSError, home: Path) -> str:
    """What the system refused, and what to do."""
    place = failed.filename or home
    if failed.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full ({place}). Make room, or name a folder on another disk: PEAR_SANDBOX_HOME=/path/to/folder"
    if isinstance(failed, PermissionError) and os.geteuid() != 0:
        return f"This user may not read or write {place}. Run it as root, for example with sudo."
    return f"{failed.strerror or failed} ({place})"


def _run(arguments: argparse.Namespace, home: Path) -> int:
    if arguments.verb in _INTERRUPTED:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup has it
            signal.signal(signal.SIGHUP, signal.default_int_handler)
    if arguments.verb == "up":
        settings = lifecycle.up(home, arguments.time_factor, say)
        joins = f'eval "$({environment.command(home, "env")})"'
        say(f"AWS answers at {settings.endpoint}; a shell joins with: {joins}")
        return 0
    if arguments.verb == "down":
        if not lifecycle.down(home, say):
            say(f"nothing to do: no sandbox in {home}")
        return 0
    if not (home / SETTINGS).exists():
        raise Refused(f"No sandbox runs in {home}. Start one: {environment.command(home, 'up')}")
    settings = Settings.load(home)
    if arguments.verb == "env":
        if arguments.set:
            environment.remember(home, arguments.set)
        if not alive(settings, "api"):
            # After the machine was started anew, for example. The exports stay as they are.
            print(f"sandbox: It does not run. Start it: {environment.command(home, 'up')}", file=sys.stderr)
        for key, value in environment.of_shell(settings).items():
            print(f"export {key}={shlex.quote(value)}")
    elif arguments.verb == "reset":
        lifecycle.reset(home, say)
    elif arguments.verb == "fault":
        fault.run(settings, arguments)
    elif arguments.verb == "serve":
        from .api.server import serve

        serve(settings)
    else:
        return _look(arguments, settings)
    return 0


def _look(arguments: argparse.Namespace, settings: Settings) -> int:
    from . import status

    if arguments.verb == "status":
        return 0 if status.show(settings) else 1
    if arguments.verb == "demo-hints":
        status.hints(settings)
    elif (settings.logs / f"{arguments.name}.log").exists():
        log = settings.logs / f"{arguments.name}.log"
        if arguments.follow:
            lifecycle.follow(log)
        else:
            print(log.read_text(errors="replace"), end="")
    else:
        status.task_log(settings, arguments.name, arguments.follow)
    return 0
