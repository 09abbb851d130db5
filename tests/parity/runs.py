"""Whole runs: our structures, confidences and files against those of the official program.

A folder `run_<parameters>_<precision>_r<recycles>_s<samples>_t<steps>` holds what the official
program wrote, with the random numbers that its sampler drew.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from gemmi import cif

from af3cli.features.types import Features
from af3cli.inference.predict import PredictionModel, Sample, predict, prepare
from af3cli.model.config import SamplerConfig
from af3cli.output.complexes import Complex
from af3cli.output.prediction import PredictionFolder
from af3cli.scores import SampleScores, score_sample
from tests.parity.comparison import Comparison, compare_equal, compare_within
from tests.parity.draws import RecordedDraws
from tests.parity.recorded import RecordedArrays
from tests.parity.trunk import EXACT

_NAME = re.compile(r"run_(full|reduced)_f32_r(\d+)_s(\d+)_t(\d+)")

_COORDINATES = 2e-3
# Printed figures are rounded: half a unit of the last place, and what float32 may add to it.
_HUNDREDTH, _TENTH = 0.0055, 0.055
_DISORDERED = 0.02
# What the disordered fraction counts in the ranking score; the rest of it is as exact as others.
_DISORDERED_WEIGHT = 0.5
_RANKING = _DISORDERED_WEIGHT * _DISORDERED + 1e-3
_ARRAYS = {"atom_plddts": 0.011, "contact_probs": 0.011, "pae": 0.11}
_WRITTEN = ("_model.cif", "_confidences.json", "_ranking_scores.csv")
# Of the atom table, numbers that may differ in their last digit.
_ATOM_NUMBERS = {"Cartn_x": 1.1e-3, "Cartn_y": 1.1e-3, "Cartn_z": 1.1e-3, "B_iso_or_equiv": 0.011}


@dataclass(frozen=True)
class RecordedRun:
    """One recorded run of the official program in float32."""

    folder: Path
    parameters: str
    num_recycles: int
    num_samples: int
    num_steps: int

    @cached_property
    def coordinates(self) -> np.ndarray:
        """Final positions in the official layout, [sample, token, 24, 3]."""
        return RecordedArrays(self.folder / "raw.npz")["diffusion_samples.atom_positions"]

    def draws(self, features: Features, samples: Sequence[int]) -> RecordedDraws:
        """What the official sampler drew for these samples, for flat atoms."""
        slots = features.atoms.token, features.atoms.slot
        arrays = RecordedArrays(self.folder / "sampler_draws.npz")
        return RecordedDraws(
            initial=arrays["init_normal"][samples][(slice(None), *slots)],
            rotation=arrays["rotations"][samples],
            translation=arrays["translations"][samples],
            noise=arrays["noise"][samples][(slice(None), slice(None), *slots)],
        )


def recorded_runs(case_folder: Path, parameters: str) -> list[RecordedRun]:
    """Returns the float32 runs that a case has with "full" or "reduced" parameters."""
    matches = [(path, _NAME.fullmatch(path.name)) for path in sorted(case_folder.glob("run_*"))]
    return [
        RecordedRun(path, match[1], *map(int, match.groups()[1:]))
        for path, match in matches
        if match and match[1] == parameters
    ]


def compare_run(
    run: RecordedRun, model: PredictionModel, features: Features, complex_: Complex
) -> Iterator[Comparison]:
    """Yields comparisons of coordinates, scores and files, from the official features."""
    seed = complex_.job.seeds[0]
    job = prepare(model, features, seed=seed, num_recycles=run.num_recycles, buckets=EXACT)
    samples = predict(
        job,
        range(run.num_samples),
        config=SamplerConfig(steps=run.num_steps),
        at_once=run.num_samples,
        draws=lambda _, numbers: run.draws(features, list(numbers)),
    )
    with (
        TemporaryDirectory() as out_dir,
        PredictionFolder(Path(out_dir), complex_, {}) as folder,
    ):
        for sample in samples:
            yield from _compare_sample(run, sample, features, complex_, folder)
        folder.write_ranking()
        yield from _compare_files(run.folder, folder.path)
        yield from _compare_ranking(run.folder, folder.path, complex_.name)


def _compare_sample(
    run: RecordedRun,
    sample: Sample,
    features: Features,
    complex_: Complex,
    folder: PredictionFolder,
) -> Iterator[Comparison]:
    slots = features.atoms.token, features.atoms.slot
    distance = np.linalg.norm(sample.coordinates - run.coordinates[sample.number][slots], axis=-1)
    prefix = f"sample {sample.number}"
    rms = np.sqrt(np.mean(np.square(distance)))
    yield compare_within(f"{prefix} coordinates (rms, Å)", rms, 0.0, _COORDINATES)

    has_frame = features.frames.has_frame
    tables = complex_.tokens, complex_.atoms
    scores = score_sample(*tables, has_frame, sample.coordinates, sample.confidences)
    ours = folder.write_sample(
        complex_.job.seeds[0], sample.number, sample.coordinates, sample.confidences, scores
    )
    stem = f"{complex_.name}_{ours.name}"
    official = run.folder / ours.name

    def read(suffix: str) -> tuple[dict, dict]:
        paths = (place / f"{stem}_{suffix}.json" for place in (ours, official))
        return tuple(json.loads(path.read_text()) for path in paths)

    yield from _compare_summary(prefix, scores, *read("summary_confidences"))
    yield from _compare_arrays(prefix, *read("confidences"))
    cifs = (str(place / f"{stem}_model.cif") for place in (ours, official))
    yield from _compare_atoms(prefix, *cifs)


def _compare_summary(
    prefix: str, scores: SampleScores, ours: dict, official: dict
) -> Iterator[Comparison]:
    """Yields comparisons of our figures, before they are rounded, with the printed ones."""
    yield compare_equal(f"{prefix} summary keys", list(ours), list(official))
    yield compare_equal(f"{prefix} chain_ids", ours["chain_ids"], official["chain_ids"])
    disorder = official.get("fraction_disordered") or 0.0
    excess = _DISORDERED_WEIGHT * abs(scores.fraction_disordered - disorder)
    own_tolerance = {"fraction_disordered": _DISORDERED, "ranking_score": excess + _HUNDREDTH}
    for name, figure in vars(scores).items():
        yield _compare_figures(
            f"{prefix} {name}", figure, official.get(name), own_tolerance.get(name, _HUNDREDTH)
        )


def _compare_arrays(prefix: str, ours: dict, official: dict) -> Iterator[Comparison]:
    """Yields comparisons of the printed arrays."""
    yield compare_equal(f"{prefix} confidences keys", list(ours), list(official))
    for name, values in official.items():
        if name in _ARRAYS:
            yield _compare_figures(f"{prefix} {name}", ours.get(name), values, _ARRAYS[name])
        else:
            yield compare_equal(f"{prefix} {name}", ours.get(name, []), values)


def _compare_atoms(prefix: str, ours: str, official: str) -> Iterator[Comparison]:
    """Yields comparisons of the structures' atom tables, one of all columns that must be equal."""
    own, recorded = (
        cif.read(path).sole_block().get_mmcif_category("_atom_site.") for path in (ours, official)
    )
    yield compare_equal(f"{prefix} atom table columns", list(own), list(recorded))
    fixed = [column for column in recorded if column not in _ATOM_NUMBERS]
    rows = (np.array([table.get(column) for column in fixed], str) for table in (own, recorded))
    yield compare_equal(f"{prefix} atom table", *rows)
    for column, tolerance in _ATOM_NUMBERS.items():
        values = (np.array(table[column], float) for table in (own, recorded))
        yield compare_within(f"{prefix} {column}", *values, tolerance)


def _compare_files(recorded: Path, ours: Path) -> Iterator[Comparison]:
    """Yields a comparison of the names of files, at the top and of samples, that both write."""
    own, official = (
        sorted(
            str(path.relative_to(folder))
            for pattern in ("*", "seed-*_sample-*/*")
            for path in folder.glob(pattern)
            if path.name.endswith(_WRITTEN)
        )
        for folder in (ours, recorded)
    )
    yield compare_equal("file names", own, official)


def _compare_ranking(recorded: Path, ours: Path, name: str) -> Iterator[Comparison]:
    tables = []
    for folder in (ours, recorded):
        with (folder / f"{name}_ranking_scores.csv").open() as file:
            tables.append(np.array(list(csv.reader(file))))
    own, official = tables
    yield compare_equal("ranking header", own[0], official[0])
    yield compare_equal("ranking samples", own[1:, :2], official[1:, :2])
    scores = (table[1:, 2].astype(float) for table in (own, official))
    yield compare_within("ranking scores", *scores, _RANKING)


def _compare_figures(name: str, ours: object, official: object, tolerance: float) -> Comparison:
    """Compares numbers, or nested lists of them; unknown ones must be unknown in both."""
    own, recorded = (np.array(values, float) for values in (ours, official))
    known = np.isfinite(recorded)
    if own.shape != recorded.shape or not np.array_equal(known, np.isfinite(own)):
        return Comparison(name, float("inf"), float("inf"), tolerance)
    return compare_within(name, own[known], recorded[known], tolerance)
