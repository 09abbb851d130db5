"""Random numbers of a sampler that were written down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from af3cli.inference.sampling import Positions
from af3cli.model.sampler import StepDraws


@dataclass(frozen=True)
class RecordedDraws:
    """Draws that were written down, of `steps` steps: flat atoms, unpadded."""

    initial: Float32[np.ndarray, "sample atom 3"]
    rotation: Float32[np.ndarray, "sample step 3 3"]
    translation: Float32[np.ndarray, "sample step 3"]
    noise: Float32[np.ndarray, "sample step atom 3"]

    def start(self, num_atoms: int) -> Positions:
        return _pad_atoms(self.initial, num_atoms)

    def step(self, index: int, num_atoms: int) -> StepDraws:
        return StepDraws(
            self.rotation[:, index],
            self.translation[:, index],
            _pad_atoms(self.noise[:, index], num_atoms),
        )


def _pad_atoms(values: Float32[np.ndarray, "sample atom 3"], num_atoms: int) -> np.ndarray:
    return np.pad(values, ((0, 0), (0, num_atoms - values.shape[1]), (0, 0)))
