"""Talks to an MSA server: the HTTP interface of MMseqs2 servers as ColabFold uses it.

Sequences are posted to `ticket/msa` or `ticket/pair`, which answers with a ticket; `ticket/ID`
tells its status; `result/download/ID` is a compressed archive (Mirdita et al. 2022,
doi:10.1038/s41592-022-01488-1).
"""

from __future__ import annotations

import re
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field

from af3cli.errors import InputError
from af3cli.search.cache import Cache, digest
from af3cli.search.server_archive import read_archive
from af3cli.search.server_http import (
    BadAnswer,
    NoAnswerYet,
    OnTrouble,
    ServerError,
    ServerPatience,
    fetch,
    fetch_json,
    retried,
    sleep_about,
)

FIRST_QUERY_NUMBER = 101

_MAX_STATUS_BYTES = 2**16
_MAX_ARCHIVE_BYTES = 512 * 2**20
# Of a kept result; those of older versions, which kept whatever had come, are not used.
_CHECKED = "server, checked"
_WAITING = ("PENDING", "RUNNING")
_TICKET = re.compile(r"[A-Za-z0-9_-]{1,200}")


@dataclass(frozen=True)
class Request:
    """What is asked: the kind of ticket (`msa`, `pair`), the server's mode, protein sequences."""

    kind: str
    mode: str
    sequences: tuple[str, ...]

    def form(self) -> dict[str, str]:
        numbered = enumerate(self.sequences, FIRST_QUERY_NUMBER)
        return {"q": "".join(f">{i}\n{seq}\n" for i, seq in numbered), "mode": self.mode}


@dataclass(frozen=True)
class _Ticket:
    """A ticket's state; `identifier` is empty where there is no ticket."""

    status: str
    identifier: str


@dataclass(frozen=True)
class ServerClient:
    """A server at `url`. One request is open at a time; results and open tickets are kept.

    A run that was interrupted while it waited goes on with the ticket it had, unless the server
    has shown that nothing will come of it.
    """

    url: str
    cache: Cache
    patience: ServerPatience = field(default_factory=ServerPatience)

    def __post_init__(self) -> None:
        if not _is_address(self.url):
            raise InputError(f"--msa-server {self.url}: must be an address, such as https://...")

    def known(self, request: Request) -> dict[str, str] | None:
        """Returns the kept result of an earlier request."""
        return self.cache.texts(self._key(request))

    def ask(
        self, request: Request, on_status: Callable[[str, float], None], on_trouble: OnTrouble
    ) -> dict[str, str]:
        """Returns the A3M files, by name, that the server makes; `keep` them if they are good.

        Query number i (from 0) is called 101 + i in them. `on_status` is told each status and the
        seconds since the beginning, `on_trouble` what went wrong and when that is tried again.
        Raises `ServerError`.
        """
        ticket_key = digest("ticket", self._key(request))
        try:
            texts = self._wait(request, ticket_key, on_status, on_trouble)
        except NoAnswerYet:
            raise
        except ServerError:
            self.cache.forget(ticket_key)
            raise
        self.cache.forget(ticket_key)
        return texts

    def keep(self, request: Request, texts: dict[str, str]) -> None:
        """Keeps a result, so that it is not asked for again."""
        self.cache.keep_texts(self._key(request), texts)

    def _wait(
        self,
        request: Request,
        ticket_key: str,
        on_status: Callable[[str, float], None],
        on_trouble: OnTrouble,
    ) -> dict[str, str]:
        """Asks with one ticket, or another where that is lost, until there is a result."""
        start = time.monotonic()
        pause = self.patience.first_pause
        identifier = (self.cache.texts(ticket_key) or {}).get("id", "")
        while True:
            if identifier:
                ticket = self._ticket(f"ticket/{identifier}", None, on_trouble, identifier)
            else:
                ticket = self._ticket(f"ticket/{request.kind}", request.form(), on_trouble)
            seconds = time.monotonic() - start
            on_status(ticket.status, seconds)
            identifier = ticket.identifier
            if ticket.status == "COMPLETE":
                return self._download(identifier, on_trouble)
            if identifier:
                self.cache.keep_texts(ticket_key, {"id": identifier})
            else:
                self.cache.forget(ticket_key)
            if seconds > self.patience.longest_wait:
                raise NoAnswerYet(
                    f"{self.url}: no result after {seconds / 60:.0f} minutes; the last status was "
                    f"{ticket.status}. The same command goes on asking."
                )
            sleep_about(pause)
            pause = min(pause * 1.5, self.patience.longest_pause)

    def _key(self, request: Request) -> str:
        return digest(_CHECKED, self.url, request.kind, request.mode, request.sequences)

    def _download(self, identifier: str, on_trouble: OnTrouble) -> dict[str, str]:
        url = self._address(f"result/download/{identifier}")

        def ask() -> dict[str, str]:
            return read_archive(fetch(url, None, _MAX_ARCHIVE_BYTES, self.patience.timeout))

        return retried(ask, url, self.patience, on_trouble)

    def _ticket(
        self,
        path: str,
        form: dict[str, str] | None,
        on_trouble: OnTrouble,
        identifier: str = "",
    ) -> _Ticket:
        url = self._address(path)

        def ask() -> _Ticket:
            answer = fetch_json(url, form, _MAX_STATUS_BYTES, self.patience.timeout)
            return _read_ticket(answer, identifier)

        ticket = retried(ask, url, self.patience, on_trouble)
        if ticket.status == "MAINTENANCE":
            raise NoAnswerYet(f"{self.url}: the server is under maintenance; try again later")
        if ticket.status == "ERROR":
            raise ServerError(f"{self.url}: the server could not search these sequences")
        return ticket

    def _address(self, path: str) -> str:
        return f"{self.url.rstrip('/')}/{path}"


def _is_address(url: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(url)
        host = (parts.hostname or "").encode("idna")
        return parts.scheme in ("http", "https") and host != b"" and parts.port != 0
    except ValueError:
        return False


def _read_ticket(answer: object, identifier: str) -> _Ticket:
    """The state in an answer. A ticket that is UNKNOWN is lost, one under RATELIMIT is none yet."""
    status = answer.get("status") if isinstance(answer, dict) else None
    if status in (*_WAITING, "COMPLETE"):
        identifier = answer.get("id", identifier)
        if not isinstance(identifier, str) or not _TICKET.fullmatch(identifier):
            raise BadAnswer("the answer has no usable ticket")
        return _Ticket(status, identifier)
    if status in ("UNKNOWN", "RATELIMIT", "MAINTENANCE", "ERROR"):
        return _Ticket(status, "")
    raise BadAnswer("the answer has no known status")
