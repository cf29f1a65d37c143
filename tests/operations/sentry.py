"""A server on loopback that takes what the Sentry SDK sends."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import sentry_sdk


class Collector:
    """A server that takes what the Sentry SDK sends, as Sentry's own does."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.raw = b""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                outer.raw += body
                parts = body.split(b"\n")
                for head, item in zip(parts[1::2], parts[2::2], strict=False):
                    if json.loads(head).get("type") == "event":
                        outer.events.append(json.loads(item))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def dsn(self) -> str:
        """Where to send to."""
        return f"http://public@127.0.0.1:{self.server.server_address[1]}/7"


@contextlib.contextmanager
def listening() -> Iterator[Collector]:
    """A Sentry to talk to; the SDK is disconnected at the end."""
    collector = Collector()
    yield collector
    sentry_sdk.get_client().close()
    sentry_sdk.init()
    collector.server.shutdown()
    collector.server.server_close()
