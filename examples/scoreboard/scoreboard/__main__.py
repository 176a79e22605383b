"""Run the service until SIGTERM: then be not ready, finish what is in flight, end with status 0."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

from .chaos import Chaos
from .metrics import Metrics
from .server import Application, Server, log
from .store import Store
from .tracing import Tracer

_LAST_REQUESTS_SECONDS = 20.0


def main() -> None:
    version = os.environ.get("APP_VERSION", "dev")
    store = Store(os.environ.get("SCORE_DB_PATH"))
    tracer = Tracer(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"), "scoreboard", version)
    application = Application(version, store, Metrics(version), Chaos(os.environ), tracer)
    server = Server(("0.0.0.0", int(os.environ.get("PORT", "8080"))), application)

    def stop(number: int, frame: FrameType | None) -> None:
        application.stopping = True
        log("stopping", signal=signal.Signals(number).name)
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    log("listening", port=server.server_port, version=version, storage_mode=store.mode, storage_problem=store.problem)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    finished = server.finish(_LAST_REQUESTS_SECONDS)
    tracer.close()
    store.close()
    log("stopped", finished=finished)


if __name__ == "__main__":
    main()
