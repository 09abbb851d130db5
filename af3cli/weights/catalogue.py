"""The models that this program knows by name."""

from __future__ import annotations

from dataclasses import dataclass

from af3cli.model.config import OFFICIAL, ModelConfig, reduced


@dataclass(frozen=True)
class CatalogueEntry:
    """One set of parameters: whose it is, under which terms, and how to recognise it.

    `stem` is the name of its file without suffixes, None for parameters that are made and not
    read. `training_cutoff` is the date (ISO) of the newest structures it was trained on.
    `num_bytes` and `sha256` are those of the published file, where published.
    """

    name: str
    family: str
    title: str
    licence: str
    config: ModelConfig
    stem: str | None = None
    terms_url: str | None = None
    url: str | None = None
    training_cutoff: str | None = None
    num_bytes: int | None = None
    sha256: str | None = None
    is_meaningless: bool = False


ALPHAFOLD3 = CatalogueEntry(
    name="alphafold3",
    family="alphafold3",
    title="AlphaFold 3, Google DeepMind",
    licence="AlphaFold 3 Model Parameters Terms of Use (non-commercial, no redistribution)",
    config=OFFICIAL,
    stem="af3",
    terms_url="https://github.com/google-deepmind/alphafold3/blob/main/WEIGHTS_TERMS_OF_USE.md",
    url="https://storage.googleapis.com/alphafold3/af3.bin.zst",
    training_cutoff="2021-09-30",
)

SYNTHETIC = CatalogueEntry(
    name="synthetic",
    family="synthetic",
    title="Random numbers in the official shapes; results are meaningless",
    licence="none needed: random numbers",
    config=OFFICIAL,
    num_bytes=1_146_811_260,
    sha256="e2d159c282a569d8b5ecee55fef908f0c1e643d899d0876e3281c246731484ad",
    is_meaningless=True,
)

SYNTHETIC_REDUCED = CatalogueEntry(
    name="synthetic-reduced",
    family="synthetic",
    title="The same with fewer layers, for fast trials; results are meaningless",
    licence="none needed: random numbers",
    config=reduced(OFFICIAL),
    num_bytes=311_810_428,
    sha256="b969b2bb7713b8239afe16d7197009500af329b0341730f9b4623f1faa8f95a4",
    is_meaningless=True,
)

CATALOGUE = {entry.name: entry for entry in (ALPHAFOLD3, SYNTHETIC, SYNTHETIC_REDUCED)}
