"""Parameters in memory, with what is known of where they come from."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from af3cli.model.config import ModelConfig, depths
from af3cli.weights.catalogue import CATALOGUE, SYNTHETIC, CatalogueEntry, configs_of

NATIVE_FORMAT = "af3cli-parameters"


@dataclass(frozen=True)
class Weights:
    """Model parameters and their provenance.

    `arrays` has the official names `scope:name` (see `schema.official_schema`); do not change them.
    `path` is None for parameters that were made and not read. `checkpoint` is the name of the file
    as its owner published it, also after conversion, and empty if that is not known.
    """

    name: str
    family: str
    checkpoint: str
    licence: str
    terms_url: str | None
    output_terms_url: str | None
    training_cutoff: str | None
    is_meaningless: bool
    path: Path | None
    config: ModelConfig
    arrays: dict[str, np.ndarray] = field(repr=False)
    digest: Future[str] = field(repr=False)

    @property
    def is_of_known_depths(self) -> bool:
        """Whether a known model of the family has as many blocks; random ones may have any."""
        return self.is_meaningless or self.config in configs_of(self.family)

    @property
    def sha256(self) -> str:
        """The digest of the file as its owner published it, also after conversion.

        Waits for it if it is still being computed.
        """
        return self.digest.result()


def with_provenance(
    family: str,
    path: Path | None,
    config: ModelConfig,
    arrays: dict[str, np.ndarray],
    digest: Future[str],
    name: str | None = None,
) -> Weights:
    """Returns weights with what the catalogue knows of them.

    Without a `name`, they are those of the family that have this configuration. Of PyTorch
    checkpoints, and where several have it, the file must also be called as it was published:
    others of the same shapes have other terms and cutoffs.
    """
    entry = CATALOGUE.get(name or "")
    if entry is None or entry.family != family:
        entry = _entry(family, path, config)
    return Weights(
        name=entry.name if entry else f"{family} (unnamed)",
        family=family,
        checkpoint=entry.file_names[0] if entry and entry.urls else "",
        licence=entry.licence
        if entry
        else "unknown: not parameters that are known here by the name of their file",
        terms_url=entry.terms_url if entry else None,
        output_terms_url=entry.output_terms_url if entry else None,
        training_cutoff=entry.training_cutoff if entry else None,
        is_meaningless=family == SYNTHETIC.family,
        path=path,
        config=config,
        arrays=arrays,
        digest=digest,
    )


def _entry(family: str, path: Path | None, config: ModelConfig) -> CatalogueEntry | None:
    entries = [
        entry for entry in CATALOGUE.values() if (entry.family, entry.config) == (family, config)
    ]
    if len(entries) > 1 or any(entry.is_torch_file for entry in entries):
        entries = [entry for entry in entries if path and path.name in entry.file_names]
    if not entries and family == SYNTHETIC.family:
        return SYNTHETIC
    return entries[0] if entries else None


def describe_depths(config: ModelConfig) -> str:
    """Returns how many blocks the stacks have, as in "blocks: 48 pairformer, 4 MSA"."""
    blocks = (f"{depth} {stack}" for stack, depth in depths(config).items())
    return "blocks: " + ", ".join(blocks).replace("msa", "MSA")


def native_metadata(weights: Weights) -> dict[str, str]:
    """Returns what a converted file tells of its source."""
    facts = {
        "format": NATIVE_FORMAT,
        "format_version": "1",
        "name": weights.name,
        "family": weights.family,
        "licence": weights.licence,
        "terms_url": weights.terms_url,
        "training_cutoff": weights.training_cutoff,
        "source_sha256": weights.sha256,
    }
    return {key: value for key, value in facts.items() if value}


def known_digest(sha256: str | None) -> Future[str]:
    """Returns a digest that needs no computing."""
    digest: Future[str] = Future()
    digest.set_result(sha256 or "")
    return digest
