"""Structure files as programs other than the archive's write them."""

from __future__ import annotations

from pathlib import Path

import gemmi
import pytest

from af3cli.errors import InputError
from af3cli.job import Job, StructureOptions, read_job, remarks
from af3cli.job.textfile import read_text
from tests.job.jobs import STRUCTURES


def job_of(folder: Path, text: str, **options: object) -> Job:
    """The job of a file with this text."""
    path = folder / "written"
    path.write_text(text)
    return read_job(path, StructureOptions(**options))


def pdb_lines(name: str) -> list[str]:
    """The coordinates of a PDB file, and what separates them."""
    lines = read_text(STRUCTURES / name).splitlines()
    return [line.ljust(80) for line in lines if line[:6] in ("ATOM  ", "HETATM", "TER   ")]


def without_names(lines: list[str]) -> list[str]:
    return [line[:21] + " " + line[22:72] + "    " + line[76:] for line in lines]


def test_chains_without_names_are_told_apart_by_ter(tmp_path):
    lines = pdb_lines("rnase_frag.pdb.xz")
    expected = read_job(STRUCTURES / "rnase_frag.pdb.xz").entities
    chains = [[line for line in lines if line[21] == name] for name in "AB"]
    water = "HETATM  900  O   HOH     1       0.000   0.000   0.000  1.00  0.00           O"
    text = "\n".join([*without_names(chains[0]), "TER", *without_names(chains[1]), "TER", water])
    job = job_of(tmp_path, text)
    assert job.entities == expected
    assert [source.author_chain_id for source in job.sources] == ["", ""]
    assert "left out: waters (1)" in job.notes
    alone = job_of(tmp_path, "\n".join(without_names(chains[1])))
    assert [entity.sequence for entity in alone.entities] == [expected[1].sequence]


def test_chains_without_names_are_told_apart_by_segments(tmp_path):
    lines = pdb_lines("rnase_frag.pdb.xz")
    text = "\n".join(f"{line[:21]} {line[22:72]}SEG{line[21]}{line[76:]}" for line in lines)
    job = job_of(tmp_path, text)
    expected = read_job(STRUCTURES / "rnase_frag.pdb.xz").entities
    assert [entity.sequence for entity in job.entities] == [e.sequence for e in expected]
    assert [source.author_chain_id for source in job.sources] == ["SEGA", "SEGB"]


def test_chains_with_and_without_names_may_be_in_one_file(tmp_path):
    text = read_text(STRUCTURES / "2d0f.pdb.xz")
    expected = job_of(tmp_path, text)
    job = job_of(tmp_path, text.replace("HOH A", "HOH  ").replace("MPD A", "MPD  "))
    assert job == expected and "left out: waters (452)" in job.notes


def test_a_polymer_is_never_a_ligand(tmp_path):
    text = read_text(STRUCTURES / "1bna.cif.xz")
    assert "polymer" in text
    with pytest.raises(InputError, match="several residues of a polymer are one ligand at DC 1 of"):
        job_of(tmp_path, text.replace(" polymer ", " branched "))
