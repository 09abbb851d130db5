"""Bounded HTTP requests that are tried again, ever more slowly, when a server has trouble."""

from __future__ import annotations

import http.client
import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import TypeVar

from af3cli.errors import Af3cliError
from af3cli.web import UnsafeRedirectError, header_number, open_url, request_problem

_RETRIED_CODES = frozenset({408, 425, 500, 502, 503, 504})
_BUSY_CODE = 429
_LONGEST_ASKED_PAUSE = 600.0
_CHUNK_BYTES = 2**20

_Answer = TypeVar("_Answer")
OnTrouble = Callable[[str, float], None]


class ServerError(Af3cliError):
    """The MSA server cannot be reached, refuses, or does not answer as it should."""

    exit_code = 5


class NoAnswerYet(ServerError):
    """The server cannot be reached, has trouble of its own, or is slow: an answer may yet come."""


@dataclass(frozen=True)
class ServerPatience:
    """Pauses and limits in seconds; `attempts` is how often in a row a request may fail."""

    first_pause: float = 2.0
    longest_pause: float = 60.0
    timeout: float = 60.0
    attempts: int = 6
    longest_wait: float = 4 * 3600.0


class Trouble(Exception):
    """An answer did not come, or is not what it should be, which may pass.

    A server that `is_busy` says so itself; `pause` is for how long (seconds) if it told.
    """

    def __init__(self, text: str, is_busy: bool = False, pause: float | None = None) -> None:
        super().__init__(text)
        self.is_busy = is_busy
        self.pause = pause


class BadAnswer(Trouble):
    """An answer came whole, but makes no sense."""


def sleep_about(seconds: float) -> None:
    """Sleeps about so long, so that many clients do not come back at one moment."""
    time.sleep(seconds * random.uniform(0.8, 1.2))


def retried(
    ask: Callable[[], _Answer], place: str, patience: ServerPatience, on_trouble: OnTrouble
) -> _Answer:
    """Returns what `ask` returns, tried again after `Trouble` with growing pauses.

    `on_trouble` is told what the trouble is and in how many seconds it will be tried again. Raises
    `ServerError`, which names `place`, after as many failures in a row as `patience` has, or when a
    busy server keeps us waiting for too long; `NoAnswerYet` unless the last was a `BadAnswer`.
    """
    failures = 0
    pause = patience.first_pause
    give_up = time.monotonic() + patience.longest_wait
    while True:
        try:
            return ask()
        except Trouble as trouble:
            failures += not trouble.is_busy
            asked = min(trouble.pause or 0.0, _LONGEST_ASKED_PAUSE)
            if failures >= patience.attempts or time.monotonic() + asked > give_up:
                error = ServerError if isinstance(trouble, BadAnswer) else NoAnswerYet
                raise error(
                    f"{place}: gave up: {trouble}. What was finished is kept; the same command "
                    "asks for the rest again."
                ) from None
            on_trouble(str(trouble), max(pause, asked))
            sleep_about(max(pause, asked))
            pause = min(2 * pause, patience.longest_pause)


def fetch(url: str, form: dict[str, str] | None, max_bytes: int, timeout: float) -> bytes:
    """Returns the body of one answer; with a `form` that is posted.

    Raises `Trouble` if it does not come, or not whole; `ServerError` if the server refuses, sends
    more than `max_bytes`, or leads to where one cannot or must not follow: sequences that are sent
    encrypted never go on in the open.
    """
    data = None if form is None else urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(url, data, {"User-Agent": f"af3cli/{version('af3cli')}"})
    try:
        with open_url(request, timeout) as response:
            return _body(response, url, max_bytes)
    except urllib.error.HTTPError as error:
        problem = f"the server answers {error.code} {error.reason}"
        if error.code == _BUSY_CODE:
            raise Trouble(problem, is_busy=True, pause=_asked_pause(error)) from None
        if error.code in _RETRIED_CODES:
            raise Trouble(problem, pause=_asked_pause(error)) from None
        raise ServerError(f"{url}: {problem}") from None
    except UnsafeRedirectError as error:
        raise ServerError(str(error)) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        if _is_of_address(error):
            raise ServerError(f"{url}: is no usable address, or leads to none ({error})") from None
        raise Trouble(request_problem(error)) from None


def fetch_json(url: str, form: dict[str, str] | None, max_bytes: int, timeout: float) -> object:
    """Returns the JSON of one answer; see `fetch`."""
    answer = fetch(url, form, max_bytes, timeout)
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        raise BadAnswer("the answer is not JSON") from None


def _body(response: http.client.HTTPResponse, url: str, max_bytes: int) -> bytes:
    body = bytearray()
    while chunk := response.read(_CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            raise ServerError(f"{url}: the answer is larger than {max_bytes:,} bytes")
    announced = header_number(response.headers.get("Content-Length"))
    if announced is not None and len(body) < announced:
        raise Trouble(f"the answer ended after {len(body)} of {announced} bytes")
    return bytes(body)


def _asked_pause(error: urllib.error.HTTPError) -> float | None:
    """The seconds of a Retry-After header."""
    return header_number(error.headers.get("Retry-After"))


def _is_of_address(error: Exception) -> bool:
    """Whether a request failed before it was sent, as its address cannot be used."""
    if isinstance(error, http.client.InvalidURL):
        return True
    return isinstance(error, ValueError) and not isinstance(error, OSError)
