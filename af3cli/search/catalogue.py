"""The databases that the official data pipeline searches, and how it searches each.

Names of files, limits and thresholds are those of google-deepmind/alphafold3 v3.0.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MoleculeKind = Literal["protein", "rna"]

# RNA shorter than this is searched with a more sensitive last filter.
SHORT_RNA = 50
_SHORT_RNA_F3 = 0.02


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What decides which targets HMMER reports.

    `f1`, `f2` and `f3` are the p-values that the MSV, Viterbi and Forward filters let through.
    `evalue` is for whole targets, `region_evalue` for each aligned region of a target that may be
    aligned in several. `max_rows` counts the query as a row; `None` is without limit.
    """

    tool: Literal["jackhmmer", "nhmmer", "hmmsearch"]
    f1: float
    f2: float
    f3: float
    evalue: float
    region_evalue: float
    max_rows: int | None


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A database: what it is for, its official file, and whether it is a folder of structures.

    `official_size` is that of the official file, in sequences, or megabases of RNA: what E-values
    are for when it is cut into shards.
    """

    name: str
    molecule: MoleculeKind
    purpose: str
    file_name: str
    max_rows: int | None = None
    official_size: float | None = None
    is_folder: bool = False


_ENTRIES = (
    CatalogueEntry("uniref90", "protein", "MSA", "uniref90_2022_05.fa", 10_000, 153_742_194),
    CatalogueEntry("mgnify", "protein", "MSA", "mgy_clusters_2022_05.fa", 5_000, 623_796_864),
    CatalogueEntry(
        "small_bfd", "protein", "MSA", "bfd-first_non_consensus_sequences.fasta", 5_000, 65_984_053
    ),
    CatalogueEntry(
        "uniprot", "protein", "paired MSA", "uniprot_all_2021_04.fa", 50_000, 225_619_586
    ),
    CatalogueEntry(
        "rfam", "rna", "MSA", "rfam_14_9_clust_seq_id_90_cov_80_rep_seq.fasta", 10_000, 138.115553
    ),
    CatalogueEntry(
        "rnacentral",
        "rna",
        "MSA",
        "rnacentral_active_seq_id_90_cov_80_linclust.fasta",
        10_000,
        13_271.415730,
    ),
    CatalogueEntry(
        "nt",
        "rna",
        "MSA",
        "nt_rna_2023_02_23_clust_seq_id_90_cov_80_rep_seq.fasta",
        10_000,
        76_752.808514,
    ),
    CatalogueEntry("seqres", "protein", "template search", "pdb_seqres_2022_09_28.fasta"),
    CatalogueEntry("pdb", "protein", "template structures", "mmcif_files", is_folder=True),
)
CATALOGUE = {entry.name: entry for entry in _ENTRIES}

# The order in which alignments are put one below the other, by what they are searched for.
UNPAIRED_PROTEIN = ("uniref90", "small_bfd", "mgnify")
PAIRED_PROTEIN = ("uniprot",)
UNPAIRED_RNA = ("rfam", "rnacentral", "nt")


def search_options(database: str, query_length: int) -> SearchOptions:
    """Returns the official options for a query of `query_length` letters against `database`."""
    entry = CATALOGUE[database]
    if entry.name == "seqres":
        return SearchOptions("hmmsearch", 0.1, 0.1, 0.1, 100.0, 100.0, None)
    if entry.molecule == "protein":
        return SearchOptions("jackhmmer", 5e-4, 5e-5, 5e-7, 1e-4, 1e-3, entry.max_rows)
    f3 = _SHORT_RNA_F3 if query_length < SHORT_RNA else 1e-5
    return SearchOptions("nhmmer", 0.02, 3e-3, f3, 1e-3, 1e-3, entry.max_rows)
