"""AlphaFold 3 inference from scratch: a job file goes in, trimmed embeddings come out.

The steps of `af3 embed` and `af3 predict` as functions. Each is imported with its room when it is
first used, so that `import af3cli` costs nothing::

    job = af3cli.read_job("job.json")
    components = af3cli.open_dictionary()
    model = af3cli.load_model("af3.bin.zst")
    conventions = model.config.features
    tokens, atoms = af3cli.tokenize(job, components, terminal_atoms=conventions.terminal_atoms)
    features = af3cli.featurise(job, tokens, atoms, components, 1, conventions)
    embeddings = af3cli.embed(model, features, seed=1)  # .single, .pair, .target_feat

    model = af3cli.load_prediction_model("af3.bin.zst")
    for sample in af3cli.predict(af3cli.prepare(model, features, seed=1)):
        print(sample.number, sample.coordinates, sample.confidences.plddt)

    with af3cli.open_embeddings("emb.h5") as file:
        pair = file["2PV7"].pair
    best = af3cli.open_prediction("out/2pv7").samples[0].confidences().pae
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from af3cli.chemistry.dictionary import open_dictionary
    from af3cli.features.featurise import featurise
    from af3cli.inference.predict import load_prediction_model, predict, prepare
    from af3cli.inference.trunk import embed, load_model
    from af3cli.job.read import read_job, read_jobs
    from af3cli.output.embeddings import open_embeddings
    from af3cli.output.prediction_reader import open_prediction
    from af3cli.tokens.table import token_table
    from af3cli.tokens.tokenize import tokenize

    __version__: str

__all__ = [
    "__version__",
    "embed",
    "featurise",
    "load_model",
    "load_prediction_model",
    "open_dictionary",
    "open_embeddings",
    "open_prediction",
    "predict",
    "prepare",
    "read_job",
    "read_jobs",
    "token_table",
    "tokenize",
]

_HOMES = {
    "embed": "af3cli.inference.trunk",
    "featurise": "af3cli.features.featurise",
    "load_model": "af3cli.inference.trunk",
    "load_prediction_model": "af3cli.inference.predict",
    "open_dictionary": "af3cli.chemistry.dictionary",
    "open_embeddings": "af3cli.output.embeddings",
    "open_prediction": "af3cli.output.prediction_reader",
    "predict": "af3cli.inference.predict",
    "prepare": "af3cli.inference.predict",
    "read_job": "af3cli.job.read",
    "read_jobs": "af3cli.job.read",
    "token_table": "af3cli.tokens.table",
    "tokenize": "af3cli.tokens.tokenize",
}


def __getattr__(name: str) -> object:
    """Imports a public name when it is first used (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        return version("af3cli")
    if name not in _HOMES:
        raise AttributeError(f"module 'af3cli' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
