"""`af3 weights get`: from a server or a file to parameters that load."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from click.testing import CliRunner

from af3cli.cli import main
from af3cli.errors import OutputError, WeightsError
from af3cli.locking import only_writer
from af3cli.weights import (
    catalogue,
    find_weights,
    load_weights,
    synthetic_parameters,
    write_records,
)
from af3cli.weights.get import get_weights


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def entry(tmp_path, tiny_config, monkeypatch):
    """A small model of the catalogue, its file on a server on this machine."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    write_records(shelf / "tiny.bin.zst", synthetic_parameters(tiny_config).items())
    handler = partial(Quiet, directory=str(shelf))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        entry = replace(
            catalogue.SYNTHETIC,
            urls=(f"http://127.0.0.1:{server.server_port}/tiny.bin.zst",),
            sha256=None,
            needs_consent=True,
            terms_url="https://example.org/terms",
        )
        monkeypatch.setitem(catalogue.CATALOGUE, "synthetic", entry)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.delenv("AF3_WEIGHTS", raising=False)
        yield entry
        server.shutdown()
        thread.join()


def run(*arguments: object, **options):
    return CliRunner().invoke(main, ["weights", *map(str, arguments)], **options)


def test_terms_are_shown_and_must_be_accepted(entry, monkeypatch):
    result = run("get", "synthetic")
    assert result.exit_code == 3
    for part in (entry.licence, entry.terms_url, "--accept-terms"):
        assert part in result.output
    with pytest.raises(WeightsError, match="not on this machine"):
        find_weights("synthetic")

    result = run("get", "synthetic", "--accept-terms")
    assert result.exit_code == 0, result.output
    found = find_weights("synthetic")
    assert str(found) in result.output
    assert load_weights().path == found
    assert {file.name for file in found.parent.iterdir()} == {"tiny.bin.zst", ".synthetic.lock"}


def test_interactive_consent(entry, monkeypatch):
    monkeypatch.setattr("af3cli.cli.weights._is_interactive", lambda: True)
    refused = run("get", "synthetic", input="n\n")
    assert refused.exit_code == 3 and "are not accepted" in refused.output
    stopped = run("get", "synthetic", input="")
    assert stopped.exit_code == 130 and "Stopped." in stopped.output
    with pytest.raises(WeightsError):
        find_weights("synthetic")
    assert run("get", "synthetic", input="y\n").exit_code == 0
    assert find_weights("synthetic")


def test_a_file_that_is_there_already(entry, tmp_path):
    copy = tmp_path / "shelf" / "renamed.zst"
    (tmp_path / "shelf" / "tiny.bin.zst").rename(copy)
    folder = tmp_path / "elsewhere"
    result = run("get", "synthetic", "--accept-terms", "--from", copy, "--weights-dir", folder)
    assert result.exit_code == 0, result.output
    assert load_weights("synthetic", folder).path == folder / "tiny.bin.zst"
    assert get_weights(entry, folder) == [folder / "tiny.bin.zst"]


def test_one_process_at_a_time_gets_a_model(entry, tmp_path):
    with only_writer(tmp_path / "synthetic"):
        result = run("get", "synthetic", "--accept-terms", "--weights-dir", tmp_path)
    assert result.exit_code == 4
    assert f"is being written by process {os.getpid()} on" in result.output
    assert get_weights(entry, tmp_path) == [tmp_path / "tiny.bin.zst"]


def test_a_file_that_was_there_all_the_time(entry, tmp_path):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "elsewhere"
    with pytest.raises(KeyboardInterrupt):
        get_weights(entry, folder, progress=stop)
    assert (folder / ".synthetic" / "tiny.bin.zst.part").exists()
    get_weights(entry, folder, tmp_path / "shelf")
    assert {file.name for file in folder.iterdir()} == {"tiny.bin.zst", ".synthetic.lock"}


def test_a_folder_that_cannot_be_written(entry, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        get_weights(entry, tmp_path / "file" / "folder")


def test_the_second_file_of_a_model_is_taken_from_beside_the_first(entry, tmp_path):
    shelf, folder = tmp_path / "shelf", tmp_path / "elsewhere"
    two = replace(entry, urls=(*entry.urls, "https://example.org/tiny_fourier.npz"))
    renamed = (shelf / "tiny.bin.zst").rename(shelf / "mine.zst")
    with pytest.raises(OutputError, match=r"tiny_fourier\.npz cannot be copied .*No such file"):
        get_weights(two, folder, renamed)
    (shelf / "tiny_fourier.npz").write_bytes(b"more")
    first, second = get_weights(two, folder, renamed)
    assert (first.name, second.read_bytes()) == ("tiny.bin.zst", b"more")


def test_a_file_of_a_model_that_is_there_is_not_brought_again(entry, tmp_path):
    shelf, folder = tmp_path / "shelf", tmp_path / "elsewhere"
    host = entry.urls[0].removesuffix("tiny.bin.zst")
    two = replace(entry, urls=(*entry.urls, f"{host}tiny_fourier.npz"))
    folder.mkdir()
    (shelf / "tiny.bin.zst").rename(folder / "tiny.bin.zst")
    with pytest.raises(OutputError, match=r"tiny_fourier\.npz: the server answers 404"):
        get_weights(two, folder)
    (shelf / "tiny_fourier.npz").write_bytes(b"more")
    assert get_weights(two, folder) == [folder / "tiny.bin.zst", folder / "tiny_fourier.npz"]
    assert len(list(folder.iterdir())) == 3  # and the lock's file


def test_a_broken_file_that_is_there_is_named(entry, tmp_path):
    shelf, folder = tmp_path / "shelf", tmp_path / "elsewhere"
    host = entry.urls[0].removesuffix("tiny.bin.zst")
    two = replace(entry, urls=(*entry.urls, f"{host}tiny_fourier.npz"))
    (shelf / "tiny_fourier.npz").write_bytes(b"more")
    folder.mkdir()
    broken = folder / "tiny.bin.zst"
    broken.write_bytes(b"broken")
    with pytest.raises(OutputError) as caught:
        get_weights(two, folder)
    told = str(caught.value)
    assert f"Remove {broken}, and give the command again" in told
    assert f"{folder}/.synthetic" not in told and broken.read_bytes() == b"broken"
    broken.unlink()
    assert get_weights(two, folder) == [broken, folder / "tiny_fourier.npz"]


@pytest.mark.parametrize("name", ["synthetic.safetensors", "tiny.0.bin", "tiny.bin"])
def test_a_model_that_is_there_in_another_form_is_not_brought(entry, tmp_path, name):
    (tmp_path / "shelf" / "tiny.bin.zst").unlink()
    (tmp_path / name).touch()
    assert get_weights(entry, tmp_path) == [tmp_path / name]


def test_the_second_file_may_have_its_other_name(entry, tmp_path):
    two = replace(entry, urls=(*entry.urls, "https://example.org/tiny_fourier.npz"))
    for name in ("tiny.0.bin.zst", "intfold_fourier.npz"):
        (tmp_path / name).touch()
    assert get_weights(two, tmp_path) == [
        tmp_path / name for name in ("tiny.0.bin.zst", "intfold_fourier.npz")
    ]


def test_a_broken_split_file_does_not_stop_it(entry, tmp_path):
    for part in (0, 2):
        (tmp_path / f"tiny.{part}.bin").touch()
    assert get_weights(entry, tmp_path) == [tmp_path / "tiny.bin.zst"]


def test_something_else_is_not_kept(entry, tmp_path):
    wrong = tmp_path / "login.html"
    wrong.write_text("<html>please log in before you download</html>")
    result = run("get", "synthetic", "--accept-terms", "--from", wrong)
    assert result.exit_code == 4
    assert "What came is not synthetic" in result.output
    with pytest.raises(WeightsError):
        find_weights("synthetic")


def test_a_file_that_cannot_be_got_has_the_code_of_all_downloads(entry, tmp_path):
    (tmp_path / "shelf" / "tiny.bin.zst").unlink()
    result = run("get", "synthetic", "--accept-terms")
    assert result.exit_code == 4 and "404" in result.output


def test_unknown_and_made_models():
    assert "not a known model (openfold3, protenix-base" in run("get", "openfold").output
    assert "use --weights synthetic-reduced" in run("get", "synthetic-reduced").output


def test_ones_own_copy_is_asked_for_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("AF3_WEIGHTS", raising=False)
    with pytest.raises(WeightsError, match=r"pass your copy of af3\.bin\.zst with --weights"):
        find_weights("alphafold3")
