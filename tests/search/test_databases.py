"""Databases are found by option, file, variable and official name; mistakes have messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from af3cli.errors import InputError
from af3cli.search.databases import VARIABLE, find_databases


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.fasta", "b.fasta", "uniref90_2022_05.fa"):
        (tmp_path / name).write_text(">x\nACD\n")
    (tmp_path / "mmcif_files").mkdir()
    return tmp_path


def test_options_win_over_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = folder / "databases.toml"
    config.write_text('uniref90 = "a.fasta"\nmgnify = {path = "b.fasta", z = 5e8}\n')
    found = find_databases([f"uniref90={folder}/b.fasta"], ["uniref90=1e8"], config)
    assert found["uniref90"].files == (folder / "b.fasta",) and found["uniref90"].z == 1e8
    assert found["mgnify"].files == (folder / "b.fasta",) and found["mgnify"].z == 5e8
    monkeypatch.setenv(VARIABLE, str(config))
    assert find_databases()["uniref90"].files == (folder / "a.fasta",)
    monkeypatch.delenv(VARIABLE)
    assert find_databases() == {}


def test_json_and_folder_of_official_names(folder: Path) -> None:
    config = folder / "databases.json"
    config.write_text('{"rfam": "a.fasta"}')
    assert set(find_databases(config=config)) == {"rfam"}
    assert set(find_databases(config=folder)) == {"uniref90", "pdb"}


@pytest.mark.parametrize(
    ("paths", "sizes", "message"),
    [
        (["uniref=x"], [], "did you mean uniref90"),
        (["qqq=x"], [], "known: uniref90"),
        (["uniref90"], [], "must be NAME=PATH"),
        (["uniref90=nowhere"], [], "nowhere does not exist"),
        (["pdb={}/a.fasta"], [], "is not a folder"),
        (["uniref90={}"], [], "is not a file"),
        (["uniref90={}/db@3"], [], "153742194"),
        (["uniref90={}/db@3"], ["uniref90=5"], "00000-of-00003 does not exist"),
        (["uniref90={}/db@0"], ["uniref90=5"], "number of shards"),
        (["uniref90={}/db@*"], ["uniref90=5"], "no such file"),
        ([], ["uniref90=5"], "there is no --db uniref90"),
        (["uniref90={}/a.fasta"], ["uniref90=-1"], "positive number"),
        (["uniref90={}/a.fasta"], ["uniref90=nan"], "positive number"),
    ],
)
def test_mistakes(folder: Path, paths: list[str], sizes: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message.replace("*", r"\*")):
        find_databases([path.format(folder) for path in paths], sizes)


def test_places_that_cannot_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is too long is refused like a folder that may not be looked into."""
    long = folder / ("a" * 300)
    with pytest.raises(InputError, match=r"aaa cannot be read: File name too long"):
        find_databases([f"uniref90={long}"])
    monkeypatch.setenv(VARIABLE, str(long))
    with pytest.raises(InputError, match=r"aaa cannot be read: File name too long"):
        find_databases()


@pytest.mark.parametrize("text", ["[", "uniref90 = 3", "other = 'a'", "mgnify = {path='a', y=1}"])
def test_bad_configuration(tmp_path: Path, text: str) -> None:
    config = tmp_path / "databases.toml"
    config.write_text(text)
    with pytest.raises(InputError, match=r"databases\.toml"):
        find_databases(config=config)


def test_folder_without_databases(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of the official"):
        find_databases(config=tmp_path)
