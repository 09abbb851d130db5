"""Cases of the OpenFold3 and Protenix networks: groups of files of what these made of a complex.

CASE.features.npz      what the network was fed
CASE.<network>.npz     what it computed, for each of `NETWORKS`
CASE.coords.npz        positions that OpenFold3's heads were called with
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np

from af3cli.features.padding import Buckets
from af3cli.inference.heads import Heads
from af3cli.inference.trunk import TrunkModel
from af3cli.model.config import ModelConfig
from af3cli.weights import families
from af3cli.weights.provenance import Weights, known_digest, with_provenance
from af3cli.weights.torch_blocks import TARGET_ROWS
from tests.parity.comparison import Comparison, compare
from tests.parity.family_features import features_from_family, template_geometry
from tests.parity.family_stages import Inputs, network_stages
from tests.parity.family_tensors import OPENFOLD3, PROTENIX, TensorRecipe
from tests.parity.recorded import RecordedArrays
from tests.parity.trunk import EXACT
from tests.weights.family_tensors import REDUCED_OPENFOLD3, REDUCED_PROTENIX, converted

# The official network with converted parameters reaches 1e-6, and so does ours.
BOUND = 2e-5
_NUM_NOISE_LEVELS = 3

# Recorded names, by pattern, and what the stage is called here.
_SPELLINGS = (
    (r"^stat\.", ""),
    (r"^cycle", "pass"),
    (r"z_in_template", "z_in"),
    (r"\.x_denoised$", ".denoised"),
    (r"experimentally_resolved", "resolved"),
    (r"^(conf\..*)_logits", r"\1"),
    (r"_rows$", ""),
)
_INPUTS = re.compile(r"rows(_mid)?|diff\d\.(x_noisy|sigma)|conf\.coords")
_MIDDLE = re.compile(r"z_init|cycle|diff")


@dataclass(frozen=True)
class FamilyNetwork:
    """One network whose arrays were recorded: a family's tensors, with this many blocks by stack.

    `parameters` is "full" or "reduced".
    """

    parameters: str
    recipe: TensorRecipe
    config: ModelConfig
    depths: Mapping[str, int] = field(default_factory=dict)

    def load(self) -> Weights:
        """Returns its parameters, converted from the family's own tensors."""
        tensors = self.recipe.tensors(self.depths)
        family, arrays = converted(tensors, self.config)
        return with_provenance(family, None, self.config, arrays, known_digest(None))


_OPENFOLD3_FULL = {
    "pairformer_stack": 48,
    "msa_module": 4,
    "template_embedder.template_pair_stack": 2,
    "aux_heads.pairformer_embedding.pairformer_stack": 4,
    "diffusion_module.diffusion_transformer": 24,
}
_BASE_FULL = {
    "pairformer_stack": 48,
    "msa_module": 4,
    "template_embedder.pairformer_stack": 2,
    "confidence_head.pairformer_stack": 4,
    "diffusion_module.diffusion_transformer": 24,
}
_NOISY_ATOMS = "diffusion_module.atom_attention_{}.atom_transformer.diffusion_transformer"
_TINY_FULL = {
    "pairformer_stack": 8,
    "msa_module": 1,
    "template_embedder.pairformer_stack": 0,
    "confidence_head.pairformer_stack": 4,
    "diffusion_module.diffusion_transformer": 8,
    _NOISY_ATOMS.format("encoder"): 1,
    _NOISY_ATOMS.format("decoder"): 1,
}

# Networks by the name that their files have.
NETWORKS = {
    "reduced": FamilyNetwork("reduced", OPENFOLD3, REDUCED_OPENFOLD3),
    "full": FamilyNetwork("full", OPENFOLD3, families.OPENFOLD3, _OPENFOLD3_FULL),
    "base_reduced": FamilyNetwork("reduced", PROTENIX, REDUCED_PROTENIX),
    "base_full": FamilyNetwork("full", PROTENIX, families.PROTENIX_BASE, _BASE_FULL),
    "tiny_full": FamilyNetwork("full", PROTENIX, families.PROTENIX_TINY, _TINY_FULL),
}


@dataclass(frozen=True)
class FamilyCase:
    """One case: the files in `folder` whose names begin with `name`."""

    folder: Path
    name: str

    @property
    def title(self) -> str:
        """What the case is called where there are others."""
        return f"{self.folder.name}/{self.name}"

    @property
    def networks(self) -> list[str]:
        """The names of the networks of which something is recorded."""
        return [network for network in NETWORKS if self._path(network).exists()]

    def compare(
        self, network: str, model: TrunkModel, heads: Heads, buckets: Buckets = EXACT
    ) -> Iterator[Comparison]:
        """Yields a comparison of everything that is recorded of a network.

        `model` and `heads` are ours, with its parameters. What is recorded of a stage that we do
        not know is infinitely far off.
        """
        recorded = self.arrays(network)
        names = defaultdict(list)
        for name in recorded:
            if not _INPUTS.fullmatch(name):
                names[_stage(name)].append(name)
        for stage, ours in network_stages(model, heads, self._inputs(recorded), buckets):
            yield from (_compare(name, ours, recorded) for name in names.pop(stage, ()))
        for name in chain.from_iterable(names.values()):
            yield Comparison(name, np.inf, np.inf, BOUND)

    def _path(self, kind: str) -> Path:
        return self.folder / f"{self.name}.{kind}.npz"

    def arrays(self, kind: str) -> RecordedArrays:
        """Returns the arrays in one of the case's files."""
        return RecordedArrays(self._path(kind))

    def _inputs(self, recorded: Mapping[str, np.ndarray]) -> Inputs:
        """Returns what the network was fed; one family keeps positions in a file of their own."""
        features = self.arrays("features")
        noisy, level, positions = "diff{}.x_noisy", "diff{}.sigma", "conf.coords"
        if self._path("coords").exists():
            recorded = self.arrays("coords")
            noisy, level, positions = "noisy{}", "noise_level{}", "fixed_positions"
        calls = range(_NUM_NOISE_LEVELS)
        return Inputs(
            features=features_from_family(features),
            templates=template_geometry(features),
            noisy=tuple(recorded[noisy.format(call)] for call in calls),
            noise_level=tuple(recorded[level.format(call)] for call in calls),
            positions=recorded[positions],
        )


def family_cases(path: Path) -> list[FamilyCase]:
    """Returns the case whose files begin with `path`, or all cases in the folder `path`."""
    if path.is_dir():
        files = sorted(path.glob("*.features.npz"))
    else:
        files = [file] if (file := path.with_name(f"{path.name}.features.npz")).exists() else []
    return [FamilyCase(file.parent, file.name.removesuffix(".features.npz")) for file in files]


def _stage(name: str) -> str:
    """Returns the stage that an array called `name` is recorded of."""
    for pattern, spelling in _SPELLINGS:
        name = re.sub(pattern, spelling, name)
    return name


def _compare(name: str, ours: np.ndarray, recorded: Mapping[str, np.ndarray]) -> Comparison:
    """Compares an array with the recorded one, of which there may be some rows or a summary."""
    official = recorded[name]
    if name.startswith("stat."):
        has_deviation = len(official) > 3
        spread = ours.std() if has_deviation else np.sqrt(np.mean(np.square(ours)))
        return compare(name, [ours.mean(), spread, np.abs(ours).max()], official[:3], BOUND)
    if name == "s_inputs":
        official = official[:, TARGET_ROWS]
    elif name.endswith("m_embed"):
        ours = ours[: len(official)]
    elif ours.ndim == 3 and len(ours) > len(official):
        in_the_middle = "rows_mid" in recorded and _MIDDLE.match(name)
        ours = ours[recorded["rows_mid" if in_the_middle else "rows"]]
    return compare(name, ours, official, BOUND)
