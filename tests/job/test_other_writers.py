"""Structure files as programs other than the archive's write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gemmi
import pytest

from af3cli.chemistry import open_dictionary
from af3cli.errors import InputError
from af3cli.features.template_structure import read_template
from af3cli.job import Entity, Job, Ligand, Protein, StructureOptions, read_job
from af3cli.job.structure.simulation_names import BARE_NAMES, SIMULATION_NAMES
from af3cli.job.textfile import read_text
from tests.job.jobs import STRUCTURES


def job_of(folder: Path, text: str, **options: object) -> Job:
    """The job of a file with this text."""
    path = folder / "written"
    path.write_text(text)
    return read_job(path, StructureOptions(**options))


def molecule(entity: Entity) -> Entity:
    return entity if isinstance(entity, Ligand) else replace(entity, description=None)


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
    water = "HETATM  900  O   HOH     1       0.000   0.000   0.000  1.00  0.00      SOLV"
    both = [f"{line[:21]} {line[22:72]}PROT{line[76:]}" for line in lines]
    both.insert(sum(line[21] == "A" for line in lines), "TER")
    job = job_of(tmp_path, "\n".join([*both, "TER", water]))
    assert [entity.sequence for entity in job.entities] == [e.sequence for e in expected]
    assert [source.author_chain_id for source in job.sources] == ["PROT", "PROT"]
    entry = "\n".join(f"{line[:21]} {line[22:72]}1ABC" for line in lines if line[21] == "A")
    assert [source.author_chain_id for source in job_of(tmp_path, entry).sources] == [""]


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


def test_a_ligand_may_have_residues_of_a_polymer_that_links_join(tmp_path):
    """Such as a peptide inhibitor after the TER of the chain that it is with."""
    lines = read_text(STRUCTURES / "2d0f.pdb.xz").splitlines(keepends=True)
    text = "".join(line for line in lines if line[:6] in ("LINK  ", "ATOM  ", "HETATM", "TER   "))
    text = re.sub("(BGC|GLC) B   ", "SER A300", re.sub("(BGC|GLC) C   ", "SER A400", text))
    job = job_of(tmp_path, text)
    serines = [e for e in job.entities if isinstance(e, Ligand) and "SER" in e.ccd_codes]
    assert [len(entity.ccd_codes) for entity in serines] == [5, 3]


def atoms_alone(name: str) -> gemmi.cif.Block:
    """A file's table of atoms, with author's names and numbers for labels."""
    text = read_text(STRUCTURES / name)
    if ".pdb" in name:
        structure = gemmi.read_pdb_string(text)
        structure.setup_entities()
        block = structure.make_mmcif_document()[0]
    else:
        block = gemmi.cif.read_string(text)[0]
    for category in block.get_mmcif_category_names():
        if category != "_atom_site.":
            block.find_mmcif_category(category).erase()
    tags = ("auth_asym_id", "auth_seq_id", "label_asym_id", "label_seq_id", "label_entity_id")
    for row in block.find("_atom_site.", ["group_PDB", *tags]):
        row[3], row[5] = row[1], "?"
        row[4] = row[2] if row[0] == "ATOM" else "."
    return block


@pytest.mark.parametrize("name", ["4i39.cif.xz", "5i55.cif.xz", "1bna.cif.xz", "4oz7.pdb.xz"])
def test_labels_without_tables_behind_them_are_not_believed(tmp_path, name):
    expected = read_job(STRUCTURES / name)
    job = job_of(tmp_path, atoms_alone(name).as_string())
    assert list(map(molecule, job.entities)) == list(map(molecule, expected.entities))
    left_out = [note for note in expected.notes if note.startswith("left out: waters")]
    assert set(left_out) <= set(job.notes)


def change_rows(block: gemmi.cif.Block, category: str, change: Callable) -> None:
    """Replaces the rows of a table, each a dict, by what `change` makes of all of them."""
    table = block.get_mmcif_category(category, raw=True)
    rows = change([dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)])
    block.set_mmcif_category(category, {tag: [row[tag] for row in rows] for tag in table}, raw=True)


def archive_block(name: str) -> gemmi.cif.Block:
    return gemmi.cif.read_string(read_text(STRUCTURES / name))[0]


@pytest.mark.parametrize("scheme", ["_pdbx_branch_scheme.", "_pdbx_poly_seq_scheme."])
def test_residues_are_in_the_order_of_their_numbers(tmp_path, scheme):
    block = archive_block("2d0f.cif.xz")
    change_rows(block, scheme, lambda rows: rows[::-1])
    job = job_of(tmp_path, block.as_string())
    expected = read_job(STRUCTURES / "2d0f.cif.xz")
    assert job == expected and job.sources == expected.sources


def test_links_of_alternative_sugars_are_left_out(tmp_path):
    """Residue 2 of a glycan is GLC or BGC: what the tables say of BGC is of no residue here."""

    def with_alternative(tag: str) -> Callable:
        def change(rows: list[dict[str, str]]) -> list[dict[str, str]]:
            return rows + [row | {tag: "BGC"} for row in rows if row[tag] == "GLC"]

        return change

    block = archive_block("2d0f.cif.xz")
    change_rows(block, "_pdbx_branch_scheme.", with_alternative("mon_id"))
    for end in "12":
        change_rows(block, "_pdbx_entity_branch_link.", with_alternative(f"comp_id_{end}"))
    assert job_of(tmp_path, block.as_string()).bonds == read_job(STRUCTURES / "2d0f.cif.xz").bonds


def without_author_numbers(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [row | {"ptnr1_auth_seq_id": "?", "ptnr2_auth_seq_id": "?"} for row in rows]


def numbers_as_labels(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    moved = {f"ptnr{end}_label_seq_id": f"ptnr{end}_auth_seq_id" for end in "12"}
    rows = [row | {label: row[author] for label, author in moved.items()} for row in rows]
    return without_author_numbers(rows)


def test_links_by_labels_alone_are_read_where_they_tell_the_residue(tmp_path):
    block = archive_block("4i39.cif.xz")
    change_rows(block, "_struct_conn.", without_author_numbers)
    assert job_of(tmp_path, block.as_string()).bonds == read_job(STRUCTURES / "4i39.cif.xz").bonds
    block = archive_block("1ncb.cif.xz")
    change_rows(block, "_struct_conn.", without_author_numbers)
    job = job_of(tmp_path, block.as_string())
    assert len(job.bonds) == 7  # not those of the two glycans to the protein
    assert "left out: bonds with an end that is no residue of the job (2)" in job.notes


def test_branched_residues_may_have_label_numbers_in_links(tmp_path):
    block = archive_block("2d0f.cif.xz")
    block.find_mmcif_category("_pdbx_entity_branch_link.").erase()
    change_rows(block, "_struct_conn.", numbers_as_labels)
    bonds = job_of(tmp_path, block.as_string()).bonds
    assert set(bonds) == set(read_job(STRUCTURES / "2d0f.cif.xz").bonds)


@pytest.mark.parametrize(("symmetry", "num_bonds"), [("?", 1), ("1_555", 1), ("2_655", 0)])
def test_a_link_end_without_an_operator_is_where_the_file_has_it(tmp_path, symmetry, num_bonds):
    block = archive_block("4i39.cif.xz")
    change_rows(
        block,
        "_struct_conn.",
        lambda rows: [row | {"ptnr1_symmetry": "?", "ptnr2_symmetry": symmetry} for row in rows],
    )
    assert len(job_of(tmp_path, block.as_string()).bonds) == num_bonds


def test_links_have_the_atoms_that_the_file_names_whatever_it_has_coordinates_of(tmp_path):
    text = read_text(STRUCTURES / "2d0f.pdb.xz")
    expected = job_of(tmp_path, text)
    lines = text.splitlines(keepends=True)
    atom = next(line for line in lines if line[:6] == "HETATM" and "O4  BGC B   1" in line)
    for changed in ("", f"{atom[:16]}A{atom[17:]}"):
        assert job_of(tmp_path, text.replace(atom, changed)).bonds == expected.bonds
    block = archive_block("1ncb.cif.xz")
    for category in block.get_mmcif_category_names():
        if category not in ("_atom_site.", "_struct_conn."):
            block.find_mmcif_category(category).erase()
    atoms = {bond[0].atom_name for bond in job_of(tmp_path, block.as_string()).bonds}
    assert atoms == {"ND2", "O2", "O3", "O4"}


def test_links_may_be_conect_alone(tmp_path):
    text = read_text(STRUCTURES / "2d0f.pdb.xz")
    expected = job_of(tmp_path, text)
    for left_out in ((), ("LINK",), ("CONECT",)):
        lines = [line for line in text.splitlines() if not line.startswith(left_out)]
        assert set(job_of(tmp_path, "\n".join(lines)).bonds) == set(expected.bonds)
    lines = [line for line in text.splitlines() if not line.startswith("LINK")]
    far = [f"{line[:30]} 900.000{line[38:]}" if " GLC B   3" in line else line for line in lines]
    assert len(job_of(tmp_path, "\n".join(far)).bonds) == len(expected.bonds) - 2


def test_links_without_an_atoms_name_are_counted_as_lost(tmp_path):
    lines = read_text(STRUCTURES / "2d0f.pdb.xz").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("CONECT"))
    job = job_of(tmp_path, text.replace("LINK         O4  BGC B   1", "LINK             BGC B   1"))
    assert len(job.bonds) == len(job_of(tmp_path, text).bonds) - 1
    assert "left out: bonds with an end that is no residue of the job (1)" in job.notes


@pytest.mark.parametrize("known", [(), (2,)])
def test_revisions_of_unknown_days_leave_templates_usable(tmp_path, known):
    block = archive_block("5ugo.cif.xz")
    dates = block.find_values("_pdbx_audit_revision_history.revision_date")
    for i in range(len(dates)):
        dates[i] = dates[i] if i in known else "?"
    job = job_of(tmp_path, block.as_string(), as_templates=True)
    (template,) = next(e.templates for e in job.entities if isinstance(e, Protein))
    assert len(read_template(template.mmcif, "here").residue_names) == 335
    assert ("revision_date 2017-08-16\n" in template.mmcif) == bool(known)


def test_dummy_atoms_of_membranes_are_left_out(tmp_path):
    text = read_text(STRUCTURES / "2d0f.pdb.xz")
    job = job_of(tmp_path, text.replace("MPD A", "DUM M"))
    assert "left out, unless --keep names them: DUM (4)" in job.notes


def test_waters_cannot_be_kept(tmp_path):
    text = read_text(STRUCTURES / "2d0f.pdb.xz")
    with pytest.raises(InputError, match="--keep HOH: waters are always left out of a job"):
        job_of(tmp_path, text, keep=frozenset({"HOH", "MPD"}))


def alternative_hetatms(atom: str, locations: dict[str, str]) -> str:
    """Lines of ligands at one place: a HETATM line again with other components and locations."""
    return "".join(
        f"{atom[:16]}{location}{code:>3} {atom[21:]}\n" for code, location in locations.items()
    )


@pytest.mark.parametrize(
    ("locations", "codes"),
    [
        ({"ATP": "A", "ADP": "B"}, ["ATP"]),
        ({"ATP": "A", "ADP": "B", "AMP": "C"}, ["ATP"]),
        ({"ATP": "A", "ADP": "A"}, ["ATP", "ADP"]),
        ({"ATP": " ", "ADP": " "}, ["ATP", "ADP"]),
    ],
)
def test_of_alternative_ligands_the_first_is_taken(tmp_path, locations, codes):
    lines = pdb_lines("2d0f.pdb.xz")
    atom = next(line for line in lines if line[17:20] == "MPD")
    text = "\n".join(line for line in lines if line[17:20] not in ("MPD", " CA"))
    job = job_of(tmp_path, f"{text}\n{alternative_hetatms(atom, locations)}END\n")
    ligands = [code for e in job.entities if isinstance(e, Ligand) for code in e.ccd_codes]
    assert [code for code in ligands if code in locations] == codes
    left_out = [f"{code} 1001 of chain A" for code in locations if code not in codes]
    note = f"left out, as the file has another ligand at the same place: {', '.join(left_out)}"
    assert (note in job.notes) == bool(left_out)


def test_models_after_the_first_are_told(tmp_path):
    lines = pdb_lines("rnase_frag.pdb.xz")
    first = [line for line in lines if line[21] == "A"]
    models = ["MODEL        1", *first, "ENDMDL", "MODEL        2", *lines, "ENDMDL"]
    job = job_of(tmp_path, "\n".join(models))
    assert [entity.ids for entity in job.entities] == [("A",)]
    note = "the first of 2 models is taken"
    assert f"{note}; left out is what only others have, of chain B" in job.notes
    alike = ["MODEL        1", *lines, "ENDMDL", "MODEL        2", *lines, "ENDMDL"]
    assert note in job_of(tmp_path, "\n".join(alike)).notes
    assert not any("model" in note for note in job_of(tmp_path, "\n".join(lines)).notes)


def test_names_of_molecular_dynamics_are_refused_where_atoms_show_them(tmp_path):
    text = read_text(STRUCTURES / "rnase_frag.pdb.xz")
    message = r"names of molecular dynamics, .*; change HIE to HIS, CYX to CYS$"
    with pytest.raises(InputError, match=message):
        job_of(tmp_path, text.replace("SER", "HIE").replace("THR", "CYX"))
    chlorophyll = "HETATM  900 MG   CLA C   1       0.000   0.000   0.000  1.00  0.00          MG\n"
    job = job_of(tmp_path, text.replace("END", chlorophyll))
    assert job.entities[-1].ccd_codes == ("CLA",)
    with pytest.raises(InputError, match=r"; change CLA to CL$"):
        job_of(tmp_path, text.replace("END", chlorophyll.replace("MG   CLA", "CLA  CLA")))


def test_atoms_that_show_names_of_molecular_dynamics_are_not_of_the_dictionary():
    components = open_dictionary()
    for name, (meant, atom) in SIMULATION_NAMES.items():
        assert meant in components
        assert name not in components or atom not in components.get(name).atom_name, name
    for name, (meant, atom) in BARE_NAMES.items():
        assert meant in components
        assert atom in components.get(name).atom_name, name


@pytest.mark.parametrize(
    ("name", "code", "change"),
    [("HIS", "HIP", "HIP to HIS"), ("LYS", "LYN", "LYN to LYS"), (" CA", "Na+", r"Na\+ to NA")],
)
def test_names_of_molecular_dynamics_are_refused_also_where_they_are_as_plausible(
    tmp_path, name, code, change
):
    text = read_text(STRUCTURES / "2d0f.pdb.xz")
    lines = [line for line in text.splitlines() if line[:6] in ("ATOM  ", "HETATM", "TER   ")]
    text = "\n".join(f"{line[:17]}{line[17:20].replace(name, code)}{line[20:]}" for line in lines)
    with pytest.raises(InputError, match=f"; change {change}$"):
        job_of(tmp_path, text)


def test_waters_of_molecular_dynamics_are_waters(tmp_path):
    text = read_text(STRUCTURES / "2d0f.pdb.xz")
    job = job_of(tmp_path, text.replace("HOH A", "TIP3A"))
    assert "left out: waters (452)" in job.notes
    with pytest.raises(InputError, match=r"; change SPC to HOH$"):
        job_of(tmp_path, text.replace("HOH A", "SPC A"))


def test_dna_may_have_the_names_of_before_2007(tmp_path):
    structure = gemmi.make_structure_from_block(archive_block("1bna.cif.xz"))
    structure.setup_entities()
    text = structure.make_pdb_string().replace(" C1'", " O3'")
    expected = job_of(tmp_path, text)
    old = re.sub(r"\bD([ACGT])\b", r" \1", text)
    assert old != text
    assert job_of(tmp_path, old).entities == expected.entities
    atoms = "".join(line for line in old.splitlines(True) if line[:6] in ("ATOM  ", "TER   "))
    assert job_of(tmp_path, atoms).entities == expected.entities
    with pytest.raises(InputError, match=r"; change GUA to G$"):
        job_of(tmp_path, re.sub(r" DG\b", "GUA", text))
    with pytest.raises(InputError, match=r"; change DC5 to DC$"):
        job_of(tmp_path, re.sub(r" DC\b", "DC5", text))
