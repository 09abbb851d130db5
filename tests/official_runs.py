"""The official program's own output of golden cases, with the arrays behind it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from af3cli.scores import SampleConfidences
from af3cli.tokens.types import Atoms, Tokens
from tests.official_tables import tables_from_official

DATA = Path(__file__).parent / "data"
RUN_CASES = ("covalent_ligand", "deep_msa", "heterodimer_paired")


@dataclass(frozen=True)
class OfficialRun:
    """One golden case with a run; arrays of samples are made flat and trimmed."""

    case: str

    @cached_property
    def folder(self) -> Path:
        (folder,) = (DATA / self.case).glob("run_*")
        return folder

    @cached_property
    def features(self) -> dict[str, np.ndarray]:
        with np.load(DATA / self.case / "features.npz", allow_pickle=False) as arrays:
            return dict(arrays)

    @cached_property
    def raw(self) -> dict[str, np.ndarray]:
        with np.load(self.folder / "raw.npz", allow_pickle=False) as arrays:
            return dict(arrays)

    @cached_property
    def tables(self) -> tuple[Tokens, Atoms]:
        return tables_from_official(self.features)

    @property
    def has_frame(self) -> np.ndarray:
        return self.features["frames_mask"].astype(bool)

    @property
    def num_samples(self) -> int:
        return len(self.raw["full_pae"])

    @property
    def seed(self) -> int:
        return int(self._sample_folders[0].name.split("_")[0].removeprefix("seed-"))

    def sample_folder(self, sample: int) -> Path:
        return self._sample_folders[sample]

    def official_file(self, sample: int, suffix: str) -> Path:
        folder = self.sample_folder(sample)
        return folder / f"{self.case}_{folder.name}_{suffix}"

    def coordinates(self, sample: int) -> np.ndarray:
        return self.raw["diffusion_samples.atom_positions"][sample][self._filled]

    def confidences(self, sample: int) -> SampleConfidences:
        return SampleConfidences(
            plddt=self.raw["predicted_lddt"][sample][self._filled],
            pae=self.raw["full_pae"][sample],
            tm_global=self.raw["tmscore_adjusted_pae_global"][sample],
            tm_interface=self.raw["tmscore_adjusted_pae_interface"][sample],
            contact_probs=self.raw["distogram.contact_probs"],
        )

    @property
    def _filled(self) -> np.ndarray:
        return self.features["pred_dense_atom_mask"].astype(bool)

    @cached_property
    def _sample_folders(self) -> list[Path]:
        return sorted(self.folder.glob("seed-*_sample-*"))
