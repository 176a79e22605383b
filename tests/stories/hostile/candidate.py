"""A version that starts and is healthy, and whose other answers and log lines are a megabyte of what no terminal should get.

Run as `python3 -c` in the scoreboard's image. Whatever it is asked for by /drip comes a byte a second, for as long as somebody listens.
"""

import http.server
import sys
import time

# Written so that this text itself is no template.
EXPRESSION = 2 * "{" + " lookup('ansible.builtin.pipe', 'touch MARKER') " + 2 * "}"
LINE = EXPRESSION + " \x1b[31mred\x1b[0m \x07\x00 %n \r"
FLOOD = (LINE + "\n") * (1_000_000 // len(LINE))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        match self.path:
            case "/flood":
                self.answer(500, FLOOD.encode())
            case "/drip":
                self.send_response(200)
                self.send_header("Content-Length", "100000")
                self.end_headers()
                while True:
                    self.wfile.write(b".")
                    time.sleep(1)
            case _:
                self.answer(200, b"ok")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:
        """Quiet: the flood is the log."""


if "migrate" in sys.argv:
    print(FLOOD)
    sys.exit(f"the migration failed: {LINE}")
print(LINE)
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
