"""What results are, in lines and tables for people: of an embedding file, of a predicted job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from af3cli.output.embeddings import EmbeddingsFile, Entry
from af3cli.output.prediction_reader import Prediction, SavedSample
from af3cli.wording import counted, some

# More chains than these make a matrix that no screen holds.
_MOST_CHAINS = 12


@dataclass(frozen=True)
class Table:
    """Rows of texts, all of one length; the first is the heading."""

    title: str
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Overview:
    """What there is to know at first sight of one file or folder."""

    title: str
    lines: Sequence[str]
    tables: Sequence[Table]


def embeddings_overview(title: str, file: EmbeddingsFile) -> Overview:
    """Returns which model made an embedding file, and a table of its entries."""
    about = file.attributes
    lines = [
        f"{counted(len(file), 'entry', 'entries')}, made with the parameters "
        f"{about['weights_name']} (sha256 {str(about['weights_sha256'])[:12]}…), "
        f"{counted(int(about['num_recycles']), 'recycle')}, {about['precision']}"
    ]
    if warning := about.get("meaningless"):
        lines.append(str(warning))
    heading = ("entry", "tokens", "rows of chains", "rows of alignments", "arrays")
    rows = (
        (
            entry.name,
            str(entry.num_tokens),
            some(list(_rows_of_chains(entry)), shown=6),
            some(list(_depths(entry)), shown=6) or "none",
            f"{', '.join(entry.attributes['include'])} ({entry.attributes['dtype']})",
        )
        for entry in file.values()
    )
    return Overview(title, lines, [Table("entries", [heading, *rows])])


def prediction_overview(prediction: Prediction) -> Overview:
    """Returns the structures of a job by rank, and what the best one says of its chains."""
    seeds = sorted({sample.seed for sample in prediction.samples})
    lines = [
        f"{counted(len(prediction.samples), 'structure')} of "
        f"{'seed' if len(seeds) == 1 else 'seeds'} {some(list(map(str, seeds)))}",
        *(line for line in prediction.terms.splitlines() if line),
    ]
    best = prediction.samples[0]
    tables = [_ranking(prediction.samples), _chains(best)]
    return Overview(prediction.folder.name, lines, tables)


def _rows_of_chains(entry: Entry) -> Iterator[str]:
    """Yields of each chain what it is and how many rows it has, such as C NAD 44."""
    tokens = entry.tokens
    for chain in dict.fromkeys(tokens["chain_id"].tolist()):
        of_chain = tokens[tokens["chain_id"] == chain]
        kind = of_chain["molecule_type"][0]
        if kind == "ligand":
            residues = of_chain[np.unique(of_chain["residue_id"], return_index=True)[1]]
            kind = "-".join(residues["residue_name"].tolist())
        yield f"{chain} {kind} {len(of_chain)}"


def _depths(entry: Entry) -> Iterator[str]:
    """Yields how deep the alignments of chains are that have some, query included."""
    about = entry.attributes
    depths = np.maximum(about["unpaired_msa_depth"], about["paired_msa_depth"])
    for chain, depth in zip(about["msa_chain_ids"], depths.tolist(), strict=True):
        if depth:
            yield f"{chain} {depth}"


def _ranking(samples: Sequence[SavedSample]) -> Table:
    figures = ("ranking_score", "ptm", "iptm", "fraction_disordered")
    rows = (
        (
            str(sample.seed),
            str(sample.number),
            *(_text(sample.figure(name)) for name in figures),
            "yes" if sample.figure("has_clash") > 0 else "no",
        )
        for sample in samples
    )
    heading = ("seed", "sample", "ranking score", "pTM", "ipTM", "disordered", "clash")
    return Table("structures, the best first", [heading, *rows])


def _chains(sample: SavedSample) -> Table:
    """The confidence in chains and pairs of them, these only if they are few."""
    chains = sample.chain_ids
    columns = [sample.figure("chain_ptm"), sample.figure("chain_iptm")]
    heading = ["chain", "pTM", "ipTM"]
    if 1 < len(chains) <= _MOST_CHAINS:
        for name, what in (("chain_pair_iptm", "ipTM"), ("chain_pair_pae_min", "least PAE")):
            columns += list(sample.figure(name).T)
            heading += [f"{what} with {chain}" for chain in chains]
    rows = (
        (chain, *(_text(column[row]) for column in columns)) for row, chain in enumerate(chains)
    )
    return Table(f"chains of {sample.folder.name}", [heading, *rows])


def _text(figure: Float32[np.ndarray, ""]) -> str:
    return "-" if np.isnan(figure) else f"{figure:.2f}"
