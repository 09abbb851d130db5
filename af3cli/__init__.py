"""AlphaFold 3 inference from scratch: a job file goes in, trimmed embeddings come out.

The steps of `af3 embed` as functions; each module is imported when its function is first used::

    job = af3cli.read_job("job.json")                    # af3cli.job
    components = af3cli.load_components()                # af3cli.chemistry
    tokens, atoms = af3cli.tokenize(job, components)     # af3cli.tokens
    features = af3cli.featurise(job, tokens, atoms, components, seed=1)    # af3cli.features
    model = af3cli.load_model("af3.bin.zst")             # af3cli.inference
    embeddings = af3cli.embed(model, features, seed=1)   # .single, .pair, .target_feat

    with af3cli.open_embeddings("emb.h5") as file:       # af3cli.output
        pair = file["2PV7"].pair
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from af3cli.output.embeddings import open_embeddings as open_embeddings

# public name -> module that defines it
_HOMES = {
    "open_embeddings": "af3cli.output.embeddings",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    """Imports the module of a public name when it is first used (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        return version("af3cli")
    if name not in _HOMES:
        raise AttributeError(f"module 'af3cli' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
