"""Downloads from a server on this machine that stalls, truncates, lies and corrupts."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from af3cli.download import DownloadError, Patience, copy_file, download
from af3cli.errors import OutputError

CONTENT = np.random.default_rng(0).bytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FAST = Patience(timeout=0.3, attempts=4, first_pause=0.01)


class Server(ThreadingHTTPServer):
    """Serves `content` under one version; `behave` may do something else for a request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.version: str | None = '"one"'
        self.ranges: list[str | None] = []
        self.behave: Callable[[Handler, int], bool] = lambda handler, count: False
        self.stopped = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/model.pt"

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are part of the tests."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers["Range"])
        if not self.server.behave(self, len(self.server.ranges)):
            self.reply()

    def reply(self, send: int | None = None, length: object = None) -> None:
        """Answers as a good server does, but sends only `send` bytes, and announces `length`."""
        content, start = self.server.content, 0
        wanted = self.headers["Range"]
        if wanted and self.headers["If-Range"] == self.server.version:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if self.server.version:
            self.send_header("ETag", self.server.version)
        self.send_header("Content-Length", str(length or len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : None if send is None else start + send])


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.stopped.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "cache" / "model.pt"


def assert_whole(path: Path) -> None:
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_plain_download_reports_progress(server, path):
    seen = []
    download(server.url, path, SHA256, lambda *progress: seen.append(progress), FAST)
    assert_whole(path)
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert server.ranges == [None]


def test_a_proxy_of_the_environment_is_asked(server, path, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.url)
    download("http://models.invalid/model.pt", path, SHA256, patience=FAST)
    assert_whole(path)
    assert len(server.ranges) == 1


def test_truncated_replies_are_continued(server, path):
    server.behave = lambda handler, count: count < 4 and (handler.reply(send=700_000), True)[1]
    download(server.url, path, SHA256, patience=FAST)
    assert_whole(path)
    assert server.ranges == [None, *(f"bytes={700_000 * count}-" for count in (1, 2, 3))]


def test_stalling_replies_are_continued(server, path):
    def stall(handler: Handler, count: int) -> bool:
        if count > 2:
            return False
        handler.reply(send=500_000)
        handler.wfile.flush()
        server.stopped.wait(1)
        return True

    server.behave = stall
    download(server.url, path, SHA256, patience=FAST)
    assert_whole(path)


def test_a_killed_download_goes_on_later(server, path):
    def kill(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(server.url, path, SHA256, kill, FAST)
    part = path.with_name("model.pt.part")
    assert not path.exists() and 0 < part.stat().st_size < len(CONTENT)
    download(server.url, path, SHA256, patience=FAST)
    assert_whole(path)
    assert server.ranges[1].startswith("bytes=")


def test_a_download_killed_while_it_is_checked_is_not_made_again(server, path, monkeypatch):
    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("hashlib.file_digest", kill)
        download(server.url, path, SHA256, patience=FAST)
    download(server.url, path, SHA256, patience=FAST)
    assert_whole(path)
    assert server.ranges == [None]


@pytest.mark.parametrize("version", ['"two"', None])
def test_parts_of_two_versions_are_never_joined(server, path, version):
    def change(handler: Handler, count: int) -> bool:
        if count == 1:
            server.content = bytes(2_000_000)
            handler.reply(send=1_000_000)
            server.content, server.version = CONTENT, version
            return True
        return False

    server.behave = change
    download(server.url, path, SHA256, patience=FAST)
    assert_whole(path)


def test_server_that_ignores_ranges(server, path):
    def ignore(handler: Handler, count: int) -> bool:
        del handler.headers["Range"]
        if count == 1:
            handler.reply(send=1_000_000)
            return True
        return False

    server.behave = ignore
    download(server.url, path, SHA256, patience=FAST)
    assert_whole(path)


def test_longer_length_than_there_is(server, path):
    server.behave = lambda handler, _: (handler.reply(length=len(CONTENT) + 100), True)[1]
    with pytest.raises(DownloadError, match="gave up after 4 tries"):
        download(server.url, path, SHA256, patience=FAST)
    assert not path.exists()
    assert len(server.ranges) < 12


def test_shorter_length_than_there_is(server, path):
    server.behave = lambda handler, _: (handler.reply(length=1_000_000), True)[1]
    with pytest.raises(DownloadError, match="not the published file"):
        download(server.url, path, SHA256, patience=FAST)
    assert list(path.parent.iterdir()) == []


def test_corrupted_content_is_not_kept(server, path):
    server.content = bytes(reversed(CONTENT))
    with pytest.raises(DownloadError, match=f"should be {SHA256}"):
        download(server.url, path, SHA256, patience=FAST)
    assert list(path.parent.iterdir()) == []


def test_refusals_are_told_at_once_and_failures_after_some_tries(server, path):
    server.behave = lambda handler, _: (handler.send_error(404), True)[1]
    with pytest.raises(DownloadError, match="404"):
        download(server.url, path, patience=FAST)
    assert len(server.ranges) == 1
    server.behave = lambda handler, _: (handler.send_error(503), True)[1]
    with pytest.raises(DownloadError, match=r"gave up after 4 tries in vain: .*503"):
        download(server.url, path, patience=FAST)
    assert len(server.ranges) == 5


def lead_to(address: str) -> Callable[[Handler, int], bool]:
    def behave(handler: Handler, count: int) -> bool:
        if count == 1:
            handler.send_response(302)
            handler.send_header("Location", address)
            handler.end_headers()
        return count == 1

    return behave


def test_redirections(server, path):
    server.behave = lead_to("/elsewhere.pt")
    download(server.url, path, SHA256, patience=FAST)
    assert_whole(path)
    server.behave, server.ranges = lead_to("http://[bad/"), []
    with pytest.raises(DownloadError, match="leads to no proper address"):
        download(server.url, path.with_name("other.pt"), patience=FAST)


def test_a_length_that_is_no_number(server, path):
    server.behave = lambda handler, _: (handler.reply(length="²"), True)[1]
    download(server.url, path, SHA256, patience=FAST)
    assert_whole(path)


def test_no_server_at_all(path):
    with pytest.raises(DownloadError, match="gave up"):
        download("http://127.0.0.1:9/model.pt", path, patience=FAST)


def test_more_than_the_disk_holds(server, path):
    server.behave = lambda handler, _: (handler.reply(length=10**18), True)[1]
    with pytest.raises(DownloadError, match="MB free"):
        download(server.url, path, patience=FAST)


def test_folder_that_cannot_be_written(server):
    with pytest.raises(OutputError, match="cannot be written"):
        download(server.url, Path("/proc/absent/model.pt"), patience=FAST)


def test_copy_is_checked_too(tmp_path):
    source = tmp_path / "source.pt"
    source.write_bytes(CONTENT)
    copy_file(source, tmp_path / "cache" / "model.pt", SHA256)
    assert_whole(tmp_path / "cache" / "model.pt")
    source.write_bytes(b"something else")
    with pytest.raises(DownloadError, match="not the published file"):
        copy_file(source, tmp_path / "cache" / "other.pt", SHA256)
    assert_whole(tmp_path / "cache" / "model.pt")


def test_what_cannot_be_copied_leaves_nothing(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / "cache" / "model.pt"
    with pytest.raises(DownloadError, match=r"pipe cannot be copied .*is a named pipe"):
        copy_file(tmp_path / "pipe", path)

    def fill_the_disk(source: Path, target: Path) -> None:
        target.write_bytes(CONTENT)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("shutil.copyfile", fill_the_disk)
    with pytest.raises(DownloadError, match=r"cannot be copied .*the disk is full"):
        copy_file(tmp_path / "source.pt", path)
    assert list(path.parent.iterdir()) == []
