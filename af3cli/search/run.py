"""Fills in what many jobs lack, some chains at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from af3cli.errors import InputError
from af3cli.job.types import Job
from af3cli.search.cache import Cache, default_folder
from af3cli.search.database_rows import DatabaseRows
from af3cli.search.database_search import DatabaseSearch
from af3cli.search.events import Note, OnEvent
from af3cli.search.homologues import Homologues, WantedChain, fill_job, wanted_chains
from af3cli.search.plan import STRUCTURES, TEMPLATE_DATABASE, UNPAIRED, SearchPlan
from af3cli.search.server_client import ServerClient
from af3cli.search.server_search import ServerSearch, privacy_note

# So many chains share one pass over a database; jobs are done in groups of about as many.
CHAINS_AT_ONCE = 8
_JOBS_AT_ONCE = 100
_NOT_ON_SERVERS = (*UNPAIRED["rna"], TEMPLATE_DATABASE, STRUCTURES)


def check_sources(job: Job, plan: SearchPlan) -> None:
    """Raises `InputError` if there is nothing to make alignments from for a kind of its chains."""
    for chain, label in wanted_chains([job]).items():
        if chain.given_msa is None and chain.is_long_enough and not plan.has_source(chain.molecule):
            kind = "protein" if chain.molecule == "protein" else "RNA"
            raise InputError(
                f"{label}: there is no {kind} database to search. Name at least one of "
                f"{', '.join(UNPAIRED[chain.molecule])} with --db NAME=PATH, or write "
                '"unpairedMsa": "" into the job to do without.'
            )


def search_jobs(
    jobs: Iterable[Job], plan: SearchPlan, on_event: OnEvent = lambda event: None
) -> Iterator[Job]:
    """Yields the jobs in order, with alignments and templates for the chains that lack them.

    Jobs come out as soon as the group they are in is done; equal chains are searched once, and
    what has been found is kept in a cache. Raises `InputError` if databases are missing or cannot
    be used, `ServerError` if a server fails, `OutputError` if nothing can be kept. See
    `check_sources` for what can be known before.
    """
    cache = Cache(plan.cache_folder or default_folder())
    cache.check_writable()
    rows = DatabaseRows(cache, on_event, plan.num_threads)
    local = DatabaseSearch(plan.databases, rows, plan.latest_template)
    if plan.server_url is None:
        server, chains_at_once = None, CHAINS_AT_ONCE
    else:
        server = ServerSearch(ServerClient(plan.server_url, cache), local, on_event)
        chains_at_once = 0  # rows are paired for one job
        on_event(Note(privacy_note(plan.server_url)))
    noted: set[str] = set()
    for group in _groups(jobs, plan, chains_at_once):
        chains = wanted_chains(group)
        found: Mapping[WantedChain, Homologues] = {}
        if chains:
            notes = list(_notes(chains, local, server is not None))
            for text in notes:
                if text not in noted:
                    on_event(Note(text))
            noted.update(notes)
            found = server.homologues(chains) if server else local.homologues(chains)
        yield from (fill_job(job, found) for job in group)


def _groups(jobs: Iterable[Job], plan: SearchPlan, chains_at_once: int) -> Iterator[Sequence[Job]]:
    group: list[Job] = []
    chains: set[WantedChain] = set()
    for job in jobs:
        check_sources(job, plan)
        wanted = wanted_chains([job]).keys()
        if group and (len(chains | wanted) > chains_at_once or len(group) == _JOBS_AT_ONCE):
            yield group
            group, chains = [], set()
        group.append(job)
        chains |= wanted
    if group:
        yield group


def _notes(
    chains: Mapping[WantedChain, str], local: DatabaseSearch, has_server: bool
) -> Iterator[str]:
    """What will be missing from the results."""
    for chain, label in chains.items():
        if not chain.is_long_enough:
            yield f"{label}: too short ({len(chain.sequence)}) for the model to use an alignment"
    names = local.missing(chains)
    if has_server:
        names = [name for name in names if name in _NOT_ON_SERVERS]
    if names:
        yield f"not searched, as they are not configured: {', '.join(names)}"
