"""From what the heads say of a sample to the figures that rank it and describe its chains."""

from af3cli.scores.chirality import compare_chirality
from af3cli.scores.summary import score_sample
from af3cli.scores.types import SampleConfidences, SampleScores
from af3cli.scores.unplaced import explain_conformers, explain_unplaced

__all__ = [
    "SampleConfidences",
    "SampleScores",
    "compare_chirality",
    "explain_conformers",
    "explain_unplaced",
    "score_sample",
]
