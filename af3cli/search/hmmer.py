"""HMMER in process: queries that are searched in blocks of a database.

Equal to the programs jackhmmer (one iteration), nhmmer and hmmsearch of HMMER 3 (Eddy 2011,
doi:10.1371/journal.pcbi.1002195) as the official data pipeline calls them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from af3cli.errors import InputError
from af3cli.search.catalogue import MoleculeKind, SearchOptions
from af3cli.search.hits import Hit, Region
from af3cli.search.records import FileRange, as_file

if TYPE_CHECKING:
    from pyhmmer.easel import Alphabet, SequenceFile
    from pyhmmer.plan7 import HMM, Alignment, OptimizedProfile, Pipeline, TopHits
    from pyhmmer.plan7 import Hit as HmmerHit

# For long targets E-values are taken for this many megabases on both strands, then scaled.
_PROBE_MEGABASES = 1.0
_PROBE_RESIDUES = 2e6
_ANY = 1e300
_MAX_PROTEIN = 100_000
_NO_COLUMN = "."
# Letters of HMMER's alphabets that are neither residues nor gaps.
_UNKNOWN_AMINO_ACID = str.maketrans("*~", "XX")
_UNKNOWN_NUCLEOTIDE = str.maketrans("*~", "NN")
_ASCII = bytes(byte if byte < 128 else ord("?") for byte in range(256))


@dataclass(frozen=True)
class Query:
    """A profile and how it is searched; `length` is its number of columns."""

    profile: HMM
    molecule: MoleculeKind
    options: SearchOptions

    @property
    def length(self) -> int:
        return self.profile.M


@dataclass(frozen=True, slots=True)
class BlockHits:
    """Hits in one block, with E-values for a database of size 1, and the size of the block.

    Sizes are numbers of sequences for proteins, residues on both strands for RNA.
    """

    hits: list[Hit]
    size: float


def alphabet(molecule: MoleculeKind) -> Alphabet:
    """Returns the alphabet in which HMMER reads sequences of this kind."""
    from pyhmmer.easel import Alphabet

    return Alphabet.amino() if molecule == "protein" else Alphabet.rna()


def known_letters(sequence: str, molecule: MoleculeKind) -> str:
    """Returns a sequence in which letters that HMMER does not know are X, or N in RNA."""
    symbols = alphabet(molecule).symbols
    unknown = "X" if molecule == "protein" else "N"
    return "".join(letter if letter in symbols else unknown for letter in sequence)


def sequence_query(sequence: str, molecule: MoleculeKind, options: SearchOptions) -> Query:
    """Returns the query that a single sequence makes, by a substitution matrix."""
    from pyhmmer.easel import TextSequence
    from pyhmmer.plan7 import Background, Builder

    letters = alphabet(molecule)
    known = known_letters(sequence, molecule)
    digital = TextSequence(name="query", sequence=known).digitize(letters)
    profile, _, _ = Builder(letters).build(digital, Background(letters))
    return Query(profile, molecule, options)


def database_size(megabases_or_sequences: float, molecule: MoleculeKind) -> float:
    """Returns the size that a Z value means: sequences, or megabases of RNA, as HMMER's `-Z`."""
    if molecule == "protein":
        return megabases_or_sequences
    return 2.0 * int(1e6 * megabases_or_sequences)


class RecordSearch:
    """Searches FASTA records for queries of one molecule; not for two threads at once.

    HMMER reads the records itself, for each query again, without the interpreter's lock: Python
    objects for every record would keep other threads waiting.
    """

    def __init__(self, queries: Sequence[Query]) -> None:
        self._alphabet = alphabet(queries[0].molecule)
        self._is_protein = queries[0].molecule == "protein"
        self._pipelines = {query.options: _pipeline(query) for query in queries}
        self._profiles = [(query, _searched_profile(query)) for query in queries]

    def run(self, records: FileRange | bytes, source: Path) -> list[BlockHits]:
        """Returns what each query finds in `records`, which come from the file `source`.

        Text that is not UTF-8 is read as ASCII, with `?` for what is not. Raises `InputError` if
        they are no records of the molecule, `OSError` if they cannot be read.
        """
        try:
            return self._search_all(records)
        except ValueError:
            content = records if isinstance(records, bytes) else records.read()
        content = content.translate(_ASCII)
        try:
            return self._search_all(content)
        except ValueError as error:
            raise InputError(f"{source}: {self._what_is_wrong(content) or error}") from None

    def _search_all(self, records: FileRange | bytes) -> list[BlockHits]:
        found = []
        for query, profile in self._profiles:
            with self._opened(records) as file:
                found.append(self._search(query, profile, file))
        return found

    def _search(
        self, query: Query, profile: HMM | OptimizedProfile, file: SequenceFile
    ) -> BlockHits:
        pipeline = self._pipelines[query.options]
        pipeline.clear()
        found = pipeline.search_hmm(profile, file)
        if query.molecule == "rna":
            return BlockHits(list(_long_target_hits(found)), float(found.searched_residues))
        return BlockHits(list(_hits(found, query.length)), float(found.searched_sequences))

    @contextmanager
    def _opened(self, records: FileRange | bytes) -> Iterator[SequenceFile]:
        from pyhmmer.easel import SequenceFile

        with (
            as_file(records) as name,
            SequenceFile(name, format="fasta", digital=True, alphabet=self._alphabet) as file,
        ):
            yield file

    def _what_is_wrong(self, records: bytes) -> str | None:
        """Says which record cannot be read or searched, and why."""
        name = None
        with self._opened(records) as file:
            try:
                for record in file:
                    name = record.name
                    if self._is_protein and len(record) > _MAX_PROTEIN:
                        return (
                            f"the record {name!r} has {len(record):,} residues, and HMMER searches "
                            f"proteins of {_MAX_PROTEIN:,} at most; remove it from the database"
                        )
            except ValueError as error:
                return f"the record after {name!r} cannot be read: {error}" if name else str(error)
        return None


def _searched_profile(query: Query) -> HMM | OptimizedProfile:
    """The profile in the form that a pipeline need not convert for every block, if it takes it."""
    from pyhmmer.plan7 import Background

    if query.molecule == "rna":
        return query.profile
    return query.profile.to_profile(Background(query.profile.alphabet)).to_optimized()


def _pipeline(query: Query) -> Pipeline:
    """A pipeline that lets through all that the filters let through."""
    from pyhmmer.plan7 import LongTargetsPipeline, Pipeline

    options = query.options
    filters = {"F1": options.f1, "F2": options.f2, "F3": options.f3}
    letters = alphabet(query.molecule)
    if query.molecule == "rna":
        return LongTargetsPipeline(letters, Z=_PROBE_MEGABASES, E=_ANY, incE=_ANY, **filters)
    return Pipeline(
        letters,
        Z=1,
        domZ=1,
        E=options.evalue,
        incE=options.evalue,
        domE=options.region_evalue,
        incdomE=options.region_evalue,
        **filters,
    )


def _hits(found: TopHits, num_columns: int) -> Iterator[Hit]:
    for hit in found.included:
        regions = []
        for domain in hit.domains.included:
            alignment = domain.alignment
            row = "".join(
                (
                    "-" * (alignment.hmm_from - 1),
                    _a3m(alignment),
                    "-" * (num_columns - alignment.hmm_to),
                )
            )
            regions.append(Region(alignment.target_from, alignment.target_to, domain.pvalue, row))
        yield _hit(hit, hit.pvalue, regions)


def _a3m(alignment: Alignment) -> str:
    """The aligned part of a target; what is no residue there is an unknown one."""
    return "".join(
        _inserted(letter) if model == _NO_COLUMN else letter.translate(_UNKNOWN_AMINO_ACID)
        for model, letter in zip(alignment.hmm_sequence, alignment.target_sequence, strict=True)
    )


def _inserted(letter: str) -> str:
    return letter if letter.islower() else "x"


def _long_target_hits(found: TopHits) -> Iterator[Hit]:
    """The hits of nhmmer; their rows are no rows of A3M yet but the plain sequences."""
    for hit in found.included:
        alignment = hit.domains[0].alignment
        sequence = alignment.target_sequence.replace("-", "").upper().translate(_UNKNOWN_NUCLEOTIDE)
        region = Region(alignment.target_from, alignment.target_to, 0.0, sequence)
        yield _hit(hit, hit.pvalue / _PROBE_RESIDUES, [region])


def _hit(hit: HmmerHit, evalue: float, regions: list[Region]) -> Hit:
    description = f"[subseq from] {hit.description or hit.name}"
    return Hit(hit.name, description, hit.score, evalue, tuple(regions))
