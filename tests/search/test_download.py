"""Databases are downloaded from a server on this machine: resumed, checked, placed whole."""

from __future__ import annotations

import base64
import hashlib
import io
import socket
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import zstandard
from click.testing import CliRunner

from af3cli.cli import main
from af3cli.errors import OutputError
from af3cli.locking import only_writer
from af3cli.search.catalogue import CATALOGUE
from af3cli.search.unpack import unpack_structures

FASTA = b">x\n" + b"ACGU" * 50_000 + b"\n"


def _md5(content: bytes) -> str:
    return f"md5={base64.b64encode(hashlib.md5(content).digest()).decode()}"


class _Mirror:
    """Files by name; `cut` makes the next answers end after so many bytes."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.hashes: dict[str, str] = {}
        self.cut: list[int] = []
        self.ranges: list[str | None] = []


@pytest.fixture
def mirror() -> _Mirror:
    mirror = _Mirror()
    mirror.files[f"{CATALOGUE['rfam'].file_name}.zst"] = zstandard.compress(FASTA)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in ("mmcif_files/1abc.cif", "mmcif_files/../evil.cif", "../evil.cif", "x/1y.cif"):
            member = tarfile.TarInfo(name)
            member.size = 9
            tar.addfile(member, io.BytesIO(b"data_1abc"))
    mirror.files["pdb_2022_09_28_mmcif_files.tar.zst"] = zstandard.compress(buffer.getvalue())
    return mirror


@pytest.fixture
def url(mirror: _Mirror) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._serve(with_body=False)

        def do_GET(self) -> None:
            mirror.ranges.append(self.headers["Range"])
            self._serve(with_body=True)

        def _serve(self, with_body: bool) -> None:
            name = self.path.rpartition("/")[2]
            if name not in mirror.files:
                self.send_error(404)
                return
            content = mirror.files[name]
            start = int((self.headers["Range"] or "bytes=0-")[6:-1])
            self.send_response(206 if start else 200)
            if start:
                total = len(content)
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            self.send_header("Content-Length", str(len(content) - start))
            self.send_header("ETag", '"1"')
            self.send_header("x-goog-hash", "crc32c=AAAAAA==")
            self.send_header("x-goog-hash", mirror.hashes.get(name, _md5(content)))
            self.end_headers()
            if with_body:
                end = start + mirror.cut.pop(0) if mirror.cut else None
                self.wfile.write(content[start:end])

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v3.0"
    server.shutdown()
    server.server_close()


def _get(url: str, folder: Path, *names: str) -> object:
    arguments = ["databases", "get", *names, "--dir", str(folder), "--source", url]
    return CliRunner().invoke(main, arguments)


def test_file_and_structures(mirror: _Mirror, url: str, tmp_path: Path) -> None:
    result = _get(url, tmp_path, "rfam", "pdb")
    assert result.exit_code == 0, result.output
    assert (tmp_path / CATALOGUE["rfam"].file_name).read_bytes() == FASTA
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("[!.]*"))
    assert names == ["mmcif_files", "mmcif_files/1abc.cif", CATALOGUE["rfam"].file_name]
    compressed = mirror.files[f"{CATALOGUE['rfam'].file_name}.zst"]
    assert f"rfam: {len(compressed)} bytes compressed" in result.stderr
    assert not (tmp_path.parent / "evil.cif").exists()
    num_requests = len(mirror.ranges)
    assert _get(url, tmp_path, "rfam").exit_code == 0 and len(mirror.ranges) == num_requests


def test_cut_download_goes_on(mirror: _Mirror, url: str, tmp_path: Path) -> None:
    mirror.cut += [20]
    result = _get(url, tmp_path, "rfam")
    assert result.exit_code == 0, result.output
    assert mirror.ranges == [None, "bytes=20-"]
    assert (tmp_path / CATALOGUE["rfam"].file_name).read_bytes() == FASTA


def test_wrong_bytes_are_not_kept(mirror: _Mirror, url: str, tmp_path: Path) -> None:
    name = f"{CATALOGUE['rfam'].file_name}.zst"
    mirror.hashes[name] = _md5(b"another file")
    result = _get(url, tmp_path, "rfam")
    assert result.exit_code == 4 and "not the published file" in result.stderr
    assert list(tmp_path.glob("[!.]*")) == []
    del mirror.hashes[name]
    mirror.files[name] = mirror.files[name][:-8]
    result = _get(url, tmp_path, "rfam")
    assert result.exit_code == 4 and "cut off" in result.stderr
    assert not (tmp_path / CATALOGUE["rfam"].file_name).exists()


def test_one_process_at_a_time_gets_a_database(url: str, tmp_path: Path) -> None:
    with only_writer(tmp_path / CATALOGUE["rfam"].file_name):
        result = _get(url, tmp_path, "rfam")
    assert result.exit_code == 4 and "is being written by process" in result.stderr
    assert _get(url, tmp_path, "rfam").exit_code == 0


def test_what_is_not_there(url: str, tmp_path: Path) -> None:
    result = _get(url, tmp_path, "nt")
    assert result.exit_code == 4 and "is not to be had" in result.stderr
    assert "Invalid value" in _get(url, tmp_path, "pfam").stderr


@pytest.mark.parametrize("announced", ["md5=A", "md5=====", "md5=AAAA", "nothing"])
def test_hash_that_is_none(mirror: _Mirror, url: str, tmp_path: Path, announced: str) -> None:
    mirror.hashes[f"{CATALOGUE['rfam'].file_name}.zst"] = announced
    assert _get(url, tmp_path, "rfam").exit_code == 0


def test_server_that_does_not_speak_http(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(2**16)
                connection.sendall(b"SSH-2.0-x\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        result = _get(f"http://127.0.0.1:{listening.getsockname()[1]}", tmp_path, "rfam")
        thread.join()
    assert result.exit_code == 4 and "is not to be had" in result.stderr


def test_archive_with_nonsense_in_its_headers(tmp_path: Path) -> None:
    member = tarfile.TarInfo("1abc.cif")
    member.pax_headers = {"GNU.sparse.map": "x"}
    source = tmp_path / "structures.tar.zst"
    source.write_bytes(zstandard.compress(member.tobuf(tarfile.PAX_FORMAT) + bytes(1024)))
    with pytest.raises(OutputError, match="the archive is damaged"):
        unpack_structures(source, tmp_path / "mmcif_files")
    assert list(tmp_path.iterdir()) == [source]


def test_list() -> None:
    result = CliRunner().invoke(main, ["databases", "list"])
    assert result.exit_code == 0
    assert all(name in result.stdout for name in CATALOGUE)
