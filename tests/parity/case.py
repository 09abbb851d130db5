"""A folder with a job and the arrays that the official program made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from af3cli.chemistry import ComponentDictionary, open_dictionary
from af3cli.features.featurise import featurise
from af3cli.features.padding import Buckets
from af3cli.features.types import Features
from af3cli.inference.heads import Heads
from af3cli.inference.predict import PredictionModel
from af3cli.inference.trunk import TrunkModel
from af3cli.job import Job, read_job
from af3cli.output.complexes import Complex
from af3cli.tokens import tokenize
from tests.official import features_from_official
from tests.parity.comparison import Comparison
from tests.parity.features import compare_features
from tests.parity.heads import compare_heads
from tests.parity.recorded import RecordedArrays
from tests.parity.runs import compare_run, recorded_runs
from tests.parity.trunk import EXACT, compare_trunk

NETWORK_FILES = {"full": "network_f32.npz", "reduced": "network_reduced_f32.npz"}


@dataclass(frozen=True)
class Case:
    """One case; the layout of its folder is that of the golden cases."""

    folder: Path

    @cached_property
    def job(self) -> Job:
        return read_job(self.folder / "job.json")

    @cached_property
    def official_arrays(self) -> RecordedArrays:
        return RecordedArrays(self.folder / "features.npz")

    @cached_property
    def official_features(self) -> Features:
        return features_from_official(self.official_arrays)

    @property
    def networks(self) -> list[str]:
        """The parameters, "full" or "reduced", with which a network was recorded."""
        return [name for name, file in NETWORK_FILES.items() if (self.folder / file).exists()]

    def network_arrays(self, parameters: str) -> RecordedArrays:
        """The recorded arrays of the network with "full" or "reduced" parameters."""
        return RecordedArrays(self.folder / NETWORK_FILES[parameters])

    def compare_features(self) -> Iterator[Comparison]:
        """Yields comparisons of the features that we build from the job."""
        components = _components()
        tokens, atoms = tokenize(self.job, components)
        ours = featurise(self.job, tokens, atoms, components, self.job.seeds[0])
        yield from compare_features(ours, tokens, atoms, self.official_arrays)

    def compare_trunk(
        self, model: TrunkModel, parameters: str, buckets: Buckets = EXACT
    ) -> Iterator[Comparison]:
        """Yields comparisons of what the trunk makes of the official features."""
        recorded = self.network_arrays(parameters)
        yield from compare_trunk(
            model, self.official_features, recorded, self.job.seeds[0], buckets
        )

    def compare_heads(
        self, model: TrunkModel, heads: Heads, parameters: str
    ) -> Iterator[Comparison]:
        """Yields comparisons of what the heads make of the official features."""
        recorded = self.network_arrays(parameters)
        yield from compare_heads(model, heads, self.official_features, recorded, self.job.seeds[0])

    def compare_runs(self, model: PredictionModel, parameters: str) -> Iterator[Comparison]:
        """Yields comparisons of whole predictions from the official features."""
        for run in recorded_runs(self.folder, parameters):
            tables = tokenize(self.job, _components())
            complex_ = Complex(self.job, *tables, _components(), model.weights)
            yield from compare_run(run, model, self.official_features, complex_)


@cache
def _components() -> ComponentDictionary:
    return open_dictionary()
