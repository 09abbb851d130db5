"""One compared array: how far it is off, and whether that is within bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Comparison:
    """An array of ours against the recorded one.

    `relative_rms` is the rms of the difference over the rms of the recorded array; `worst` the
    largest difference of one element. For arrays that must be equal, `relative_rms` is the
    fraction of elements that are not, and `bound` is 0. Of an array that is not recorded, though
    others that go with it are, both are infinite.
    """

    name: str
    relative_rms: float
    worst: float
    bound: float
    is_recorded: bool = True

    @property
    def is_within(self) -> bool:
        """Whether the difference is finite and within the bound."""
        return bool(self.relative_rms <= self.bound)

    def __str__(self) -> str:
        if not self.is_recorded:
            return f"  {self.name:<34} MISSING: it is not recorded"
        verdict = "ok" if self.is_within else "OUT OF BOUNDS"
        figures = f"{self.relative_rms:9.2e}  worst {self.worst:9.2e}  bound {self.bound:7.1e}"
        return f"  {self.name:<34} {figures}  {verdict}"


def missing(name: str, bound: float) -> Comparison:
    """Returns what there is to say of an array that should be recorded and is not."""
    return Comparison(name, float("inf"), float("inf"), bound, is_recorded=False)


def compare(name: str, ours: np.ndarray, official: np.ndarray | None, bound: float) -> Comparison:
    """Compares two arrays of floats; another shape, or NaN in one, is infinitely far off."""
    if official is None:
        return missing(name, bound)
    ours, official = np.asarray(ours, np.float64), np.asarray(official, np.float64)
    if ours.shape != official.shape or not np.isfinite(ours).all():
        return Comparison(name, float("inf"), float("inf"), bound)
    if not ours.size:
        return Comparison(name, 0.0, 0.0, bound)
    difference = ours - official
    scale = np.sqrt(np.mean(np.square(official))) or 1.0
    rms = np.sqrt(np.mean(np.square(difference)))
    return Comparison(name, float(rms / scale), float(np.abs(difference).max()), bound)


def compare_equal(name: str, ours: np.ndarray, official: np.ndarray) -> Comparison:
    """Compares two arrays of integers, strings or booleans, which must be equal."""
    ours, official = np.asarray(ours), np.asarray(official)
    if ours.shape != official.shape:
        return Comparison(name, float("inf"), float("inf"), 0.0)
    unequal = ours != official
    numeric = unequal.any() and np.issubdtype(ours.dtype, np.number)
    worst = np.abs(ours.astype(np.float64) - official).max() if numeric else float(unequal.any())
    return Comparison(name, float(unequal.mean()) if unequal.size else 0.0, float(worst), 0.0)


def compare_within(
    name: str, ours: np.ndarray, official: np.ndarray, tolerance: float
) -> Comparison:
    """Compares two arrays whose elements may differ by `tolerance`; reports the worst as figure."""
    ours, official = np.asarray(ours, np.float64), np.asarray(official, np.float64)
    if ours.shape != official.shape or not np.isfinite(ours).all():
        return Comparison(name, float("inf"), float("inf"), tolerance)
    worst = float(np.abs(ours - official).max()) if ours.size else 0.0
    return Comparison(name, worst, worst, tolerance)
