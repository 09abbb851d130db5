"""HMMER in process: queries that are searched in blocks of a database.

Equal to the programs jackhmmer (one iteration), nhmmer and hmmsearch of HMMER 3 (Eddy 2011,
doi:10.1371/journal.pcbi.1002195) as the official data pipeline calls them.
"""

from __future__ import annotations

import io
import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from af3cli.errors import InputError
from af3cli.search.catalogue import MoleculeKind, SearchOptions
from af3cli.search.hits import Hit, Region

if TYPE_CHECKING:
    from pyhmmer.easel import Alphabet, SequenceFile
    from pyhmmer.plan7 import HMM, Pipeline, TopHits
    from pyhmmer.plan7 import Hit as HmmerHit

# For long targets E-values are taken for this many megabases on both strands, then scaled.
_PROBE_MEGABASES = 1.0
_PROBE_RESIDUES = 2e6
_ANY = 1e300

_of_thread = threading.local()


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


def search_records(queries: Sequence[Query], data: bytes) -> list[BlockHits]:
    """Searches FASTA records for all queries (of one molecule).

    Safe to call from many threads: each has its own pipelines. HMMER reads the records itself, for
    each query again, without the interpreter's lock: Python objects for every record would keep
    other threads waiting. Raises `InputError` if the records are not those of the molecule.
    """
    from pyhmmer.easel import SequenceFile

    letters = alphabet(queries[0].molecule)
    found = []
    with _as_file(data) as name:
        for query in queries:
            try:
                with SequenceFile(name, format="fasta", digital=True, alphabet=letters) as file:
                    found.append(_search_file(query, file))
            except ValueError as error:
                raise InputError(_what_is_wrong(data, letters) or str(error)) from None
    return found


@contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """A name under which HMMER can open the data; in memory where the system has that.

    Each thread has one such file, whose memory is used again.
    """
    if not hasattr(os, "memfd_create"):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            yield file.name
        return
    if not hasattr(_of_thread, "file"):
        _of_thread.file = os.fdopen(os.memfd_create("af3cli"), "r+b", buffering=0)
    descriptor = _of_thread.file.fileno()
    written = 0
    while written < len(data):
        written += os.pwrite(descriptor, memoryview(data)[written:], written)
    os.ftruncate(descriptor, len(data))
    yield f"/proc/self/fd/{descriptor}"


def _what_is_wrong(data: bytes, letters: Alphabet) -> str | None:
    """Says which record cannot be read, and why."""
    from pyhmmer.easel import SequenceFile

    name = None
    with SequenceFile(io.BytesIO(data), format="fasta", digital=True, alphabet=letters) as file:
        try:
            for record in file:
                name = record.name
        except ValueError as error:
            return f"the record after {name!r} cannot be read: {error}" if name else str(error)
    return None


def _search_file(query: Query, file: SequenceFile) -> BlockHits:
    pipeline = _pipeline(query)
    found = pipeline.search_hmm(query.profile, file)
    hits = list(_long_target_hits(found) if query.molecule == "rna" else _hits(found, query.length))
    size = found.searched_residues if query.molecule == "rna" else found.searched_sequences
    pipeline.clear()
    return BlockHits(hits, float(size))


def _pipeline(query: Query) -> Pipeline:
    """A pipeline of this thread that lets through all that the filters let through."""
    from pyhmmer.plan7 import LongTargetsPipeline, Pipeline

    options = query.options
    pipelines = _of_thread.__dict__.setdefault("pipelines", {})
    if options not in pipelines:
        filters = {"F1": options.f1, "F2": options.f2, "F3": options.f3}
        letters = alphabet(query.molecule)
        if query.molecule == "rna":
            pipelines[options] = LongTargetsPipeline(
                letters, Z=_PROBE_MEGABASES, E=_ANY, incE=_ANY, **filters
            )
        else:
            pipelines[options] = Pipeline(
                letters,
                Z=1,
                domZ=1,
                E=options.evalue,
                incE=options.evalue,
                domE=options.region_evalue,
                incdomE=options.region_evalue,
                **filters,
            )
    return pipelines[options]


def _hits(found: TopHits, num_columns: int) -> Iterator[Hit]:
    for hit in found.included:
        regions = []
        for domain in hit.domains.included:
            alignment = domain.alignment
            row = "".join(
                (
                    "-" * (alignment.hmm_from - 1),
                    alignment.target_sequence,
                    "-" * (num_columns - alignment.hmm_to),
                )
            ).replace("*", "X")
            regions.append(Region(alignment.target_from, alignment.target_to, domain.pvalue, row))
        yield _hit(hit, hit.pvalue, regions)


def _long_target_hits(found: TopHits) -> Iterator[Hit]:
    """The hits of nhmmer; their rows are no rows of A3M yet but the plain sequences."""
    for hit in found.included:
        alignment = hit.domains[0].alignment
        sequence = alignment.target_sequence.replace("-", "").upper()
        region = Region(alignment.target_from, alignment.target_to, 0.0, sequence)
        yield _hit(hit, hit.pvalue / _PROBE_RESIDUES, [region])


def _hit(hit: HmmerHit, evalue: float, regions: list[Region]) -> Hit:
    description = f"[subseq from] {hit.description or hit.name}"
    return Hit(hit.name, description, hit.score, evalue, tuple(regions))
