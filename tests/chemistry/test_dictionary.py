"""The component dictionary against biotite's and gemmi's own readers, and its errors."""

from __future__ import annotations

import datetime
import gzip
from pathlib import Path

import numpy as np
import pytest

from af3cli.chemistry import (
    ComponentDictionary,
    binary_dictionary,
    open_dictionary,
    text_dictionary,
)
from af3cli.chemistry.binary_dictionary import BinaryDictionary, bundled_path
from af3cli.chemistry.component import Description
from af3cli.errors import InputError
from af3cli.job import Job, Ligand

TEXT = """data_{code}
_chem_comp.id {code}
_chem_comp.type "{type}"
_chem_comp.name "it's"
_chem_comp.pdbx_synonyms ?
_chem_comp.mon_nstd_parent_comp_id ?
_chem_comp.pdbx_modified_date {date}
loop_
_chem_comp_atom.comp_id
_chem_comp_atom.atom_id
_chem_comp_atom.type_symbol
_chem_comp_atom.charge
_chem_comp_atom.pdbx_model_Cartn_x_ideal
_chem_comp_atom.pdbx_model_Cartn_y_ideal
_chem_comp_atom.pdbx_model_Cartn_z_ideal
{code} C1 C 0 0.0 0.0 0.0
{code} "O1'" O -1 ? 0.0 1.0
loop_
_chem_comp_bond.atom_id_1
_chem_comp_bond.atom_id_2
_chem_comp_bond.value_order
_chem_comp_bond.pdbx_aromatic_flag
C1 "O1'" SING N
"""


def text(code: str = "ABC", kind: str = "NON-POLYMER", date: str = "2020-01-31") -> str:
    return TEXT.format(code=code, type=kind, date=date)


@pytest.fixture(scope="module")
def components() -> ComponentDictionary:
    return open_dictionary()


def test_columns_are_those_that_biotite_reads() -> None:
    pdbx = pytest.importorskip("biotite.structure.io.pdbx")
    ours = BinaryDictionary(bundled_path())
    theirs = pdbx.BinaryCIFFile.read(bundled_path())["components"]
    table = theirs["chem_comp"]
    assert list(ours.rows) == table["id"].as_array(str).tolist()
    assert ours.newest_date == max(table["pdbx_modified_date"].as_array(str))
    atoms = theirs["chem_comp_atom"]
    everything = slice(None)
    for name in ("charge", "pdbx_model_Cartn_y_ideal", "model_Cartn_z"):
        numbers = ours._atoms(name).numbers(everything)
        expected, mask = atoms[name].data.array.astype(np.float32), atoms[name].mask
        if mask is not None:
            expected[mask.array != 0] = np.nan
        np.testing.assert_array_equal(numbers, expected)
    for name in ("atom_id", "type_symbol"):
        assert (ours._atoms(name).texts(everything) == atoms[name].data.array).all()
    weights, mask = table["formula_weight"].data.array, table["formula_weight"].mask.array
    column = ours._file.column("_chem_comp", "formula_weight")
    for row in np.flatnonzero(mask == 0)[::7].tolist():
        assert column.written(row) == str(float(weights[row]))
    assert column.written(int(np.flatnonzero(mask)[0])) == ""


def test_descriptions_are_as_written(components: ComponentDictionary) -> None:
    seen = components.get("NAG").description
    assert seen.type == "D-saccharide, beta linking"
    assert seen.name == "2-acetamido-2-deoxy-beta-D-glucopyranose"
    assert seen.synonyms.startswith("N-acetyl-beta-D-glucosamine; ")
    assert (seen.formula, seen.weight) == ("C8 H15 N O6", "221.208")
    job = Job("test", (1,), (Ligand(("A",), smiles="CO"),), user_ccd=text("NEW", "non-Polymer"))
    own = components.for_job(job)
    assert own.get("NEW").description == Description(type="non-Polymer", name="it's")
    assert own.get("LIG_A").description == Description(type="non-polymer")


def test_a_binary_dictionary_need_not_describe_its_components(tmp_path: Path) -> None:
    pdbx = pytest.importorskip("biotite.structure.io.pdbx")
    columns = {
        "chem_comp": ["id", "type", "mon_nstd_parent_comp_id", "pdbx_modified_date"],
        "chem_comp_atom": [*binary_dictionary._COLUMNS["_chem_comp_atom"]],
        "chem_comp_bond": [*binary_dictionary._COLUMNS["_chem_comp_bond"]],
    }
    everything = pdbx.BinaryCIFFile.read(bundled_path())["components"]
    block = pdbx.BinaryCIFBlock()
    for category, names in columns.items():
        table = everything[category]
        rows = table["id" if "id" in names else "comp_id"].as_array(str) == "SO4"
        block[category] = pdbx.BinaryCIFCategory({n: table[n].data.array[rows] for n in names})
    path = tmp_path / "some.bcif"
    pdbx.BinaryCIFFile({"components": block}).write(path)
    component = open_dictionary(path).get("SO4")
    assert len(component.bond_atoms) == 4
    assert component.description == Description(type="NON-POLYMER")


def test_atp_is_atp(components: ComponentDictionary) -> None:
    atp = components.get("ATP")
    assert (len(atp.atom_name), len(atp.heavy), len(atp.bond_atoms)) == (47, 31, 49)
    assert atp.atom_name[:3].tolist() == ["PG", "O1G", "O2G"]
    assert atp.bond_is_aromatic.sum() == 10
    assert components.get("SEP").parent == "SER"
    assert components.get("DAL").type == "D-PEPTIDE LINKING"
    assert components.get("MG").charge.tolist() == [2]
    assert len(components.get("UNL").atom_name) == 0


def test_record_names_the_file(components: ComponentDictionary) -> None:
    record = components.record
    assert record.source.startswith("biotite ")
    assert datetime.date.fromisoformat(record.newest_date) > datetime.date(2025, 1, 1)
    assert len(record.sha256) == 64


def test_missing_components_have_close_matches(components: ComponentDictionary) -> None:
    with pytest.raises(InputError, match=r"'nad'.*NAD.*userCCD"):
        components.get("nad")
    assert "nad" not in components
    assert "NAD" in components


def test_a_jobs_own_components_come_first(components: ComponentDictionary) -> None:
    user_ccd = text("ATP") + text("NEW", "D-saccharide")
    job = Job("test", (1,), (Ligand(("A",), smiles="CO"),), user_ccd=user_ccd)
    own = components.for_job(job)
    assert own.get("ATP").atom_name.tolist() == ["C1", "O1'"]
    assert len(components.get("ATP").atom_name) == 47
    assert own.get("LIG_A").atom_name[:2].tolist() == ["C1", "O1"]
    assert own.get("NAD") is components.get("NAD")
    # the official list of glycans is made from the dictionary file alone
    assert not own.is_glycan("NEW")
    assert own.is_glycan("NAG")
    assert not own.is_glycan("ATP")


def test_components_of_jobs_that_take_turns_are_made_once(components: ComponentDictionary) -> None:
    jobs = [
        Job("test", (1,), (Ligand(("A",), smiles=smiles),), user_ccd=text(code))
        for smiles, code in (("CO", "NEW"), ("CN", "NEWER"))
    ]
    first, other, again = (components.for_job(job) for job in (jobs[0], jobs[1], jobs[0]))
    assert first.get("LIG_A") is again.get("LIG_A") is not other.get("LIG_A")
    assert first.get("NEW") is again.get("NEW")
    assert "NEWER" in other and "NEWER" not in first


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "gzip"])
def test_text_dictionary(tmp_path: Path, is_packed: bool) -> None:
    content = (text("ABC") + text("LONG1", "D-saccharide", "2024-02-29")).encode()
    path = tmp_path / "components.cif"
    path.write_bytes(gzip.compress(content) if is_packed else content)
    components = open_dictionary(path)
    component = components.get("ABC")
    assert component.modified == datetime.date(2020, 1, 31)
    assert component.atom_name.tolist() == ["C1", "O1'"]
    assert component.charge.tolist() == [0, -1]
    np.testing.assert_array_equal(component.ideal_position[1], [np.nan, 0, 1])
    assert np.isnan(component.model_position).all()
    assert components.is_glycan("LONG1") and not components.is_glycan("ABC")
    assert components.record.newest_date == "2024-02-29"
    assert components.record.source == "components.cif"


def test_a_small_gzip_cannot_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "components.cif.gz"
    path.write_bytes(gzip.compress(bytes(2**24)))
    monkeypatch.setattr(text_dictionary, "MAX_BYTES", 2**22)
    with pytest.raises(InputError, match="unpacks to more than"):
        open_dictionary(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"loop_\n", "no component"),
        (gzip.compress(text().encode())[:-20], "damaged gzip"),
        (b"\x1f\x8b123456789", "cannot be read"),
    ],
)
def test_files_that_are_no_dictionary(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "components.cif"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        open_dictionary(path)


@pytest.mark.parametrize("content", [b"", b"text", b"\x81\xa1a\x01", b"\x81\xaadataBlocks\x90"])
def test_files_that_are_not_binarycif(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "components.bcif"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"components\.bcif"):
        open_dictionary(path).get("ATP")


def test_missing_files(tmp_path: Path) -> None:
    for name in ("no.cif", "no.bcif"):
        with pytest.raises(InputError, match="No such file"):
            open_dictionary(tmp_path / name)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("C1 C 0 0.0", "C1 C x 0.0", r"_chem_comp_atom\.charge: 'x' is not a number"),
        ("C1 C 0 0.0", "C1 C 0.5 0.0", r"_chem_comp_atom\.charge: 0\.5 is not a whole"),
        ("C1 C 0 0.0", "C1 C 1e30 0.0", r"_chem_comp_atom\.charge: 1e\+30 is not a whole"),
        ("C1 C 0 0.0", "C1 C 0 near", r"pdbx_model_Cartn_x_ideal: 'near'"),
        ("C1 C 0 0.0", "C1 C 0 inf", r"pdbx_model_Cartn_x_ideal: a number is infinite"),
        ("C1 C 0", "C1 ? 0", r"type_symbol: an atom has no element"),
        ("C1 C 0", "CARBON C 0", r"atom_id: 'CARBON' is not an atom name"),
        ('"O1\'" O', "C1 O", r"atom_id: 'C1' names two atoms"),
        ('C1 "O1\'" SING', "C1 C2 SING", r"atom_id_2: 'C2' is not one of"),
        ('C1 "O1\'" SING', "C1 C1 SING", r"_chem_comp_bond: a bond is given twice, or"),
        ("2020-01-31", "yesterday", r"pdbx_modified_date: 'yesterday' is not a date"),
        ("data_ABC", "data", "not readable as mmCIF"),
    ],
)
def test_wrong_items_of_a_users_component_are_named(
    components: ComponentDictionary, old: str, new: str, message: str
) -> None:
    assert old in text()
    job = Job("test", (1,), (), user_ccd=text().replace(old, new))
    with pytest.raises(InputError, match=message):
        components.for_job(job)


@pytest.mark.parametrize(
    ("smiles", "message"),
    [
        ("C1CC", "RDKit cannot make"),
        ("C" * 1000, "too large"),
        ("[Cr]$[Cr]", "neither single, double nor triple"),
        ("", "RDKit cannot make"),
    ],
)
def test_wrong_smiles(components: ComponentDictionary, smiles: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        components.for_job(Job("test", (1,), (Ligand(("A",), smiles=smiles),)))


def test_a_component_cannot_have_the_name_of_a_smiles_ligand(
    components: ComponentDictionary,
) -> None:
    job = Job("test", (1,), (Ligand(("A",), smiles="CO"),), user_ccd=text("LIG_A"))
    with pytest.raises(InputError, match="LIG_A"):
        components.for_job(job)
