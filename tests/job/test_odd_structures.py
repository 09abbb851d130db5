"""Structure files that lack something, are old or cut, or have names that no job can have."""

from __future__ import annotations

from pathlib import Path

import gemmi
import pytest

from af3cli.errors import InputError
from af3cli.job import Dna, Ligand, Protein, StructureOptions, describe, read_job, remarks
from af3cli.job.textfile import read_text
from tests.job.jobs import STRUCTURES


def test_chains_without_coordinates_are_there_all_the_same(tmp_path):
    whole = read_job(STRUCTURES / "5ugo.cif.xz")
    block = gemmi.cif.read_string(read_text(STRUCTURES / "5ugo.cif.xz"))[0]
    atoms = block.find("_atom_site.", ["label_asym_id"])
    for row in reversed(range(len(atoms))):
        if atoms[row][0] == "D":
            atoms.remove_row(row)
    path = tmp_path / "unseen.cif"
    path.write_text(block.as_string())
    job = read_job(path)
    assert job == whole and job.sources == whole.sources
    templated = read_job(path, StructureOptions(as_templates=True))
    assert [e.templates for e in templated.entities if isinstance(e, Protein)] == [()]


def test_sequences_that_are_not_stated_are_noted():
    """Files with coordinates alone, one of them without a name for its chain."""
    remark = "the file does not state the sequence of {}: residues that have no coordinates are"
    notes = "\n".join(remarks(read_job(STRUCTURES / "rnase_frag.pdb.xz")))
    assert remark.format("chain A, chain B") in notes
    job = read_job(STRUCTURES / "1gid.cif.xz")
    assert remark.format("the chain without a name") in "\n".join(remarks(job))
    assert "renamed: the chain without a name is A" in remarks(job)
    assert job.sources[0].author_chain_id == ""
    assert not any("state" in note for note in remarks(read_job(STRUCTURES / "4oz7.pdb.xz")))


def test_old_pdb_files_have_the_entrys_name_behind_their_atoms(tmp_path):
    text = read_text(STRUCTURES / "rnase_frag.pdb.xz")
    atoms = [line[:72].ljust(72) for line in text.splitlines() if line.startswith("ATOM")]
    path = tmp_path / "old.pdb"
    path.write_text("\n".join(f"{line}1OLD{i:4}" for i, line in enumerate(atoms, start=90)))
    assert read_job(path).entities == read_job(STRUCTURES / "rnase_frag.pdb.xz").entities


def test_ids_that_no_job_can_have_are_replaced(tmp_path):
    text = read_text(STRUCTURES / "1bna.cif.xz")
    block = gemmi.cif.read_string(text)[0]
    for tag in (
        "_struct_asym.id",
        "_atom_site.label_asym_id",
        "_pdbx_poly_seq_scheme.asym_id",
        "_pdbx_poly_seq_scheme.pdb_strand_id",
        "_atom_site.auth_asym_id",
    ):
        column = block.find_values(tag)
        for i, value in enumerate(column):
            column[i] = {"A": "1a", "B": "TOOLONG"}.get(value, value)
    path = tmp_path / "odd.cif"
    path.write_text(block.as_string())
    job = read_job(path)
    assert job.entities[0].ids == ("A", "B")
    assert "renamed: chain 1a is A; chain TOOLONG is B" in remarks(job)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data_x\n_cell.length_a 1\n", r"has no atoms \(_atom_site\)"),
        ("data_x\n_chem_comp_atom.atom_id C1\n", "describes chemical components"),
        ("data_x\nloop_\n_a.b\n1 2 'x\n", "no readable structure file"),
        ("HEADER    X\n", "neither mmCIF nor PDB, or has no atoms"),
        ("data_x\nloop_\n_atom_site.label_comp_id\nALA\n", "no"),
        (
            "data_x\n_atom_site.label_comp_id A\ndata_y\n_atom_site.label_comp_id A\n",
            r"has 2 structures \(x, y\); put each in a file",
        ),
    ],
)
def test_files_without_a_structure_are_explained(tmp_path, text, message):
    path = tmp_path / "file.cif"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_job(path)


def test_an_empty_job_is_explained(tmp_path):
    text = read_text(STRUCTURES / "4oz7.pdb.xz")
    path = tmp_path / "water.pdb"
    path.write_text("".join(line for line in text.splitlines(True) if line[17:20] == "HOH"))
    with pytest.raises(InputError, match="has no molecule for a job; left out: waters"):
        read_job(path)


def test_cut_files_never_give_a_traceback(tmp_path):
    path = tmp_path / "cut"
    for name in ("1pfe.cif.gz", "4oz7.pdb.xz"):
        text = read_text(STRUCTURES / name)
        for part in range(1, 40):
            path.write_text(text[: len(text) * part // 40])
            try:
                assert describe(read_job(path))
            except InputError as error:
                assert str(error)


def test_missing_tables_are_done_without(tmp_path):
    """Every table in turn left out: a job or a message, and never fewer residues seen."""
    text = read_text(STRUCTURES / "1pfe.cif.gz")
    path = tmp_path / "part.cif"
    names = gemmi.cif.read_string(text)[0].get_mmcif_category_names()
    for name in names:
        block = gemmi.cif.read_string(text)[0]
        block.find_mmcif_category(name).erase()
        path.write_text(block.as_string())
        if name == "_atom_site.":
            with pytest.raises(InputError, match="has no atoms"):
                read_job(path)
        else:
            job = read_job(path)
            assert {type(entity) for entity in job.entities} == {Protein, Dna, Ligand}, name


def test_extension_does_not_matter(tmp_path):
    path = Path(tmp_path / "unnamed")
    path.write_bytes((STRUCTURES / "1bna.cif.xz").read_bytes())
    assert describe(read_job(path)).startswith("1BNA: DNA of 12 residues (chains A, B)")


def test_residues_without_authors_numbers_are_told_apart(tmp_path):
    """Those of ligands, which have no label numbers: five sugars were one, and all waters."""
    text = read_text(STRUCTURES / "2d0f.cif.xz")
    whole = read_job(STRUCTURES / "2d0f.cif.xz")
    block = gemmi.cif.read_string(text)[0]
    atoms = block.get_mmcif_category("_atom_site.", raw=True)
    path = tmp_path / "written.cif"
    for missing in ("remove", "empty"):
        if missing == "remove":
            columns = {tag: atoms[tag] for tag in atoms if not tag.startswith("auth_")}
        else:
            columns = atoms | {"auth_seq_id": ["?"] * len(atoms["id"])}
        block.set_mmcif_category("_atom_site.", columns, raw=True)
        for category in ("_pdbx_branch_scheme.", "_pdbx_nonpoly_scheme.", "_pdbx_poly_seq_scheme."):
            block.find_mmcif_category(category).erase()
        path.write_text(block.as_string())
        job = read_job(path)
        assert job.entities == whole.entities
        assert "left out: waters (452)" in job.notes


def test_sequences_are_those_that_the_file_states_whatever_tables_it_lacks(tmp_path):
    block = gemmi.cif.read_string(read_text(STRUCTURES / "5ugo.cif.xz"))[0]
    for category in block.get_mmcif_category_names():
        if category not in ("_atom_site.", "_entity_poly.", "_entity_poly_seq."):
            block.find_mmcif_category(category).erase()
    path = tmp_path / "written.cif"
    path.write_text(block.as_string())
    job = read_job(path)
    polymers = [e.sequence for e in job.entities if not isinstance(e, Ligand)]
    expected = read_job(STRUCTURES / "5ugo.cif.xz").entities
    assert polymers == [e.sequence for e in expected if not isinstance(e, Ligand)]
    assert not any("does not state" in note for note in job.notes)
