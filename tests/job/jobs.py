"""Documents that the tests of this folder start from."""

from __future__ import annotations

import copy
import json
from pathlib import Path

from af3cli.job import Job, parse_jobs

REPOSITORY = Path(__file__).parents[2]
STRUCTURES = REPOSITORY / "tests" / "data" / "structures"
EXAMPLES = sorted((REPOSITORY / "examples").glob("*.json"))
GOLDEN_JOBS = sorted((REPOSITORY / "tests" / "data").glob("*/job.json"))

_EVERYTHING = {
    "name": "every thing",
    "modelSeeds": [1, 2],
    "sequences": [
        {
            "protein": {
                "id": ["A", "B"],
                "sequence": "MKSTCGE",
                "modifications": [{"ptmType": "SEP", "ptmPosition": 3}],
                "unpairedMsa": ">q\nMKSTCGE\n>r\nMK-aaTCGE\n",
                "pairedMsa": "",
                "templates": [],
                "description": "a protein",
            }
        },
        {
            "rna": {
                "id": "C",
                "sequence": "ACGU",
                "modifications": [{"modificationType": "PSU", "basePosition": 4}],
            }
        },
        {"dna": {"id": "D", "sequence": "ACGT"}},
        {"ligand": {"id": "E", "ccdCodes": ["NAG", "NAG"]}},
        {"ligand": {"id": "F", "smiles": "C[C@@H](O)/C=C\\C"}},
    ],
    "bondedAtomPairs": [[["E", 1, "O4"], ["E", 2, "C1"]], [["A", 5, "SG"], ["E", 1, "C1"]]],
    "dialect": "alphafold3",
    "version": 4,
}


def everything() -> dict:
    """A fresh document with every kind of molecule."""
    return copy.deepcopy(_EVERYTHING)


def set_at(document: object, place: str, value: object) -> None:
    """Sets `document.a[0].b` from a place such as `a.0.b`."""
    *way, last = [int(part) if part.isdigit() else part for part in place.split(".")]
    for part in way:
        document = document[part]
    document[last] = value


def parse(document: object, **options: object) -> Job:
    """The one job of a document."""
    (job,) = parse_jobs(json.dumps(document), **options)
    return job
