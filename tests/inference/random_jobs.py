"""Random small jobs of every kind of molecule, for hypothesis."""

from __future__ import annotations

import hypothesis.strategies as st

from af3cli.job import Dna, Job, Ligand, Modification, Protein, Rna

# A component that may stand for each of these letters.
_MODIFIED = {
    "protein": {"S": "SEP", "T": "TPO", "M": "MSE", "K": "MLY"},
    "rna": {"U": "PSU", "C": "5MC", "G": "2MG"},
    "dna": {"C": "5CM", "G": "8OG"},
}
_LETTERS = {"protein": "ACDEFGHIKLMNPQRSTVWYX", "rna": "ACGUN", "dna": "ACGT"}
_MAX_RESIDUES = 16
_LIGANDS = st.one_of(
    st.sampled_from([("MG",), ("CL",), ("GOL",), ("SO4",), ("NAG",), ("NAG", "BMA"), ("TYR",)]).map(
        lambda codes: {"ccd_codes": codes}
    ),
    st.sampled_from(["CCO", "c1ccccc1O", "C[C@@H](N)C(=O)O", "[Na+]"]).map(
        lambda smiles: {"smiles": smiles}
    ),
)


def sequences(kind: str) -> st.SearchStrategy[str]:
    return st.text(_LETTERS[kind], min_size=1, max_size=_MAX_RESIDUES)


@st.composite
def modifications(draw: st.DrawFn, kind: str, sequence: str) -> tuple[Modification, ...]:
    """At most two replacements of residues by components that come of them."""
    codes = _MODIFIED[kind]
    positions = [i for i, letter in enumerate(sequence, start=1) if letter in codes]
    chosen = (
        draw(st.lists(st.sampled_from(positions), max_size=2, unique=True)) if positions else []
    )
    return tuple(Modification(codes[sequence[i - 1]], i) for i in sorted(chosen))


@st.composite
def alignments(draw: st.DrawFn, kind: str, sequence: str) -> str:
    """None, or up to a dozen rows with gaps and insertions below the query."""
    letters = _LETTERS[kind] + "-"
    column = st.tuples(st.sampled_from(["", "", "", "a", "aag"]), st.sampled_from(letters))
    row = st.lists(column, min_size=len(sequence), max_size=len(sequence)).map(
        lambda columns: "".join(inserted + letter for inserted, letter in columns)
    )
    rows = draw(st.lists(row, max_size=12))
    if not rows:
        return ""
    return "".join(f">row{i}\n{text}\n" for i, text in enumerate([sequence, *rows]))


@st.composite
def entities(draw: st.DrawFn, ids: tuple[str, ...]) -> Protein | Rna | Dna | Ligand:
    kind = draw(st.sampled_from(["protein", "rna", "dna", "ligand"]))
    if kind == "ligand":
        return Ligand(ids, **draw(_LIGANDS))
    sequence = draw(sequences(kind))
    polymer = {
        "ids": ids,
        "sequence": sequence,
        "modifications": draw(modifications(kind, sequence)),
    }
    if kind == "dna":
        return Dna(**polymer)
    unpaired = draw(alignments(kind, sequence))
    if kind == "rna":
        return Rna(**polymer, unpaired_msa=unpaired)
    return Protein(**polymer, unpaired_msa=unpaired, paired_msa="", templates=())


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    """One to three chains, some of them of one entity."""
    ids = draw(st.sampled_from([["A"], ["A", "B"], ["A,B"], ["B,C", "A"], ["C", "B", "A"]]))
    seed = draw(st.integers(0, 2**32 - 1))
    return Job("random", (seed,), tuple(draw(entities(tuple(i.split(",")))) for i in ids))
