"""Run the service until SIGTERM; then finish what was begun, and end with status 0."""

from __future__ import annotations

import os
import signal
import sys
import threading

from .app import Application
from .chaos import Chaos
from .logs import Log
from .metrics import Metrics
from .server import Server
from .settings import ChaosSettings, Settings, SettingsError
from .store import Store
from .tracing import Tracer

ENDS = {signal.SIGTERM, signal.SIGINT}


def main() -> int:
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)  # before any thread starts: all inherit it, and the main one waits
    try:
        settings = Settings.read(os.environ)
    except SettingsError as wrong:
        print(f"scoreboard: {wrong}", file=sys.stderr)
        return 2
    log = Log(settings.version, settings.log_level)
    if settings.chaos.enabled:
        _spoil(settings.chaos, log)
    store = Store(settings.database, settings.journal)
    metrics = Metrics(settings.version)
    tracer = Tracer(settings.traces_endpoint, settings.service_name, settings.version, metrics, log)
    application = Application(settings.version, store, metrics, Chaos(settings.chaos))
    try:
        server = Server(("0.0.0.0", settings.port), application, metrics, tracer, log)
    except OSError as failed:
        print(f"scoreboard: cannot listen on port {settings.port}: {failed.strerror}", file=sys.stderr)
        return 1

    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="accept", daemon=True).start()
    log.info("listening", port=settings.port, storage_mode=store.mode, storage_problem=store.problem)
    ended_by = signal.sigwait(ENDS)
    log.info("stopping", signal=signal.Signals(ended_by).name)
    finished = server.stop()
    tracer.close()
    store.close()
    log.info("stopped", finished=finished)
    return 0


def _spoil(chaos: ChaosSettings, log: Log) -> None:
    """A slow start, and an end by itself some time after it."""
    if chaos.start_seconds:
        log.info("starting slowly, as CHAOS_START_SECONDS asks for", seconds=chaos.start_seconds)
        if signal.sigtimedwait(ENDS, chaos.start_seconds):
            sys.exit(0)
    if chaos.crash_after_seconds:
        timer = threading.Timer(chaos.crash_after_seconds, _crash, [log])
        timer.daemon = True
        timer.start()


def _crash(log: Log) -> None:
    log.error("ending, as CHAOS_CRASH_AFTER_SECONDS asks for")
    os._exit(3)


if __name__ == "__main__":
    sys.exit(main())
