"""Whatever happens while an entry is written, the file opens and holds every finished entry."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from af3cli.errors import OutputError
from af3cli.output import append_only
from af3cli.output.embeddings import open_embeddings
from af3cli.output.embeddings_writer import ENTRY_OVERHEAD, EmbeddingsWriter
from tests.output.conftest import named, random_arrays


def test_the_file_is_whole_after_each_single_write(
    tmp_path, file_header, entry, tokens, arrays, monkeypatch
):
    """A killed process has done some first part of its writes: all first parts are looked at."""
    path = tmp_path / "emb.h5"
    states: list[tuple[str, ...]] = []

    def watched(call):
        def watching(*arguments):
            result = call(*arguments)
            copy = tmp_path / "copy.h5"
            copy.write_bytes(path.read_bytes())
            states.append(_checked_entries(copy))
            return result

        return watching

    with EmbeddingsWriter(path, file_header) as writer:
        for number in range(9):  # the tenth link splits a node of the root group's B-tree
            writer.write(named(entry, f"job{number}"), tokens, arrays)
        monkeypatch.setattr(append_only.os, "pwrite", watched(os.pwrite))
        monkeypatch.setattr(append_only.os, "ftruncate", watched(os.ftruncate))
        writer.write(named(entry, "job9"), tokens, arrays)
    assert len(states) > 10
    assert set(states[:-1]) == {tuple(f"job{i}" for i in range(9))}
    assert states[-1] == tuple(f"job{i}" for i in range(10))


def test_a_writer_that_is_killed_at_any_moment_loses_no_finished_entry(tmp_path):
    """Kills a writing process again and again; see `_kill_writers`."""
    module = "tests.output.test_crash_safety"
    command = [sys.executable, "-m", module, str(tmp_path / "emb.h5"), "50"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["kills"] == 50
    assert report["finished"] >= 20


def test_a_process_that_died_leaves_no_lost_space(tmp_path, file_header, entry, tokens, arrays):
    path = tmp_path / "emb.h5"
    with EmbeddingsWriter(path, file_header) as writer:
        writer.write(entry, tokens, arrays)
        size = path.stat().st_size
        with open(path, "ab") as file:
            file.write(bytes(10_000_000))  # what it had written of the next entry
        assert _checked_entries(path) == ("2PV7",)
        writer.write(named(entry, "next"), tokens, arrays)
    assert path.stat().st_size < 2.1 * size


@pytest.mark.parametrize("room", [1_000, 300_000])
def test_a_full_disk_is_an_error_that_loses_nothing(
    tmp_path, file_header, entry, tokens, arrays, room
):
    """The kernel refuses to let the file grow by more than `room` bytes."""
    path = tmp_path / "emb.h5"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with EmbeddingsWriter(path, file_header) as writer:
        writer.write(entry, tokens, arrays)
        size = path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, limits[1]))
        try:
            with pytest.raises(OutputError, match=r"emb.h5 cannot be written.* is kept"):
                writer.write(named(entry, "next"), tokens, arrays)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert path.stat().st_size == size
        assert _checked_entries(path) == ("2PV7",)
        writer.write(named(entry, "next"), tokens, arrays)
    assert _checked_entries(path) == ("2PV7", "next")


def test_a_file_can_be_read_while_it_is_written(tmp_path, file_header, entry, tokens, arrays):
    path = tmp_path / "emb.h5"
    with EmbeddingsWriter(path, file_header) as writer:
        writer.write(entry, tokens, arrays)
        with open_embeddings(path) as early:
            writer.write(named(entry, "next"), tokens, random_arrays(1))
            assert list(early) == ["2PV7"]
            np.testing.assert_array_equal(early["2PV7"].pair, arrays["pair"].astype(np.float16))
            with open_embeddings(path) as late:
                assert list(late) == ["2PV7", "next"]


def test_other_programs_may_change_the_file_afterwards(
    tmp_path, file_header, entry, tokens, arrays
):
    path = tmp_path / "emb.h5"
    with EmbeddingsWriter(path, file_header) as writer:
        for name in ("a", "b"):
            writer.write(named(entry, name), tokens, arrays)
    with h5py.File(path, "r+") as file:
        file["b"].attrs["note"] = "mine"
        file["mask"] = np.ones(3)
        del file["a"]
    with EmbeddingsWriter(path, file_header) as writer:
        writer.write(named(entry, "c"), tokens, arrays)
    with open_embeddings(path) as file:
        assert list(file) == ["b", "c"]
        assert file["b"].attributes["note"] == "mine"
        np.testing.assert_array_equal(file["b"].pair, file["c"].pair)


def test_a_second_writer_is_told_who_the_first_is(tmp_path, file_header):
    path = tmp_path / "emb.h5"
    with EmbeddingsWriter(path, file_header):
        message = rf"is being written by process {os.getpid()} on .*write elsewhere"
        with pytest.raises(OutputError, match=message), EmbeddingsWriter(path, file_header):
            pass
    with EmbeddingsWriter(path, file_header):
        pass


def test_a_link_is_locked_and_written_as_the_file_that_it_leads_to(tmp_path, file_header):
    path, link = tmp_path / "emb.h5", tmp_path / "links" / "link.h5"
    link.parent.mkdir()
    link.symlink_to(path)
    with EmbeddingsWriter(link, file_header):
        assert link.is_symlink() and path.is_file()
        with pytest.raises(OutputError, match="being written"), EmbeddingsWriter(path, file_header):
            pass


def test_many_entries_cost_no_more_each_than_the_first(tmp_path, file_header, entry, tokens):
    """Besides its content, an entry costs its own tables, and the part of the list that changes."""
    path = tmp_path / "many.h5"
    tokens, arrays = tokens[:1], {"single": np.ones((1, 384)), "pair": np.ones((1, 1, 128))}
    sizes = []
    with EmbeddingsWriter(path, file_header) as writer:
        for number in range(200):
            name = f"some_protein_name_{number:07d}"
            writer.write(replace(named(entry, name), num_tokens=1), tokens, arrays)
            sizes.append(path.stat().st_size)
    overhead = np.diff(sizes)
    assert overhead[:50].mean() == pytest.approx(ENTRY_OVERHEAD, rel=0.15)
    assert overhead[-50:].mean() == pytest.approx(ENTRY_OVERHEAD, rel=0.15)


def _checked_entries(path: Path) -> tuple[str, ...]:
    """Returns the entries of the file, all of whose arrays can be read."""
    with h5py.File(path, "r") as file:
        for group in file.values():
            assert group.attrs["status"] == "complete"
            for dataset in group.values():
                dataset[()]
        return tuple(file)


def _kill_writers(path: Path, kills: int) -> dict[str, int]:
    """Forks a writer `kills` times and kills it at a random moment; each goes on with the file.

    A writer reports each entry after it is finished; all reported ones must be there and right.
    Every other writer is given the time to finish one, however busy the machine is.
    """
    rng = np.random.default_rng(0)
    reported = path.with_suffix(".reported")
    reported.touch()
    for kill in range(kills):
        before = reported.stat().st_size
        child = os.fork()
        if child == 0:
            _write_forever(path, reported)
        while kill % 2 and reported.stat().st_size == before:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.15))
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        if path.exists():
            entries = set(_checked_entries(path))
            assert set(reported.read_text().split()) <= entries
    return {"kills": kills, "finished": len(_checked_entries(path))}


def _write_forever(path: Path, reported: Path) -> None:
    from tests.output import conftest

    header = conftest.file_header.__wrapped__()
    entry, tokens = conftest.entry.__wrapped__(), conftest.tokens.__wrapped__()
    tokens, arrays = tokens[:8], {"single": np.ones((8, 384)), "pair": np.ones((8, 8, 128))}
    entry = replace(entry, num_tokens=8)
    with EmbeddingsWriter(path, header) as writer, reported.open("a", buffering=1) as report:
        number = 0
        while True:
            name = f"job{number}"
            number += 1
            if not writer.is_finished(named(entry, name)):
                writer.write(named(entry, name), tokens, arrays)
                report.write(f"{name}\n")


if __name__ == "__main__":
    print(json.dumps(_kill_writers(Path(sys.argv[1]), int(sys.argv[2]))))
