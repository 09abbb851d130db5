"""Searches for what planned jobs lack, without holding what is found in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from af3cli.errors import InputError
from af3cli.job import Job, job_digest, parse_jobs, to_alphafold3_json
from af3cli.runs.plan import PlannedJob
from af3cli.search.cache import Cache, default_folder, digest
from af3cli.search.chain_inputs import chain_inputs, provenances
from af3cli.search.events import OnEvent
from af3cli.search.plan import SearchPlan
from af3cli.search.provenance import Provenance
from af3cli.search.run import search_jobs


def search_planned(
    jobs: Sequence[PlannedJob], plan: SearchPlan, on_event: OnEvent = lambda event: None
) -> list[PlannedJob]:
    """Returns the jobs with what was searched for in place of what they lack.

    Each filled job is kept in the cache of the search, from where its `load` takes it. Its digest
    is that of the job with all that was found, so that equal digests mean equal inputs.

    Raises:
        InputError: a job has changed, or a database cannot be used.
        ServerError: a server fails. What was finished is kept in either case.
    """
    cache = Cache(plan.cache_folder or default_folder())
    wanting = [job for job in jobs if job.chains.wants_search]
    sources: dict[PlannedJob, Mapping[str, Provenance]] = {}

    def loaded() -> Iterator[Job]:
        for planned in wanting:
            job = planned.load_unchanged()
            sources[planned] = provenances(job, plan)
            yield job

    filled = search_jobs(loaded(), plan, on_event)
    found = {
        planned: _plan_filled(planned, job, sources.pop(planned), cache)
        for planned, job in zip(wanting, filled, strict=True)
    }
    return [found.get(job, job) for job in jobs]


def _plan_filled(
    planned: PlannedJob, filled: Job, sources: Mapping[str, Provenance], cache: Cache
) -> PlannedJob:
    """The summary of a job that was planned without what has been found for it."""
    job_sha256 = job_digest(filled)
    key = digest("filled job", job_sha256)
    if cache.texts(key) is None:
        cache.keep_texts(key, {"job": to_alphafold3_json(filled)})

    def load() -> Job:
        texts = cache.texts(key)
        if texts is None:
            raise InputError(
                f"job {planned.name!r}: what was found for it is no longer in the search's cache; "
                "the same command searches again"
            )
        (found,) = parse_jobs(texts["job"])
        return replace(planned.load(), entities=found.entities)

    chains = chain_inputs(filled, planned.chains.chain_id, sources)
    return replace(planned, digest=job_sha256, chains=chains, load=load)
