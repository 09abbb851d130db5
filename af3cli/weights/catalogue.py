"""The models that this program knows by name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import PurePosixPath

from af3cli.model.config import OFFICIAL, ModelConfig, reduced
from af3cli.weights.families import (
    INTELLIFOLD2,
    OPENFOLD3,
    PROTENIX_BASE,
    PROTENIX_MINI,
    PROTENIX_TINY,
)
from af3cli.weights.schema import official_schema


@dataclass(frozen=True)
class CatalogueEntry:
    """One set of parameters: whose it is, under which terms, where it comes from.

    `urls` are the files that make it up, parameters first; there are none for parameters that are
    made and not read. `training_cutoff` is the date (ISO) of the newest structures it was trained
    on. `sha256` is that of the first file, where several projects give the same one: the owners
    publish none. `file_bytes` is how large the files are together, where that is known.
    `needs_consent` is for terms that a user has to accept; `output_terms_url` is where there are
    some for results, too.
    """

    name: str
    family: str
    title: str
    licence: str
    config: ModelConfig
    urls: tuple[str, ...] = ()
    terms_url: str | None = None
    output_terms_url: str | None = None
    training_cutoff: str | None = None
    sha256: str | None = None
    file_bytes: int | None = None
    needs_consent: bool = False
    is_meaningless: bool = False

    @property
    def num_bytes(self) -> int:
        """The size in memory; PyTorch checkpoints hold float32 only."""
        return sum(
            math.prod(spec.shape)
            * (2 if spec.dtype == "bfloat16" and not self.is_torch_file else 4)
            for spec in official_schema(self.config).values()
        )

    @property
    def download_bytes(self) -> int:
        """How much a download is; about that if its size is not known."""
        return self.file_bytes or self.num_bytes

    @property
    def is_torch_file(self) -> bool:
        """Whether it is a PyTorch checkpoint."""
        return any(name.endswith(".pt") for name in self.file_names)

    @property
    def file_names(self) -> tuple[str, ...]:
        """The names of the files at `urls`."""
        return tuple(PurePosixPath(url).name for url in self.urls)

    @property
    def official_stem(self) -> str:
        """What its file of the official form is called without its endings."""
        return self.file_names[0].split(".")[0]


_APACHE = "Apache-2.0"
_PROTENIX_HOST = "https://protenix.tos-cn-beijing.volces.com/checkpoint"
_PROTENIX_TERMS = "https://github.com/bytedance/Protenix/blob/main/LICENSE"
_ALPHAFOLD3_HOST = "https://github.com/google-deepmind/alphafold3/blob/main"
_INTELLIFOLD_HOST = "https://huggingface.co/intelligenAI/intellifold/resolve/main"

OPENFOLD3_OPENBIND = CatalogueEntry(
    name="openfold3",
    family="openfold3",
    title="OpenFold3 openbind, the recommended open model",
    licence=f"{_APACHE} (the project's; read also what comes with the file)",
    config=OPENFOLD3,
    urls=(
        "https://openfold3-data.s3.amazonaws.com/openfold3-parameters/of3-ob-2025-06-30-174k.pt",
    ),
    terms_url="https://github.com/aqlaboratory/openfold-3/blob/main/LICENSE",
    training_cutoff="2025-06-30",
    sha256="bd43301c011d5f87580d3e8b548658869433e4488399feb03035ba248f8e29e4",
    # Tensors that are in it twice, under two names, are stored twice.
    file_bytes=2_287_872_989,
)


def _protenix(
    name: str,
    file: str,
    title: str,
    config: ModelConfig,
    cutoff: str,
    file_bytes: int,
    sha256: str | None = None,
) -> CatalogueEntry:
    return CatalogueEntry(
        name=name,
        family="protenix",
        title=title,
        licence=_APACHE,
        config=config,
        urls=(f"{_PROTENIX_HOST}/{file}.pt",),
        terms_url=_PROTENIX_TERMS,
        training_cutoff=cutoff,
        sha256=sha256,
        file_bytes=file_bytes,
    )


PROTENIX = (
    _protenix(
        "protenix-base",
        "protenix_base_default_v1.0.0",
        "Protenix base v1.0.0",
        PROTENIX_BASE,
        "2021-09-30",
        1_475_950_125,
        "2b7d5a8b30494514fc47fd2271a16260528cdba170ba09cc112fdecd8f85ec04",
    ),
    _protenix(
        "protenix-base-20250630",
        "protenix_base_20250630_v1.0.0",
        "Protenix base v1.0.0, trained on newer structures",
        PROTENIX_BASE,
        "2025-06-30",
        1_475_945_945,
    ),
    _protenix(
        "protenix-mini",
        "protenix_mini_default_v0.5.0",
        "Protenix mini v0.5.0, no templates",
        PROTENIX_MINI,
        "2021-09-30",
        537_049_294,
    ),
    _protenix(
        "protenix-tiny",
        "protenix_tiny_default_v0.5.0",
        "Protenix tiny v0.5.0, no templates",
        PROTENIX_TINY,
        "2021-09-30",
        443_171_586,
    ),
)

INTELLIFOLD = CatalogueEntry(
    name="intellifold2",
    family="intellifold2",
    title="IntelliFold 2",
    licence=_APACHE,
    config=INTELLIFOLD2,
    urls=(
        f"{_INTELLIFOLD_HOST}/intellifold_v2.bin.zst",
        f"{_INTELLIFOLD_HOST}/intellifold_v2_fourier.npz",
    ),
    terms_url="https://github.com/IntelliGen-AI/IntelliFold/blob/main/LICENSE",
)

ALPHAFOLD3 = CatalogueEntry(
    name="alphafold3",
    family="alphafold3",
    title="AlphaFold 3, Google DeepMind",
    licence="AlphaFold 3 Model Parameters Terms of Use (non-commercial, no redistribution)",
    config=OFFICIAL,
    urls=("https://storage.googleapis.com/alphafold3/af3.bin.zst",),
    terms_url=f"{_ALPHAFOLD3_HOST}/WEIGHTS_TERMS_OF_USE.md",
    output_terms_url=f"{_ALPHAFOLD3_HOST}/OUTPUT_TERMS_OF_USE.md",
    training_cutoff="2021-09-30",
    file_bytes=1_020_545_840,
    needs_consent=True,
)

SYNTHETIC = CatalogueEntry(
    name="synthetic",
    family="synthetic",
    title="Random numbers in the official shapes; results are meaningless",
    licence="none needed: random numbers",
    config=OFFICIAL,
    sha256="e2d159c282a569d8b5ecee55fef908f0c1e643d899d0876e3281c246731484ad",
    is_meaningless=True,
)

SYNTHETIC_REDUCED = CatalogueEntry(
    name="synthetic-reduced",
    family="synthetic",
    title="The same with fewer layers, for fast trials; results are meaningless",
    licence="none needed: random numbers",
    config=reduced(OFFICIAL),
    sha256="b969b2bb7713b8239afe16d7197009500af329b0341730f9b4623f1faa8f95a4",
    is_meaningless=True,
)

CATALOGUE = {
    entry.name: entry
    for entry in (
        OPENFOLD3_OPENBIND,
        *PROTENIX,
        INTELLIFOLD,
        ALPHAFOLD3,
        SYNTHETIC,
        SYNTHETIC_REDUCED,
    )
}


def configs_of(family: str) -> list[ModelConfig]:
    """Returns the configurations of a family's models; none if it is not known."""
    return [entry.config for entry in CATALOGUE.values() if entry.family == family]
