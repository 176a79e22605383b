"""An HTTP server for a WSGI application, with a thread for each request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from werkzeug.serving import BaseWSGIServer


def listen(application: WSGIApplication, address: str, port: int) -> BaseWSGIServer:
    """Bind the address; the server answers once its `serve_forever` is called."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """The calls are counted; a line for each would fill the disk."""

    server = make_server(address, port, application, threaded=True, request_handler=Handler)
    server.daemon_threads = True  # type: ignore[attr-defined]
    return server
