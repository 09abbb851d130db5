"""A server on 127.0.0.1 that speaks the protocol of an MSA server, and can misbehave."""

from __future__ import annotations

import io
import json
import tarfile
import threading
import urllib.parse
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What an answer is made of: code, headers, body, and how much of the body is really sent.
Answer = tuple[int, dict[str, str], bytes, int | None]


def archive(files: dict[str, str]) -> bytes:
    """A `.tar.gz` of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def status(word: str, **more: str) -> Answer:
    return 200, {}, json.dumps({"status": word, **more}).encode(), None


def failure(code: int, **headers: str) -> Answer:
    return code, {name.replace("_", "-"): value for name, value in headers.items()}, b"oops", None


class MsaServer:
    """Answers requests; `planned` answers come first, one for each request of a kind.

    Kinds are `submit`, `poll` and `download`. Without a plan a ticket is PENDING once, then
    COMPLETE. `make_files` makes the archive's files from the sequences and the kind of ticket.
    """

    def __init__(self, make_files: Callable[[str, list[str]], dict[str, str]]) -> None:
        self.planned: dict[str, deque[Answer]] = {
            kind: deque() for kind in ("submit", "poll", "download")
        }
        self.requests: list[tuple[str, str]] = []
        self.forms: list[dict[str, str]] = []
        self.agents: set[str] = set()
        self._make_files = make_files
        self._tickets: dict[str, tuple[str, list[str]]] = {}
        self._polls: dict[str, int] = {}

    def forget_tickets(self) -> None:
        """As after a restart."""
        self._tickets.clear()

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        kind = "submit" if method == "POST" else "poll" if "/ticket/" in path else "download"
        self.requests.append((kind, path))
        if kind == "submit":
            self.forms.append(dict(urllib.parse.parse_qsl(body.decode())))
        if self.planned[kind]:
            return self.planned[kind].popleft()
        if kind == "submit":
            return self._submit(path.rpartition("/")[2])
        ticket = path.rpartition("/")[2]
        if ticket not in self._tickets:
            return status("UNKNOWN")
        if kind == "poll":
            self._polls[ticket] = self._polls.get(ticket, 0) + 1
            return status("COMPLETE" if self._polls[ticket] > 1 else "RUNNING", id=ticket)
        return 200, {}, archive(self._make_files(*self._tickets[ticket])), None

    def _submit(self, kind: str) -> Answer:
        lines = self.forms[-1]["q"].splitlines()
        ticket = f"ticket{len(self.forms)}"
        self._tickets[ticket] = kind, lines[1::2]
        return status("PENDING", id=ticket)


@contextmanager
def running(server: MsaServer) -> Iterator[str]:
    """Serves on a free port of this machine; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            server.agents.add(self.headers["User-Agent"])
            code, headers, content, sent = server.answer(self.command, self.path, body)
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content[:sent])
            self.close_connection = True

        do_GET = do_POST = _serve

        def log_message(self, *_: object) -> None:
            """Quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}/api"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
