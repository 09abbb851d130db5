"""Says how deep the alignments of jobs are and where they come from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from af3cli.wording import counted, printable, some

if TYPE_CHECKING:
    from af3cli.runs.plan import PlannedJob
    from af3cli.search.chain_inputs import ChainInputs

# More jobs than this are told of together; each still has its depths beside its result.
_SINGLE_LINES = 20


def describe_chain_inputs(jobs: Sequence[PlannedJob]) -> Iterator[str]:
    """Yields a line for each job, or for many jobs one for each place alignments come from."""
    if len(jobs) <= _SINGLE_LINES:
        for job in jobs:
            if any(job.chains.msa_source):
                sources = some(_distinct(job.chains.msa_source + job.chains.template_source))
                yield f"{printable(job.name)}: {describe_depths(job.chains)} ({sources})"
        return
    depths: dict[str, list[int]] = defaultdict(list)
    for job in jobs:
        for source, depth in zip(job.chains.msa_source, job.chains.unpaired_msa_depth, strict=True):
            if source:
                depths[source].append(depth)
    for source, of_chains in depths.items():
        fewest, most = min(of_chains), max(of_chains)
        rows = f", {fewest:,} to {most:,} rows" if most else ""
        yield f"MSA of {counted(len(of_chains), 'chain')}: {source}{rows}"


def describe_depths(chains: ChainInputs) -> str:
    """Returns, such as `MSA A, B 1204 rows + 310 paired, 4 templates; C none`."""
    alike: dict[str, list[str]] = defaultdict(list)
    for chain, source, unpaired, paired, templates in zip(
        chains.chain_id,
        chains.msa_source,
        chains.unpaired_msa_depth,
        chains.paired_msa_depth,
        chains.num_templates,
        strict=True,
    ):
        if source:
            alike[_depths(unpaired, paired, templates)].append(chain)
    return "MSA " + "; ".join(f"{some(ids)} {text}" for text, ids in alike.items())


def _depths(unpaired: int, paired: int, templates: int) -> str:
    rows = counted(unpaired, "row") if unpaired else "none"
    more = f" + {paired} paired" if paired else ""
    return rows + more + (f", {counted(templates, 'template')}" if templates else "")


def _distinct(sources: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(source for source in sources if source))
