"""Features by other families' conventions; expectations are worked by hand from their rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from af3cli.chemistry import open_dictionary
from af3cli.features.conventions import OFFICIAL_FEATURES, FeatureConventions
from af3cli.features.featurise import featurise
from af3cli.features.types import Features
from af3cli.job import AtomAddress, Dna, Entity, Job, Ligand, Modification, Protein, Rna
from af3cli.model.config import OFFICIAL, ModelConfig
from af3cli.tokens import tokenize
from af3cli.tokens.table import token_table
from af3cli.weights.families import OPENFOLD3, PROTENIX_BASE, PROTENIX_TINY
from tests.output.jobs import EVERYTHING

COMPONENTS = open_dictionary()
LETTERS = "ARNDCQEGHILKMFPSTWYVX-AGCUAGCTNn"
_FAMILIES = [OPENFOLD3.features, PROTENIX_BASE.features, PROTENIX_TINY.features]


def features_of(
    *entities: Entity,
    bonds: tuple[tuple[AtomAddress, AtomAddress], ...] = (),
    conventions: FeatureConventions,
) -> Features:
    job = Job("job", (1,), entities, bonds)
    tables = tokenize(job, COMPONENTS, terminal_atoms=conventions.terminal_atoms)
    return featurise(job, *tables, COMPONENTS, 1, conventions)


def with_(**fields: object) -> FeatureConventions:
    return replace(OFFICIAL_FEATURES, **fields)


def rows_of(*entities: Entity, **fields: object) -> list[str]:
    rows = features_of(*entities, conventions=with_(**fields)).msa.rows
    return ["".join(LETTERS[code] for code in row) for row in rows]


def profile_of(*entities: Entity, **fields: object) -> np.ndarray:
    return features_of(*entities, conventions=with_(**fields)).msa.profile


@pytest.mark.parametrize("conventions", _FAMILIES)
def test_all_families_have_the_same_tokens(conventions: FeatureConventions) -> None:
    official, atoms = tokenize(EVERYTHING, COMPONENTS)
    tokens, own_atoms = tokenize(EVERYTHING, COMPONENTS, terminal_atoms=conventions.terminal_atoms)
    np.testing.assert_array_equal(token_table(tokens), token_table(official))
    assert {"OXT", "OP3"} & set(
        atoms.name[np.isin(atoms.token, np.flatnonzero(official.atom_name == ""))]
    )
    of_whole = own_atoms.name[tokens.atom_name[own_atoms.token] == ""]
    assert bool({"OXT", "OP3"} & set(of_whole)) == conventions.terminal_atoms


@pytest.mark.parametrize("conventions", _FAMILIES)
def test_every_molecule_has_features_of_one_size(conventions: FeatureConventions) -> None:
    tables = tokenize(EVERYTHING, COMPONENTS, terminal_atoms=conventions.terminal_atoms)
    features = featurise(EVERYTHING, *tables, COMPONENTS, 1, conventions)
    num_tokens, num_classes = len(tables[0]), conventions.num_residue_types
    assert features.msa.profile.shape == (num_tokens, num_classes)
    assert features.msa.rows.max() < num_classes
    assert features.tokens.residue_type.max() == num_classes - 1
    assert features.tokens.atom_count.sum() == len(features.atoms.mask) == len(tables[1])
    np.testing.assert_array_equal(
        features.tokens.atom_start, np.cumsum(tables[0].atom_count) - tables[0].atom_count
    )


def test_ends_of_chains_lose_atoms_but_not_those_that_are_bonded_or_tokens() -> None:
    bond = (AtomAddress("B", 2, "OXT"), AtomAddress("L", 1, "C1"))
    modified = Protein(("C",), "GS", (Modification("SEP", 2),))
    entities = Protein(("A",), "GA"), Protein(("B",), "GA"), modified
    job = Job("job", (1,), (*entities, Dna(("D",), "AC"), Ligand(("L",), ("EDO",))), (bond,))
    tokens, atoms = tokenize(job, COMPONENTS, terminal_atoms=False)
    chain = tokens.chain_id[atoms.token]
    ends = [(c, str(n)) for c, n in zip(chain, atoms.name, strict=True) if n in ("OXT", "OP3")]
    assert ends == [("B", "OXT"), ("C", "OXT")]
    conventions = with_(terminal_atoms=False)
    featurise(job, tokens, atoms, COMPONENTS, 1, conventions)
    with pytest.raises(ValueError, match="terminal_atoms=False"):
        featurise(job, *tokenize(job, COMPONENTS), COMPONENTS, 1, conventions)


def test_unknown_rna_is_told_from_unknown_dna() -> None:
    rna = Rna(("A",), "GXACGU", unpaired_msa=">q\nGXACGU\n>1\nGGACNU\n")
    features = features_of(rna, Dna(("B",), "AX"), conventions=with_(num_residue_types=32))
    assert list(features.tokens.residue_type) == [23, 31, 22, 24, 23, 25, 26, 30]
    assert [LETTERS[code] for code in features.msa.rows[2]] == list("GGACnU--")
    assert features.msa.rows[1, 1] == 31 and features.msa.rows[1, 7] == 30
    assert list(features.msa.profile[1, [23, 30, 31]]) == [0.5, 0, 0.5]
    assert list(features.msa.profile[7, [30, 31]]) == [1, 0]


def test_atoms_of_modified_residues_can_be_of_an_unknown_type() -> None:
    chain = Protein(("A",), "GSA", (Modification("SEP", 2),))
    rna = Rna(("B",), "GU", (Modification("PSU", 2),))
    official = features_of(chain, rna, conventions=OFFICIAL_FEATURES).tokens
    own = features_of(chain, rna, conventions=with_(parent_types=False)).tokens
    of_modified = official.atom_count == 1
    assert set(official.residue_type[of_modified]) == {15, 25}
    assert set(own.residue_type[of_modified]) == {20}
    np.testing.assert_array_equal(
        own.residue_type[~of_modified], official.residue_type[~of_modified]
    )


def test_bonds_of_atom_tokens_only() -> None:
    entities = Protein(("A",), "GCG"), Ligand(("L",), ("EDO",))
    bond = (AtomAddress("A", 2, "SG"), AtomAddress("L", 1, "C1"))
    both = features_of(*entities, bonds=(bond,), conventions=OFFICIAL_FEATURES).bonds.tokens
    own = features_of(
        *entities, bonds=(bond,), conventions=with_(whole_residue_bonds=False)
    ).bonds.tokens
    assert [1, 3] in both.tolist()
    np.testing.assert_array_equal(own, both[(both > 2).all(axis=1)])
    assert len(own) == 3


def test_ligands_that_are_standard_residues() -> None:
    """OpenFold3 looks up `res_name` in `RESTYPE_INDEX_3`: TYR 18, A 21, N 25, DN 30, GAP 31.

    Here the gap is 21, A 22 and N 31.
    """
    ligand = Ligand(("L",), ("TYR", "A", "N", "DN", "GAP", "EDO"))
    own = features_of(ligand, conventions=OPENFOLD3.features)
    tokens, _ = tokenize(Job("job", (1,), (ligand,)), COMPONENTS)
    of_name = dict(zip(tokens.residue_name, own.tokens.residue_type.tolist(), strict=True))
    assert of_name == {"TYR": 18, "A": 22, "N": 31, "DN": 30, "GAP": 21, "EDO": 20}
    for conventions in (OFFICIAL_FEATURES, PROTENIX_BASE.features):
        assert set(features_of(ligand, conventions=conventions).tokens.residue_type) == {20}
    protein = features_of(Protein(("A",), "GY"), conventions=OPENFOLD3.features)
    assert list(protein.tokens.residue_type) == [7, 18]


def test_atoms_without_a_place() -> None:
    """What Protenix's `scripts/gen_ccd_cache.py` (RDKit 2026.9) makes of these entries.

    3JI and 543 have no ideal coordinates. `ref_mask` is there 0 of 22 atoms of 3JI, which cannot
    be sanitised, and 10 of 10 of 543, which is embedded; 43 of 43 of HEM, which has some.
    """
    ligands = Ligand(("A",), ("3JI",)), Ligand(("B",), ("543",)), Ligand(("C",), ("HEM",))
    official = features_of(*ligands, conventions=OFFICIAL_FEATURES)
    assert official.atoms.ref_mask.all() and official.frames.has_frame[:22].any()
    own = features_of(*ligands, conventions=PROTENIX_BASE.features)
    assert list(own.atoms.ref_mask) == [False] * 22 + [True] * (10 + 43)
    assert not own.frames.has_frame[:22].any() and own.frames.has_frame[22:].any()
    of_model, embedded = (features.atoms.ref_position[22:32] for features in (official, own))
    apart = [np.linalg.norm(at[:, None] - at, axis=-1) for at in (of_model, embedded)]
    assert np.abs(apart[1] - apart[0]).max() > 0.05 and apart[1][~np.eye(10, dtype=bool)].min() > 1


def bonds_of(
    *entities: Entity, bonds: tuple[tuple[AtomAddress, AtomAddress], ...] = (), model: ModelConfig
) -> set[frozenset[str]]:
    """Returns pairs of tokens as chain, residue and, of atom tokens, atom: `{"A1", "L1.C1"}`."""
    job = Job("job", (1,), entities, bonds)
    conventions = model.features
    tokens, atoms = tokenize(job, COMPONENTS, terminal_atoms=conventions.terminal_atoms)
    names = [
        f"{chain}{residue}" + (f".{atom}" if atom else "")
        for chain, residue, atom in zip(
            tokens.chain_id, tokens.residue_id, tokens.atom_name, strict=True
        )
    ]
    pairs = featurise(job, tokens, atoms, COMPONENTS, 1, conventions).bonds.tokens
    return {frozenset(names[token] for token in pair) for pair in pairs}


def between_chains(pairs: set[frozenset[str]]) -> list[set[str]]:
    return [set(pair) for pair in pairs if len({name[0] for name in pair}) == 2]


def test_bonds_of_atom_tokens_are_at_their_atoms() -> None:
    """Protenix's `get_bond_features`, OpenFold3's `create_token_bonds`: each atom's own token."""
    entities = Protein(("A",), "GSA", (Modification("SEP", 2),)), Ligand(("L",), ("EDO",))
    bond = (AtomAddress("A", 2, "OG"), AtomAddress("L", 1, "C1"))
    expected = {
        OFFICIAL: {"A2.CA", "L1.C1"},
        PROTENIX_BASE: {"A2.OG", "L1.C1"},
        OPENFOLD3: {"A2.OG", "L1.C1"},
    }
    for model, pair in expected.items():
        assert between_chains(bonds_of(*entities, bonds=(bond,), model=model)) == [pair]


def test_bonds_of_mercury_and_of_standard_residues_as_ligands() -> None:
    """Neither of the two leaves out atoms by name, or bonds of ligands by their component."""
    methyl_mercury, tyrosine = Ligand(("L",), ("MMC",)), Ligand(("Y",), ("TYR",))
    assert bonds_of(methyl_mercury, tyrosine, model=OFFICIAL) == set()
    for model in (PROTENIX_BASE, OPENFOLD3):
        found = bonds_of(methyl_mercury, tyrosine, model=model)
        assert {frozenset({"L1.HG", "L1.C"}), frozenset({"Y1.CA", "Y1.CB"})} <= found
        assert len(found) == 1 + 13


def test_bonds_between_polymers() -> None:
    """Protenix's inference has `include_discont_poly_poly_bonds`: other chain, or |i - j| > 1."""
    entities = Protein(("A",), "GCCAAA"), Protein(("B",), "ACA")
    bonds = (
        (AtomAddress("A", 2, "SG"), AtomAddress("B", 2, "SG")),
        (AtomAddress("A", 1, "N"), AtomAddress("A", 6, "C")),
        (AtomAddress("A", 2, "SG"), AtomAddress("A", 3, "SG")),
    )
    assert bonds_of(*entities, bonds=bonds, model=PROTENIX_BASE) == {
        frozenset({"A2", "B2"}),
        frozenset({"A1", "A6"}),
    }
    for model in (OFFICIAL, OPENFOLD3):
        assert bonds_of(*entities, bonds=bonds, model=model) == set()


def test_bonds_along_chains_of_atom_tokens() -> None:
    """OpenFold3 connects residues along a chain and keeps bonds of which both ends are tokens."""
    protein = Protein(("A",), "GSSA", (Modification("SEP", 2), Modification("SEP", 3)))
    rna = Rna(("R",), "GUU", (Modification("PSU", 2), Modification("PSU", 3)))
    along = {frozenset({"A2.C", "A3.N"}), frozenset({"R2.O3'", "R3.P"})}
    assert along <= bonds_of(protein, rna, model=OPENFOLD3)
    for model in (OFFICIAL, PROTENIX_BASE):
        assert along.isdisjoint(bonds_of(protein, rna, model=model))
    assert not any({"A1", "A4", "R1"} & pair for pair in bonds_of(protein, rna, model=OPENFOLD3))


CHAIN = "ACDEF"
TWICE = Protein(("A",), CHAIN, unpaired_msa=f">q\n{CHAIN}\n>1\nAC-EF\n>2\nACk-EF\n>3\nGCDEF\n")


def test_equal_rows_count_once() -> None:
    assert rows_of(TWICE) == [CHAIN, CHAIN, "AC-EF", "AC-EF", "GCDEF"]
    assert rows_of(TWICE, unique_rows=True) == [CHAIN, CHAIN, "AC-EF", "GCDEF"]
    assert profile_of(TWICE)[0, 0] == 0.75
    np.testing.assert_allclose(profile_of(TWICE, unique_rows=True)[0, [0, 7]], [2 / 3, 1 / 3])


def paired(*rows: tuple[str, str]) -> str:
    return "".join(f">tr|A0A{i:06}|A0A{i:06}_{s}/1-9\n{r}\n" for i, (s, r) in enumerate(rows))


FIRST = Protein(
    ("A",),
    "AAAAA",
    unpaired_msa=">q\nAAAAA\n>1\nAAAAC\n>2\nAAADA\n",
    paired_msa=paired(("", "AAAAA"), ("HUMAN", "AAAAC")),
)
SECOND = Protein(("B",), "GGGGG", paired_msa=paired(("", "GGGGG"), ("HUMAN", "GGGGC")))


def test_query_stays_among_unpaired_rows() -> None:
    both = [("AAAAA", "GGGGG"), ("AAAAC", "GGGGC")]
    assert rows_of(FIRST, SECOND) == ["".join(r) for r in [*both, ("AAADA", "-----")]]
    own = [*both, ("AAAAA", "GGGGG"), ("AAADA", "-----")]
    assert rows_of(FIRST, SECOND, query_after_paired_rows=True) == ["".join(r) for r in own]


def test_paired_rows_begin_the_unpaired_alignment() -> None:
    fields = {"unique_rows": True, "paired_rows_in_unpaired": True}
    assert rows_of(FIRST, **fields) == ["AAAAA", "AAAAA", "AAAAC", "AAADA"]
    np.testing.assert_allclose(profile_of(FIRST, SECOND, **fields)[4, [0, 4]], [2 / 3, 1 / 3])
    alone = replace(FIRST, unpaired_msa=None)
    assert rows_of(alone, **fields) == ["AAAAA", "AAAAA", "AAAAC"]


DNA, LIGAND = Dna(("B",), "AC"), Ligand(("L",), ("MG",))
DEEP = Protein(("A",), CHAIN, unpaired_msa=f">q\n{CHAIN}\n>1\nAC-EF\n")


def test_dna_and_ligands_without_rows_and_profile() -> None:
    assert rows_of(DEEP, DNA, LIGAND) == ["ACDEFAC-", "ACDEFAC-", "AC-EF---"]
    silent = {"rows_of_dna_and_ligands": False}
    assert rows_of(DEEP, DNA, LIGAND, **silent) == ["ACDEF---", "ACDEF---", "AC-EF---"]
    assert list(profile_of(DEEP, DNA, LIGAND, **silent).sum(axis=1)) == [1] * 5 + [0] * 3
    assert list(profile_of(DEEP, DNA, LIGAND).sum(axis=1)) == [1] * 8
    assert rows_of(DNA, **silent) == ["--", "--"]


def test_query_fills_rows_that_only_others_have() -> None:
    fields = {"query_fills_rows": True, "unknown_ligand_columns": True}
    assert rows_of(DEEP, DNA, LIGAND, **fields) == ["ACDEFACX", "ACDEFACX", "AC-EFACX"]
    assert profile_of(DEEP, DNA, LIGAND, **fields)[7, 20] == 1
    deeper = Rna(("R",), "GGACC", unpaired_msa=">q\nGGACC\n>1\nGGAC-\n>2\nGGACA\n")
    assert rows_of(DEEP, deeper, **fields)[1:] == ["ACDEFGGACC", "AC-EFGGAC-", "-----GGACA"]


def test_templates_that_are_not_there() -> None:
    protein, dna = Protein(("A",), "GSA", (Modification("SEP", 2),)), DNA
    official = features_of(protein, dna, conventions=OFFICIAL_FEATURES).templates
    assert official.residue_type.shape[0] == 0
    fields = {"template_of_gaps": True, "template_columns_quirk": False}
    own = features_of(protein, dna, conventions=with_(**fields)).templates
    assert own.residue_type.shape[0] == 1 and (own.residue_type == 21).all()
    assert not own.pseudo_beta_mask.any() and not own.backbone_mask.any()
