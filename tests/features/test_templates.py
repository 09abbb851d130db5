"""Template features against those of the official program, and the corners of its input."""

from __future__ import annotations

from pathlib import Path

import gemmi
import numpy as np
import pytest

from af3cli.chemistry import open_dictionary
from af3cli.errors import InputError
from af3cli.features.template_structure import read_template
from af3cli.features.templates import template_features
from af3cli.features.types import TemplateFeatures
from af3cli.job import (
    Entity,
    Job,
    Ligand,
    Modification,
    Protein,
    Rna,
    Template,
    read_job,
    validate,
)
from af3cli.tokens import tokenize
from tests.official import GOLDEN_CASES, features_from_official
from tests.official_tables import tables_from_official

COMPONENTS = open_dictionary()
HEADER = "data_t\n_pdbx_audit_revision_history.revision_date 2001-02-03\n"
SITE_COLUMNS = (
    *("id", "label_atom_id", "label_alt_id", "label_comp_id", "label_asym_id", "label_seq_id"),
    *("Cartn_x", "Cartn_y", "Cartn_z", "occupancy", "pdbx_PDB_model_num"),
)
BACKBONE = ("N", "CA", "C", "O", "CB")


def loop(category: str, columns: tuple[str, ...], rows: list[tuple]) -> str:
    lines = ["loop_", *(f"_{category}.{column}" for column in columns)]
    return "\n".join([*lines, *(" ".join(map(str, row)) for row in rows)]) + "\n"


def site(name: str, residue: str, number: int | str, x: float, **other: object) -> tuple:
    """One atom at (x, 0, 0)."""
    row = {"location": ".", "chain": "A", "occupancy": 1, "model": 1} | other
    return (
        *(1, name, row["location"], residue, row["chain"], number, x, 0, 0),
        *(row["occupancy"], row["model"]),
    )


def whole_residues(*names: str, chain: str = "A") -> list[tuple]:
    """The atoms N, CA, C, O, CB of each residue; x is 10 times its number plus 0 to 4."""
    return [
        site(atom, name, number, 10 * number + place, chain=chain)
        for number, name in enumerate(names, start=1)
        for place, atom in enumerate(BACKBONE)
        if (name, atom) != ("GLY", "CB")
    ]


def scheme(*residues: tuple[str, int, str]) -> str:
    return loop("pdbx_poly_seq_scheme", ("asym_id", "seq_id", "mon_id"), list(residues))


def sites(rows: list[tuple]) -> str:
    return loop("atom_site", SITE_COLUMNS, rows)


def template(*names: str, indices: range | None = None) -> Template:
    indices = indices or range(len(names))
    return Template(HEADER + sites(whole_residues(*names)), tuple(indices), tuple(indices))


def features_of(*entities: Entity) -> TemplateFeatures:
    job = Job("job", (1,), entities)
    tokens, _ = tokenize(job, COMPONENTS)
    return template_features(job, tokens)


@pytest.mark.parametrize("case", GOLDEN_CASES, ids=lambda case: case.name)
def test_templates_are_the_official_ones(case: Path) -> None:
    with np.load(case / "features.npz") as official:
        expected = features_from_official(official).templates
        tokens, _ = tables_from_official(official)
    templates = template_features(read_job(case / "job.json"), tokens)
    for name, array in vars(expected).items():
        np.testing.assert_array_equal(getattr(templates, name), array, err_msg=name)
        assert getattr(templates, name).dtype == array.dtype, name


def test_a_real_structure_is_read_as_gemmi_reads_it() -> None:
    case = next(case for case in GOLDEN_CASES if case.name == "template_5y2e")
    mmcif = read_job(case / "job.json").entities[0].templates[0].mmcif
    chain = read_template(mmcif, "template")
    document = gemmi.cif.read_string(mmcif)
    names = list(document[0].find_values("_pdbx_poly_seq_scheme.mon_id"))
    assert list(chain.residue_names) == names
    seen = np.zeros_like(chain.mask)
    for residue in gemmi.make_structure_from_block(document[0])[0][0].get_polymer():
        for column, name in enumerate(("N", "CA", "C", "CB")):
            if atom := residue.find_atom(name, "*"):
                position = chain.positions[residue.label_seq - 1, column]
                np.testing.assert_allclose(position, atom.pos.tolist(), atol=1e-5)
                seen[residue.label_seq - 1, column] = True
    np.testing.assert_array_equal(chain.mask, seen)
    assert not chain.mask[-2:].any()


def test_each_residue_has_its_atoms_and_class() -> None:
    """Glycine has its CA for a beta; an unknown residue has N for everything; SEP is a serine."""
    names = ("ALA", "GLY", "UNK", "SEP", "MSE", "LEU")
    protein = Protein(("A",), "AGASML", templates=(template(*names, indices=range(5)),))
    features = features_of(protein)
    assert features.residue_type.tolist() == [[0, 7, 20, 15, 12, 21]]
    assert features.pseudo_beta[0, :, 0].tolist() == [14, 21, 30, 44, 54, 0]
    assert features.backbone[0, :, :, 0].tolist() == [
        [10, 11, 12], [20, 21, 22], [30, 30, 30], [40, 41, 42], [50, 51, 52], [0, 0, 0]
    ]  # fmt: skip
    assert features.pseudo_beta_mask.tolist() == [[True] * 5 + [False]]
    assert features.backbone_mask.tolist() == [[True] * 5 + [False]]


def test_atoms_that_are_not_seen_are_masked() -> None:
    rows = [row for row in whole_residues(*["ALA"] * 5) if (row[1], row[5]) not in
            {("CB", 1), ("C", 2), ("N", 3)}]  # fmt: skip
    rows = [row for row in rows if row[5] != 5]
    mmcif = HEADER + scheme(*(("A", number, "ALA") for number in range(1, 6))) + sites(rows)
    features = features_of(
        Protein(("A",), "AAAAA", templates=(Template(mmcif, tuple(range(5)), tuple(range(5))),))
    )
    assert features.residue_type.tolist() == [[0] * 5]
    assert features.pseudo_beta_mask.tolist() == [[False, True, True, True, False]]
    assert features.backbone_mask.tolist() == [[True, False, False, True, False]]


def test_at_most_four_templates_and_none_without() -> None:
    many = tuple(template(*["ALA"] * 5) for _ in range(6))
    assert features_of(Protein(("A",), "AAAAA", templates=many)).mask.tolist() == [True] * 4
    for none in ((), None):
        assert features_of(Protein(("A",), "AAAAA", templates=none)).backbone.shape == (0, 5, 3, 3)


def test_a_template_that_says_nothing_is_still_one() -> None:
    nothing = Template(HEADER + sites(whole_residues("ALA")), (), ())
    features = features_of(Protein(("A",), "AAAAA", templates=(nothing,)))
    assert features.residue_type.tolist() == [[21] * 5]
    assert not features.backbone_mask.any()


def test_chains_stand_side_by_side_and_equal_ones_share_the_first_templates() -> None:
    one, two = template(*["ALA"] * 5), template(*["ALA"] * 5, indices=range(3))
    features = features_of(
        Protein(("A", "C"), "AAAAA", templates=(two, one)),
        Protein(("B",), "ACAAA", templates=(one,)),
        Protein(("D",), "AAAAA", templates=()),
    )
    shared = [0, 0, 0, 21, 21]
    assert features.residue_type.tolist() == [
        shared + [0] * 5 + shared * 2,
        [0] * 20,
    ]
    assert features.backbone_mask[1].tolist() == [True] * 5 + [False] * 5 + [True] * 10


def test_chains_of_four_tokens_ignore_their_templates() -> None:
    four = Protein(("A",), "AAAA", templates=(template(*["ALA"] * 4),))
    assert len(features_of(four).mask) == 0


def test_modified_residues_repeat_their_column() -> None:
    protein = Protein(
        ("A",),
        "ASAAA",
        (Modification("SEP", 2),),
        templates=(template("ALA", "SER", *["ALA"] * 3),),
    )
    features = features_of(protein)
    assert features.residue_type.tolist() == [[0] + [15] * 10 + [0] * 3]
    assert set(features.pseudo_beta[0, 1:11, 0]) == {24}


def test_templates_after_a_modified_base_are_moved_as_in_the_official_program() -> None:
    """PSU is 20 tokens and one column: the protein's columns begin 19 tokens too late."""
    rna = Rna(("A",), "GU", (Modification("PSU", 2),))
    protein = Protein(("B",), "A" * 30, templates=(template(*["ALA"] * 30),))
    features = features_of(rna, protein)
    num_rna = features.residue_type.shape[1] - 30
    assert not features.backbone_mask[0, :num_rna].any()
    late = num_rna - 2
    assert features.backbone_mask[0, num_rna:].tolist() == [False] * late + [True] * (30 - late)
    assert features.pseudo_beta[0, num_rna + late, 0] == 14


def test_all_atoms_of_a_ligand_read_the_first_of_its_columns() -> None:
    """So the official program does, which shows where a modified base moves a protein's columns.

    PSU is 20 tokens and one column, so that the ligand's 31 tokens are reached by the protein's
    last columns.
    """
    rna = Rna(("A",), "GU", (Modification("PSU", 2),))
    protein = Protein(("B",), "A" * 30, templates=(template(*["ALA"] * 30),))
    features = features_of(rna, protein, Ligand(("C",), ccd_codes=("ATP",)))
    of_ligand = features.pseudo_beta[0, -31:, 0]
    assert of_ligand[0] > 0 and set(of_ligand) == {of_ligand[0]}


def positions_of(rows: list[tuple], extra: str = "") -> np.ndarray:
    return read_template(HEADER + extra + sites(rows), "template").positions[:, :, 0]


def test_the_location_of_highest_occupancy_is_taken() -> None:
    rows = [
        site("N", "ALA", 1, 1),
        site("CA", "ALA", 1, 2, location="A", occupancy=0.3),
        site("CA", "ALA", 1, 3, location="B", occupancy=0.7),
        site("C", "ALA", 1, 4, location="A", occupancy=0.5),
        site("C", "ALA", 1, 5, location="B", occupancy=0.5),
        site("CB", "ALA", 1, 6),
    ]
    assert positions_of(rows).tolist() == [[1, 3, 4, 6]]


def test_a_residue_with_locations_throughout_has_one_of_them() -> None:
    """B has the higher mean, though A has the higher CA; CB has A only."""
    rows = [
        site(name, "ALA", 1, 10 * place + x, location=location, occupancy=occupancy)
        for place, (name, first, second) in enumerate(
            [("N", 0.2, 0.8), ("CA", 0.6, 0.4), ("C", 0.3, 0.7)]
        )
        for x, location, occupancy in ((1, "A", first), (2, "B", second))
    ]
    rows.append(site("CB", "ALA", 1, 31, location="A", occupancy=0.1))
    assert positions_of(rows).tolist() == [[2, 12, 22, 31]]


@pytest.mark.parametrize(("occupancy", "name"), [(0.4, "THR"), (0.6, "SER"), (0.5, "SER")])
def test_of_two_residues_in_one_place_the_likelier_is_taken(occupancy: float, name: str) -> None:
    rows = [site("CA", "ALA", 1, 1)]
    rows += [site("CA", "SER", 2, 2, location="A", occupancy=occupancy)]
    rows += [site("CA", "THR", 2, 3, location="B", occupancy=1 - occupancy)]
    rows += [site("CA", "GLY", 3, 4)]
    listed = scheme(("A", 1, "ALA"), ("A", 2, "SER"), ("A", 2, "THR"), ("A", 3, "GLY"))
    chain = read_template(HEADER + listed + sites(rows), "template")
    assert chain.residue_names == ("ALA", name, "GLY")
    assert chain.positions[:, 1, 0].tolist() == [1, 2 if name == "SER" else 3, 4]


@pytest.mark.parametrize("occupancy", [0.4, 0.6])
def test_of_two_residues_in_one_place_one_may_be_listed(occupancy: float) -> None:
    """So are the templates that are cut out of a structure."""
    rows = [site("CA", "SER", 1, 2, location="A", occupancy=occupancy)]
    rows += [site("CA", "THR", 1, 3, location="B", occupancy=1 - occupancy)]
    chain = read_template(HEADER + scheme(("A", 1, "SER")) + sites(rows), "template")
    assert chain.residue_names == ("SER",)
    assert chain.positions[:, 1, 0].tolist() == [2]


def test_only_the_first_model_and_the_polymer_are_read() -> None:
    rows = [
        *whole_residues("ALA", "GLY"),
        site("CA", "CA", ".", 99, chain="B"),
        site("O", "HOH", ".", 98, chain="C"),
        site("CA", "ALA", 1, 97, model=2),
    ]
    assert positions_of(rows).tolist() == [[10, 11, 12, 14], [20, 21, 22, 0]]


def test_a_date_that_is_unknown_leaves_the_others() -> None:
    history = loop("pdbx_audit_revision_history", ("revision_date",), [("?",), ("2001-02-03",)])
    assert read_template("data_t\n" + history + sites(whole_residues("ALA")), "template")


def test_residues_not_seen_are_known_from_the_sequence() -> None:
    listed = loop(
        "entity_poly_seq",
        ("entity_id", "num", "mon_id"),
        [(1, 1, "GLY"), (1, 2, "ALA"), (1, 3, "LEU")],
    )
    mmcif = HEADER + listed + sites([site("CA", "ALA", 2, 5)])
    chain = read_template(mmcif, "template")
    assert chain.residue_names == ("GLY", "ALA", "LEU")
    assert chain.mask.tolist() == [[False] * 4, [False, True, False, False], [False] * 4]


@pytest.mark.parametrize("has_table", [True, False])
@pytest.mark.parametrize(
    ("polymer_type", "names"),
    [("other", ("UNK", "UNK")), ("polypeptide(L)", ("ALA", "GLY")), ("?", ("ALA", "GLY"))],
)
def test_residues_of_other_polymers_are_unknown(polymer_type, names, has_table) -> None:
    text = sites(whole_residues("ALA", "GLY"))
    if has_table:
        text += loop("struct_asym", ("id", "entity_id"), [("A", 2), ("B", 1)])
    else:
        text = text.replace("_atom_site.id\n", "_atom_site.label_entity_id\n").replace(
            "\n1 ", "\n2 "
        )
    types = [(1, "polyribonucleotide"), (2, polymer_type)]
    text += loop("entity_poly", ("entity_id", "type"), types)
    chain = read_template(HEADER + text, "template")
    assert chain.residue_names == names
    assert chain.mask.tolist() == [[True] * 4, [True, True, True, False]]


@pytest.mark.parametrize(
    ("mmcif", "message"),
    [
        ("ATOM 1 N ALA", "not readable mmCIF"),
        ("", "not readable mmCIF"),
        ("data_x\n" + sites(whole_residues("ALA")), "no release date"),
        (HEADER.replace("2001-02-03", "?") + sites(whole_residues("ALA")), "no release date"),
        (HEADER, "no atoms"),
        (
            HEADER + sites([*whole_residues("ALA"), *whole_residues("ALA", chain="B")]),
            "has 2 .A, B.",
        ),
        (HEADER + sites([site("O", "HOH", ".", 1)]), "has none"),
        (HEADER + sites([site("N", "ALA", 1, "?")]), "Cartn_x holds something else than numbers"),
        (HEADER + sites([site("N", "ALA", 1, "inf")]), "atoms at infinity"),
        (HEADER + sites([site("N", "ALA", 1, "1e39")]), "atoms at infinity"),
        (
            HEADER + scheme(("A", 1, "ALA")) + sites(whole_residues("ALA", "ALA")),
            "has atoms of residue 2, ALA, which",
        ),
        (
            HEADER + scheme(("A", 1, "ALA")) + sites(whole_residues("GLY")),
            "has atoms of residue 1, GLY, which",
        ),
    ],
)
def test_bad_templates_are_explained(mmcif: str, message: str) -> None:
    """Also by the check of the job, before anything is computed."""
    protein = Protein(("A",), "AAAAA", (), "", "", (Template(mmcif, (), ()),))
    entities = Rna(("B",), "ACGU"), protein
    with pytest.raises(InputError, match=message) as caught:
        features_of(*entities)
    assert "sequences[1].protein.templates[0].mmcif: " in str(caught.value)
    with pytest.raises(InputError, match=message if mmcif else "is missing") as caught:
        validate(Job("job", (1,), entities))
    assert "1 problem\n  sequences[1].protein.templates[0].mmcif: " in str(caught.value)


@pytest.mark.parametrize(
    ("query", "hit", "message"),
    [((5,), (0,), "queryIndices: 5 is not"), ((0,), (1,), "templateIndices: 1 is not")],
)
def test_indices_outside_are_explained(query: tuple, hit: tuple, message: str) -> None:
    one = Template(HEADER + sites(whole_residues("ALA")), query, hit)
    with pytest.raises(InputError, match=message):
        features_of(Protein(("A",), "AAAAA", templates=(one,)))
