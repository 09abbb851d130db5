"""Files from the web: resumed, tried again, checked, and in place only when whole."""

from __future__ import annotations

import errno
import hashlib
import http
import http.client
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from af3cli.disk import free_bytes, output_errors, reason
from af3cli.errors import OutputError
from af3cli.web import UnsafeRedirectError, header_number, open_url, request_problem
from af3cli.whole_files import written_aside

_CHUNK_BYTES = 2**20
_PERMANENT_CODES = frozenset({400, 401, 403, 404, 405, 410, 451})
_RANGE_NOT_SATISFIABLE = 416
_LOCAL_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EFBIG})

Progress = Callable[[int, int | None], None]


class DownloadError(OutputError):
    """A file cannot be had, or is not the one that was published."""


class _WrongFileError(DownloadError):
    """What has arrived is whole and not the published file."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server: seconds without a byte, tries in a row without one, pauses."""

    timeout: float = 60.0
    attempts: int = 6
    first_pause: float = 1.0


_PATIENCE = Patience()


def no_progress(_done: int, _total: int | None) -> None:
    """Shows nothing."""


def download(
    url: str,
    path: Path,
    sha256: str | None = None,
    progress: Progress = no_progress,
    patience: Patience = _PATIENCE,
) -> None:
    """Puts the file at `url` at `path`; goes on where an earlier try stopped.

    What has arrived is kept beside `path` with the suffix `.part`. `progress` is called with the
    bytes so far and in all. Proxies are taken from the environment.

    Raises:
        DownloadError: the server refuses, keeps failing, or what it sent is not the file.
        OutputError: the file cannot be written.
    """
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        transfer = _Transfer(url, path, progress, patience.timeout)
        _transfer_all(transfer, url, patience)
        try:
            _check(transfer.part, sha256, url)
        except _WrongFileError:
            forget_download(path)
            raise
        os.replace(transfer.part, path)
        forget_download(path)


def forget_download(path: Path) -> None:
    """Removes what has arrived of a download to `path`, and what is known of it."""
    for file in (_part(path), _notes(path)):
        file.unlink(missing_ok=True)


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _notes(path: Path) -> Path:
    return path.with_name(f"{path.name}.version")


def _transfer_all(transfer: _Transfer, url: str, patience: Patience) -> None:
    """Makes requests until all is there, or several in a row bring nothing new."""
    failures, most = 0, transfer.num_bytes
    while not transfer.is_whole():
        try:
            transfer.attempt()
            continue
        except urllib.error.HTTPError as error:
            problem = f"the server answers {error.code} {error.reason}"
            if error.code in _PERMANENT_CODES:
                raise DownloadError(f"{url}: {problem}") from None
        except (OSError, http.client.HTTPException) as error:
            if getattr(error, "errno", None) in _LOCAL_ERRORS:
                raise
            problem = request_problem(error)
        except UnsafeRedirectError as error:
            raise DownloadError(str(error)) from None
        except ValueError as error:
            raise DownloadError(f"{url}: leads to no proper address ({error})") from None
        failures = 1 if transfer.num_bytes > most else failures + 1
        most = max(most, transfer.num_bytes)
        if failures >= patience.attempts:
            raise DownloadError(
                f"{url}: gave up after {failures} tries in vain: {problem}. What has arrived is "
                "kept, and the same command goes on from there."
            )
        time.sleep(patience.first_pause * 2 ** (failures - 1))


def copy_file(source: Path, path: Path, sha256: str | None = None) -> None:
    """Puts a copy of the file `source`, if it is the right one, at `path`.

    Raises:
        DownloadError: it cannot be read or written, or is not the right one.
    """
    try:
        with written_aside(path) as aside:
            shutil.copyfile(source, aside)
            _check(aside, sha256, str(source))
    except OSError as error:
        raise DownloadError(f"{source} cannot be copied to {path}: {reason(error)}") from error


def _check(part: Path, sha256: str | None, origin: str) -> None:
    """Raises an error if the digest of `part` is not `sha256`."""
    if sha256 is None:
        return
    with open(part, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise _WrongFileError(
            f"{origin} is not the published file: its sha256 is {found} and should be {sha256}. "
            "It was not kept."
        )


class _Transfer:
    """One file on its way, over as many requests as it takes.

    What has arrived is in `part`; in `notes` beside it are what the server calls this version of
    the file, so that parts of two versions are never put together, and how long the whole is.
    """

    def __init__(self, url: str, path: Path, progress: Progress, timeout: float) -> None:
        self.part = _part(path)
        self.notes = _notes(path)
        self._url = url
        self._progress = progress
        self._timeout = timeout
        self._total = self._noted()[1] or None
        self._ended = False

    @property
    def num_bytes(self) -> int:
        """How much has arrived."""
        return self.part.stat().st_size if self.part.exists() else 0

    def is_whole(self) -> bool:
        """Returns whether all has arrived: as much as was announced, or else all that came."""
        return self._ended if self._total is None else self.num_bytes == self._total

    def attempt(self) -> None:
        """Makes one request for what is missing and adds what comes of it.

        Raises:
            OSError, http.client.HTTPException: it did not bring all that is missing.
        """
        version, _ = self._noted()
        if not version:
            self._start_again()
        start = self.num_bytes
        request = urllib.request.Request(self._url, headers={"Accept-Encoding": "identity"})
        if start:
            request.add_header("Range", f"bytes={start}-")
            request.add_header("If-Range", version)
        try:
            with open_url(request, self._timeout) as response:
                self._receive(response, start)
        except urllib.error.HTTPError as error:
            if error.code != _RANGE_NOT_SATISFIABLE:
                raise
            self._start_again()
            raise ConnectionError(f"the server has no more than {start} bytes") from None

    def _receive(self, response: http.client.HTTPResponse, start: int) -> None:
        position = _position(response)
        version = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        if position != start or (start and version != self._noted()[0]):
            self._start_again()
            if position:
                raise ConnectionError("the file on the server has changed")
        length = header_number(response.headers.get("Content-Length"))
        self._total = None if length is None else position + length
        self.notes.write_text(f"{version}\n{self._total}", "utf-8")
        self._check_space()
        with open(self.part, "ab") as file:
            while chunk := response.read1(_CHUNK_BYTES):
                file.write(chunk)
                self._progress(file.tell(), self._total)
        if self._total is not None and self.num_bytes < self._total:
            raise ConnectionError(f"the connection ended after {self.num_bytes} bytes")
        self._ended = True

    def _check_space(self) -> None:
        free = free_bytes(self.part.parent)
        missing = (self._total or 0) - self.num_bytes
        if missing > free:
            raise DownloadError(
                f"{self.part.parent} has {free / 1e6:,.0f} MB free, but {missing / 1e6:,.0f} MB "
                "are to come"
            )

    def _noted(self) -> tuple[str, int | None]:
        """Returns version and length of the file as far as they are known, the version or ""."""
        text = self.notes.read_text("utf-8", "replace") if self.notes.exists() else ""
        version, _, length = text.partition("\n")
        return version, header_number(length)

    def _start_again(self) -> None:
        self.part.unlink(missing_ok=True)


def _position(response: http.client.HTTPResponse) -> int:
    """Returns at which byte of the file a response begins, -1 if it does not say."""
    if response.status != http.HTTPStatus.PARTIAL_CONTENT:
        return 0
    match = re.match(r"bytes ([0-9]{1,30})-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else -1
