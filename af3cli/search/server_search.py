"""Homologues from an MSA server instead of local databases."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass

from af3cli.job.a3m import parse_a3m, without_insertions
from af3cli.search.database_search import DatabaseSearch
from af3cli.search.events import ChainSearched, OnEvent, ServerTroubled, ServerWaits
from af3cli.search.hits import Row
from af3cli.search.homologues import Homologues, WantedChain
from af3cli.search.server_client import FIRST_QUERY_NUMBER, Request, ServerClient
from af3cli.search.server_http import ServerError

_UNPAIRED_MODE = "env"  # UniRef and environmental sequences, filtered
_PAIRED_MODE = "pairgreedy"  # rows of which some chains may have no partner
_UNPAIRED_FILES = ("uniref.a3m", "bfd.")
_PAIRED_FILE = "pair.a3m"

_REPLACED = frozenset("BXZ")
_LETTERS = frozenset(string.ascii_letters + "-")


def privacy_note(url: str) -> str:
    """Says what leaves the machine."""
    return (
        f"the sequences of the jobs' protein chains are sent to {url} to be searched there; "
        "names, other molecules and results are not"
    )


@dataclass(frozen=True)
class ServerSearch:
    """Asks a server for the alignments of proteins; the rest comes from local databases."""

    client: ServerClient
    local: DatabaseSearch
    on_event: OnEvent

    def homologues(self, chains: Mapping[WantedChain, str]) -> dict[WantedChain, Homologues]:
        """Returns what there is for the `chains` of one job, each given with what to call it.

        Rows of different chains are paired as the server pairs them. Raises `ServerError`, or
        `InputError` if RNA is to be searched and there is no database for it.
        """
        wanted = {
            chain: label
            for chain, label in chains.items()
            if chain.molecule == "protein" and chain.given_msa is None and chain.is_long_enough
        }
        found = self.local.alignments({c: label for c, label in chains.items() if c not in wanted})
        paired = self._paired(wanted)
        for chain, label in wanted.items():
            found[chain] = Homologues(self._unpaired(chain, label), paired.get(chain))
        return self.local.with_templates(chains, {chain: found[chain] for chain in chains})

    def _unpaired(self, chain: WantedChain, label: str) -> tuple[list[Row], ...]:
        request = Request("msa", _UNPAIRED_MODE, (chain.sequence,))
        sections = self._ask(request, label, _UNPAIRED_FILES)
        return tuple(rows for (rows,) in sections)

    def _paired(self, chains: Mapping[WantedChain, str]) -> dict[WantedChain, list[Row]]:
        """Rows whose headers have a species each, so that row by row they are paired again."""
        sequences = tuple(dict.fromkeys(chain.sequence for chain in chains))
        if len(sequences) < 2:
            return {}
        request = Request("pair", _PAIRED_MODE, sequences)
        (sections,) = self._ask(request, ", ".join(chains.values()), (_PAIRED_FILE,))
        paired = {
            sequence: [_with_species(row, i) for i, row in enumerate(rows) if _is_real(row)]
            for sequence, rows in zip(sequences, sections, strict=True)
        }
        return {chain: paired[chain.sequence] for chain in chains}

    def _ask(self, request: Request, label: str, files: tuple[str, ...]) -> list[list[list[Row]]]:
        """The rows in each of the files whose names begin so, for each query."""
        known = self.client.known(request)
        texts = known
        if texts is None:
            texts = self.client.ask(
                request,
                lambda status, seconds: self.on_event(ServerWaits(label, status, seconds)),
                lambda trouble, pause: self.on_event(ServerTroubled(label, trouble, pause)),
            )
        names = [name for prefix in files for name in sorted(texts) if name.startswith(prefix)]
        if not any(name.startswith(files[0]) for name in names):
            raise self._unusable(f"the result has no {files[0]}")
        sections = [self._sections(name, texts[name], request) for name in names]
        if known is None:
            self.client.keep(request, texts)
        num_rows = sum(len(rows) for of_file in sections for rows in of_file)
        source = f"server ({request.kind})"
        self.on_event(ChainSearched(label, source, num_rows, known is not None))
        return sections

    def _sections(self, name: str, a3m: str, request: Request) -> list[list[Row]]:
        """The rows of each query in the file `name`, without the query.

        Raises `ServerError` if they are not what was asked for.
        """
        of_query = _split_sections(a3m)
        sections = []
        for number, sequence in enumerate(request.sequences, FIRST_QUERY_NUMBER):
            rows = of_query.get(str(number), [])
            if not rows or not _is_query(rows[0].aligned, sequence):
                raise self._unusable(
                    f"{name} of the result has no alignment that begins with the query {number} "
                    f"of {len(sequence)} residues"
                )
            for row in rows[1:]:
                if not _fits(row.aligned, len(sequence)):
                    raise self._unusable(
                        f"the row {row.name[:40]!r} of the result does not fit the query of "
                        f"{len(sequence)} residues"
                    )
            sections.append(rows[1:])
        if request.kind == "pair" and len(set(map(len, sections))) > 1:
            numbers = ", ".join(str(len(rows)) for rows in sections)
            raise self._unusable(
                f"{name} of the result pairs rows, but has not as many for each query: {numbers}"
            )
        return sections

    def _unusable(self, problem: str) -> ServerError:
        return ServerError(
            f"{self.client.url}: {problem}. It was not kept; the same command asks for it again."
        )


def _split_sections(a3m: str) -> dict[str, list[Row]]:
    """The rows of each query by its number; sections are set off by NUL characters."""
    sections = {}
    for section in a3m.split("\x00"):
        rows = [
            Row(*_split_header(header), 0.0, 0.0, row)
            for header, row in zip(*parse_a3m(section), strict=True)
        ]
        if rows:
            sections[rows[0].name] = rows
    return sections


def _is_query(row: str, sequence: str) -> bool:
    """Whether a first row is the sequence that was sent; servers replace letters such as X."""
    return len(row) == len(sequence) and all(
        found == sent or sent in _REPLACED for found, sent in zip(row, sequence, strict=True)
    )


def _split_header(header: str) -> tuple[str, str]:
    name, _, description = header.replace("\t", " ").partition(" ")
    return name, description.strip()


def _fits(row: str, num_columns: int) -> bool:
    return _LETTERS.issuperset(row) and len(without_insertions(row)) == num_columns


def _is_real(row: Row) -> bool:
    """Whether a chain has a partner in a paired row."""
    return bool(row.aligned.strip("-"))


def _with_species(row: Row, number: int) -> Row:
    """The row under a header in UniProt's form whose species is the number of the paired row."""
    name = f"tr|PAIRED|ROW_{number:05d}"
    return Row(name, row.header, row.evalue, row.score, row.aligned)
