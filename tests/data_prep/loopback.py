"""A web server on this machine that serves files as publishers do, and misbehaves where a test wants."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """What is served, and how; `asked` is filled with the path and the Range of every request."""

    files: dict[str, bytes]
    ranges: bool = True
    etag: str = '"one"'
    cut: int = 0  # bytes after which a connection is closed; 0 never closes one
    statuses: list[int] = field(default_factory=list)  # for the first requests, instead of a file
    length: int | None = None  # what is said in place of the true length
    pause: float = 0.0  # seconds between blocks
    block: int = 4096  # bytes
    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)


def handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            site.asked.append((self.path, wanted))
            if site.statuses:
                status = site.statuses.pop(0)
                self.send_response(status)
                if status in (301, 302, 307):
                    self.send_header("Location", f"{site.url}/moved{self.path}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = site.files.get(self.path.removeprefix("/moved").lstrip("/"))
            if content is None:
                self.send_error(404)
                return
            start = self.start_of(wanted)
            if start and start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            length = len(content) - start if site.length is None else site.length
            self.send_header("Content-Length", str(length))
            self.send_header("ETag", site.etag)
            self.end_headers()
            self.send(content[start:])

        def start_of(self, wanted: str) -> int:
            match = re.fullmatch("bytes=([0-9]+)-", wanted)
            same = self.headers.get("If-Range", site.etag) == site.etag
            return int(match[1]) if match and site.ranges and same else 0

        def send(self, content: bytes) -> None:
            if site.cut:
                content = content[: site.cut]
                self.close_connection = True
            try:
                for first in range(0, len(content), site.block):
                    self.wfile.write(content[first : first + site.block])
                    time.sleep(site.pause)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(site)) as server:
        site.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
