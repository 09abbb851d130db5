"""Fills in what many jobs lack, some chains at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from af3cli.job.types import Job
from af3cli.search.cache import Cache, default_folder
from af3cli.search.database_rows import DatabaseRows
from af3cli.search.database_search import LATEST_TEMPLATE, DatabaseSearch
from af3cli.search.databases import Database
from af3cli.search.events import Note, OnEvent
from af3cli.search.homologues import Chain, Homologues, fill_job, wanted_chains
from af3cli.search.server_client import ServerClient
from af3cli.search.server_search import ServerSearch, privacy_note

# So many chains share one pass over a database; jobs are done in groups of about as many.
CHAINS_AT_ONCE = 8


@dataclass(frozen=True)
class SearchPlan:
    """Where to look: local databases, and for proteins a server in place of them if there is one.

    Templates may have been released until the day `latest_template`. `num_threads` is that of all
    processors if it is `None`, and `cache_folder` the user's cache.
    """

    databases: Mapping[str, Database]
    server_url: str | None = None
    latest_template: date = LATEST_TEMPLATE
    num_threads: int | None = None
    cache_folder: Path | None = None


def search_jobs(
    jobs: Iterable[Job], plan: SearchPlan, on_event: OnEvent = lambda event: None
) -> Iterator[Job]:
    """Yields the jobs in order, with alignments and templates for the chains that lack them.

    Jobs come out as soon as the group they are in is done; equal chains are searched once, and
    what has been found is kept in a cache. Raises `InputError` if databases are missing or cannot
    be used, `ServerError` if a server fails.
    """
    cache = Cache(plan.cache_folder or default_folder())
    rows = DatabaseRows(cache, on_event, plan.num_threads)
    local = DatabaseSearch(plan.databases, rows, plan.latest_template)
    if plan.server_url is None:
        server, chains_at_once = None, CHAINS_AT_ONCE
    else:
        server = ServerSearch(ServerClient(plan.server_url, cache), local, on_event)
        chains_at_once = 0  # rows are paired for one job
        on_event(Note(privacy_note(plan.server_url)))
    noted: set[str] = set()
    for group in _groups(jobs, chains_at_once):
        chains = wanted_chains(group)
        found: Mapping[Chain, Homologues] = {}
        if chains:
            notes = list(_notes(chains, local, server is not None))
            for text in notes:
                if text not in noted:
                    on_event(Note(text))
            noted.update(notes)
            found = server.homologues(chains) if server else local.homologues(chains)
        yield from (fill_job(job, found) for job in group)


def _groups(jobs: Iterable[Job], chains_at_once: int) -> Iterator[Sequence[Job]]:
    group: list[Job] = []
    for job in jobs:
        if group and len(wanted_chains([*group, job])) > chains_at_once:
            yield group
            group = []
        group.append(job)
    if group:
        yield group


def _notes(chains: Mapping[Chain, str], local: DatabaseSearch, has_server: bool) -> Iterator[str]:
    """What will be missing from the results."""
    for chain, label in chains.items():
        if not chain.is_long_enough:
            yield f"{label}: too short ({len(chain.sequence)}) for the model to use an alignment"
    names = local.missing(chains)
    if has_server:
        names = [name for name in names if name in ("rfam", "rnacentral", "nt", "seqres", "pdb")]
    if names:
        yield f"not searched, as they are not configured: {', '.join(names)}"
