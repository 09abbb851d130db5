"""What `af3 weights list` and `af3 weights info` print, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from af3cli.weights.catalogue import CATALOGUE, CatalogueEntry
from af3cli.weights.find import find_whole
from af3cli.weights.provenance import Weights, describe_depths


def catalogue_lines(weights_dir: Path | None = None) -> Iterator[str]:
    """Yields a paragraph per model of the catalogue: terms, widths, size, where it is here."""
    for entry in CATALOGUE.values():
        config = entry.config
        yield f"{entry.name}: {entry.title}"
        yield f"    here      {_place(entry, weights_dir)}"
        yield f"    licence   {entry.licence}"
        if entry.terms_url:
            yield f"    terms     {entry.terms_url}"
        if not entry.is_meaningless:
            yield f"    cutoff    {entry.training_cutoff or 'not known'}"
        yield f"    widths    single {config.single_width}, pair {config.pair_width}"
        yield f"    size      {_size(entry)}"
        for url in entry.urls:
            yield f"    source    {url}"
        if entry.sha256:
            yield f"    sha256    {entry.sha256}"


def _size(entry: CatalogueEntry) -> str:
    in_memory = f"{entry.num_bytes / 1e6:,.0f} MB in memory"
    if entry.file_bytes is None:
        return in_memory
    return f"{entry.file_bytes / 1e6:,.0f} MB to download, {in_memory}"


def _place(entry: CatalogueEntry, weights_dir: Path | None) -> str:
    if not entry.urls:
        return "made when needed"
    here, problems = find_whole(entry, weights_dir)
    return "; ".join([str(here or "no"), *problems])


def array_lines(weights: Weights) -> Iterator[str]:
    """Yields one line per array: bytes, dtype, shape, name."""
    for name, array in weights.arrays.items():
        shape = "×".join(map(str, array.shape)) or "1"
        yield f"{array.nbytes:>13,}  {array.dtype!s:<8}  {shape:<16}  {name}"


def summary_lines(weights: Weights) -> Iterator[str]:
    """Yields what is known of `weights` as a whole."""
    arrays = weights.arrays.values()
    facts = {
        "model": f"{weights.name} (family {weights.family})",
        "source": weights.checkpoint,
        "licence": weights.licence,
        "terms": weights.terms_url,
        "cutoff": weights.training_cutoff,
        "arrays": f"{len(arrays)}",
        "values": f"{sum(array.size for array in arrays):,}",
        "bytes": f"{sum(array.nbytes for array in arrays):,}",
        "sha256": weights.sha256,
    }
    yield from (f"{key:<8} {value}" for key, value in facts.items() if value)
    if not weights.checkpoint and not weights.is_meaningless:
        yield "If this is a renamed file of `af3 weights list`: af3 weights get NAME --from FILE"
    if not weights.is_of_known_depths:
        yield f"{describe_depths(weights.config)}; no known model has so many: is the file whole?"
    if weights.is_meaningless:
        yield "These are random numbers: everything computed with them is meaningless."
