"""Confidence files, byte by byte those of the official program."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from af3cli.output.confidences import confidences_bytes, confidences_json, summary_json
from af3cli.scores import SampleConfidences, score_sample
from tests.official_runs import RUN_CASES, OfficialRun


@pytest.mark.parametrize("case", RUN_CASES)
def test_files_are_the_official_ones(case):
    run = OfficialRun(case)
    for sample in range(run.num_samples):
        confidences = run.confidences(sample)
        scores = score_sample(*run.tables, run.has_frame, run.coordinates(sample), confidences)
        arrays = confidences_json(*run.tables, confidences)
        assert arrays == run.official_file(sample, "confidences.json").read_bytes()
        summary = summary_json(run.tables[0], scores)
        assert summary == run.official_file(sample, "summary_confidences.json").read_bytes()


def with_values(confidences: SampleConfidences, values: list[float]) -> SampleConfidences:
    """Puts values into the first row of every array."""
    changed = {}
    for name in ("plddt", "pae", "contact_probs"):
        array = getattr(confidences, name).copy()
        (array if array.ndim == 1 else array[0])[: len(values)] = values
        changed[name] = array
    return replace(confidences, **changed)


def test_values_are_cut_rounded_and_null():
    run = OfficialRun("deep_msa")
    values = [np.nan, np.inf, -1, 0, 0.994, 0.995, 0.125, 0.25, 100, 12.345]
    text = confidences_json(*run.tables, with_values(run.confidences(0), values)).decode()
    rows = json.loads(text)
    assert rows["contact_probs"][0][:10] == [None, 1, 0, 0, 0.99, 1, 0.13, 0.25, 1, 1]
    assert rows["pae"][0][:10] == [None, 99.9, 0, 0, 1, 1, 0.1, 0.3, 99.9, 12.3]
    assert rows["atom_plddts"][:10] == [None, 99.99, 0, 0, 0.99, 1, 0.13, 0.25, 99.99, 12.35]
    assert "[null,1.0,0.0,0.0,0.99,1.0,0.13,0.25,1.0,1.0," in text


def test_size_is_known_beforehand():
    run = OfficialRun("heterodimer_paired")
    text = confidences_json(*run.tables, run.confidences(0))
    estimate = confidences_bytes(len(run.tables[0]), len(run.tables[1]))
    assert len(text) == pytest.approx(estimate, rel=0.2)


def test_odd_chain_names_stay_json():
    run = OfficialRun("deep_msa")
    tokens, atoms = run.tables
    odd = replace(tokens, chain_id=np.full(len(tokens), 'a"\\', dtype=object))
    rows = json.loads(confidences_json(odd, atoms, run.confidences(0)))
    assert set(rows["token_chain_ids"]) == set(rows["atom_chain_ids"]) == {'a"\\'}
