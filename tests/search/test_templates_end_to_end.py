"""A job gets templates: its alignment's profile finds a PDB chain, whose structure is cut out."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from af3cli.job import Job, Modification, Protein, validate
from af3cli.search.databases import Database, find_databases
from af3cli.search.events import Event, Note
from af3cli.search.run import SearchPlan, search_jobs
from tests.search import synthetic

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def databases(tmp_path: Path) -> dict[str, Database]:
    """A PDB of one entry, whose chain A has a longer form in the sequence database."""
    job = json.loads((DATA / "template_5y2e/job.json").read_text())
    structures = tmp_path / "mmcif"
    structures.mkdir()
    template = job["sequences"][0]["protein"]["templates"][0]
    (structures / "5y2e.cif").write_text(template["mmcif"])
    sequences = tmp_path / "seqres"
    sequence = _sequence(template["mmcif"])
    sequences.write_text(
        f">5y2e_A mol:protein length:{len(sequence)}  A PROTEIN\n{sequence}\n"
        f">9xyz_B mol:protein length:{len(sequence)}  NOT THERE\n{sequence}\n"
    )
    return find_databases(
        [f"seqres={sequences}", f"pdb={structures}", f"mgnify={_related(tmp_path, sequence)}"]
    )


def _sequence(mmcif: str) -> str:
    from af3cli.chemistry.one_letter import one_letter
    from af3cli.features.template_structure import read_template

    return "".join(map(one_letter, read_template(mmcif, "template").residue_names))


def _related(folder: Path, sequence: str) -> Path:
    path = folder / "mgnify"
    synthetic.write_protein_database(path, [sequence, sequence], 60)
    return path


def _search(databases: dict[str, Database], entity: Protein, latest: date, cache: Path) -> tuple:
    events: list[Event] = []
    plan = SearchPlan(databases, latest_template=latest, num_threads=1, cache_folder=cache)
    (job,) = search_jobs([Job("job", (1,), (entity,))], plan, events.append)
    validate(job)
    return job.entities[0].templates, [e.text for e in events if isinstance(e, Note)]


def test_template_is_found(databases: dict[str, Database], tmp_path: Path) -> None:
    sequence = _sequence((databases["pdb"].files[0] / "5y2e.cif").read_text())
    query = "GSHM" + sequence[:20] + "KKK" + sequence[22:]
    templates, notes = _search(
        databases, Protein(("A",), query), date(2021, 9, 30), tmp_path / "cache"
    )
    (template,) = templates
    pairs = dict(zip(template.query_indices, template.template_indices, strict=True))
    assert pairs[4] == 0 and pairs[23] == 19 and pairs[27 + 5] == 22 + 5
    assert any("9xyz is not in" in note for note in notes)
    assert _search(databases, Protein(("A",), query), date(1990, 1, 1), tmp_path / "cache")[0] == ()


def test_a_copy_is_known_below_a_modification(
    databases: dict[str, Database], tmp_path: Path
) -> None:
    """The structure asked for is no template, whatever the job has below a modified residue."""
    sequence = _sequence((databases["pdb"].files[0] / "5y2e.cif").read_text())
    lysine = sequence.index("K")
    for letter in "KX":
        written = f"{sequence[:lysine]}{letter}{sequence[lysine + 1 :]}"
        entity = Protein(("A",), written, (Modification("ALY", lysine + 1),))
        assert _search(databases, entity, date(2021, 9, 30), tmp_path / "cache")[0] == ()


def test_given_alignment_finds_templates(databases: dict[str, Database], tmp_path: Path) -> None:
    sequence = _sequence((databases["pdb"].files[0] / "5y2e.cif").read_text())
    query = "GSHM" + sequence[:25]
    entity = Protein(("A",), query, unpaired_msa=f">q\n{query}\n", paired_msa="")
    templates, _ = _search(databases, entity, date(2021, 9, 30), tmp_path / "cache")
    assert len(templates) == 1 and templates[0].template_indices[:3] == (0, 1, 2)
    nothing = Protein(("A",), query, unpaired_msa="", paired_msa="", templates=())
    assert _search(databases, nothing, date(2021, 9, 30), tmp_path / "cache")[0] == ()
