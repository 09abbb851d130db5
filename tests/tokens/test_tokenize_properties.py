"""What holds for the tokens of every job."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from af3cli.chemistry import open_dictionary
from af3cli.job import Dna, Entity, Job, Ligand, Modification, Protein, Rna, chain_order
from af3cli.tokens import MoleculeType, tokenize

COMPONENTS = open_dictionary()
CHAIN_IDS = st.lists(st.text("ABYZ", min_size=1, max_size=3), min_size=1, max_size=8, unique=True)
POLYMERS = {
    Protein: ("ACDEFGHIKLMNPQRSTVWYX", ["SEP", "MSE", "ALA", "DAL", "NH2", "ATP"]),
    Rna: ("ACGUN", ["PSU", "5MC", "DA", "GTP"]),
    Dna: ("ACGTN", ["5CM", "8OG", "U"]),
}
LIGANDS = ["MG", "ATP", "NAG", "MAN", "TYR", "UNK", "A", "HEM", "HOH", "HG", "SF4"]


@st.composite
def entities(draw: st.DrawFn) -> Entity:
    kind = draw(st.sampled_from([*POLYMERS, Ligand]))
    if kind is Ligand:
        if draw(st.booleans()):
            return Ligand((), smiles=draw(st.sampled_from(["CCO", "[Na+]", "[2H]C=O", "C[Hg]C"])))
        return Ligand((), tuple(draw(st.lists(st.sampled_from(LIGANDS), min_size=1, max_size=3))))
    letters, codes = POLYMERS[kind]
    sequence = draw(st.text(letters, min_size=1, max_size=12))
    positions = draw(st.sets(st.integers(1, len(sequence)), max_size=3))
    modifications = tuple(
        Modification(draw(st.sampled_from(codes)), position) for position in sorted(positions)
    )
    return kind((), sequence, modifications)


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    ids = draw(CHAIN_IDS)
    found = []
    while ids:
        count = draw(st.integers(1, len(ids)))
        found.append(replace(draw(entities()), ids=tuple(ids[:count])))
        ids = ids[count:]
    # one chain that is never left out
    return Job("random", (1,), (*found, Ligand(("Q",), ("MG",))))


@settings(max_examples=150, deadline=None)
@given(jobs())
def test_both_tables_describe_the_same_rows(job: Job) -> None:
    tokens, atoms = tokenize(job, COMPONENTS)
    np.testing.assert_array_equal(np.repeat(np.arange(len(tokens)), tokens.atom_count), atoms.token)
    np.testing.assert_array_equal(
        np.cumsum(tokens.atom_count) - tokens.atom_count, tokens.atom_start
    )
    assert (tokens.atom_count >= 1).all() and (tokens.atom_count <= 24).all()
    np.testing.assert_array_equal(atoms.token[tokens.representative_atom], np.arange(len(tokens)))
    within = np.stack([atoms.token, atoms.slot])
    assert np.unique(within, axis=1).shape == within.shape
    assert not np.isin(atoms.element, ["H", "D"]).any()
    is_atom = tokens.atom_name != ""
    assert (tokens.atom_count[is_atom] == 1).all()
    np.testing.assert_array_equal(
        tokens.atom_name[is_atom], atoms.name[tokens.representative_atom[is_atom]]
    )
    assert is_atom[tokens.molecule_type == MoleculeType.LIGAND].all()


@settings(max_examples=150, deadline=None)
@given(jobs())
def test_numbers_of_chains_entities_and_residues(job: Job) -> None:
    tokens, _ = tokenize(job, COMPONENTS)
    for column in (tokens.asym_id - 1, tokens.ref_space_uid):
        assert column[0] == 0 and set(np.diff(column)) <= {0, 1}
    first = np.unique(tokens.asym_id, return_index=True)[1]
    order = tokens.chain_id[first].tolist()
    assert order == sorted(order, key=chain_order)
    names = {
        asym_id: tuple(tokens.residue_name[tokens.asym_id == asym_id])
        for asym_id in tokens.asym_id[first].tolist()
    }
    entity, sym = tokens.entity_id[first], tokens.sym_id[first]
    for one, of_one in names.items():
        same = [other for other, of_other in names.items() if of_other == of_one]
        assert {entity[other - 1] for other in same} == {entity[one - 1]}
        assert sorted(sym[other - 1] for other in same) == list(range(1, len(same) + 1))
    assert len(set(names.values())) == len(set(entity))
    residue = np.stack([tokens.asym_id, tokens.residue_id])
    assert np.unique(residue, axis=1).shape[1] == tokens.ref_space_uid[-1] + 1


@settings(max_examples=50, deadline=None)
@given(jobs(), st.randoms(use_true_random=False))
def test_the_order_of_the_job_does_not_matter(job: Job, random: object) -> None:
    shuffled = list(job.entities)
    random.shuffle(shuffled)
    for ours, other in zip(
        tokenize(job, COMPONENTS),
        tokenize(replace(job, entities=tuple(shuffled)), COMPONENTS),
        strict=True,
    ):
        for field in fields(ours):
            np.testing.assert_array_equal(getattr(ours, field.name), getattr(other, field.name))
