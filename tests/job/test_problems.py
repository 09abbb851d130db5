"""Every mistake is reported, at its place, together with all others."""

from __future__ import annotations

import json

import pytest

from af3cli.errors import InputError
from af3cli.job import Job, Protein, parse_jobs, validate
from tests.job.jobs import EXAMPLES, GOLDEN_JOBS, everything, parse, set_at

_TEMPLATE = json.loads(
    next(path for path in GOLDEN_JOBS if path.parent.name == "template_5y2e").read_text()
)["sequences"][0]["protein"]["templates"][0]["mmcif"]


MISTAKES = [
    # where, what, the line that reports it
    ("name", "  ", "name: must have at least one letter"),
    ("name", "..", "name: must have at least one letter"),
    ("name", None, "name: is missing"),
    ("dialect", "openfold", "dialect: must be 'alphafold3'"),
    ("version", 5, "version: versions 1 to 4 are known, not 5"),
    ("version", "4", 'version: must be a whole number, not "4"'),
    ("modelSeeds", [], "modelSeeds: must have at least one seed"),
    ("modelSeeds", 1, "modelSeeds: must be a list"),
    ("modelSeeds.1", 2**32, "modelSeeds[1]: 4294967296 is not between 0 and 4294967295"),
    ("modelSeeds.1", -1, "modelSeeds[1]: -1 is not between"),
    ("modelSeeds.1", True, "modelSeeds[1]: must be a whole number, not true"),
    ("modelSeeds.1", 1, "modelSeeds[1]: 1 is given twice"),
    ("model_seeds", [1], "model_seeds: unknown key; did you mean 'modelSeeds'?"),
    ("sequences", [], "sequences: must have at least one entity"),
    ("sequences.1", {"ion": {"ion": "MG"}}, "sequences[1]: ions are ligands here"),
    ("sequences.1", {"proteinChain": {}}, "sequences[1]: proteinChain is AlphaFold Server format"),
    ("sequences.1", {"rna": {}, "dna": {}}, "sequences[1]: must have exactly one of"),
    (
        "sequences.1",
        {"protien": {}},
        "sequences[1]: unknown key 'protien'; did you mean 'protein'?",
    ),
    ("sequences.1", [], "sequences[1]: must be an object"),
    ("sequences.0.protein.id", [], "sequences[0].protein.id: must be at least one chain id"),
    ("sequences.0.protein.id.1", "b1", "sequences[0].protein.id[1]: 'b1' is not made of"),
    ("sequences.2.dna.id", "A", "sequences[2].dna.id: chain A is already at sequences[0].protein"),
    ("sequences.3.ligand.id", "e", "sequences[3].ligand.id: 'e' is not made of upper-case"),
    ("sequences.3.ligand.id", 5, "sequences[3].ligand.id: must be a string, not 5"),
    ("sequences.0.protein.sequence", "", "sequences[0].protein.sequence: is empty"),
    ("sequences.0.protein.sequence", "MK-T", "sequences[0].protein.sequence: must be upper-case"),
    ("sequences.1.rna.sequence", "AcG-", "sequences[1].rna.sequence: must be upper-case letters"),
    (
        "sequences.0.protein.modifications.0.ptmPosition",
        8,
        "sequences[0].protein.modifications[0].ptmPosition: 8 is not a residue of 1 to 7",
    ),
    (
        "sequences.0.protein.modifications.0.ptmType",
        "CCD_SEP",
        "sequences[0].protein.modifications[0].ptmType: write the code without its prefix: 'SEP'",
    ),
    (
        "sequences.1.rna.modifications.0.ptmType",
        "PSU",
        "sequences[1].rna.modifications[0].ptmType: unknown key",
    ),
    (
        "sequences.0.protein.unpairedMsa",
        ">q\nMKSTCGA\n",
        "sequences[0].protein.unpairedMsa: the first row must be the sequence itself, but at "
        "residue 7 (E) it has A",
    ),
    (
        "sequences.0.protein.unpairedMsa",
        ">q\nMKSTCGE\n>r\nMKSTCG\n",
        "sequences[0].protein.unpairedMsa: row 2 ('r') has 6 aligned columns",
    ),
    (
        "sequences.0.protein.unpairedMsa",
        ">q\nMKSTCG.\n",
        "sequences[0].protein.unpairedMsa: row 1 ('q') has '.'",
    ),
    (
        "sequences.0.protein.unpairedMsa",
        "msa.a3m",
        "sequences[0].protein.unpairedMsa: has no sequence: A3M lines start",
    ),
    (
        "sequences.0.protein.unpairedMsaPath",
        "x.a3m",
        "sequences[0].protein.unpairedMsaPath: unpairedMsa is given too",
    ),
    ("sequences.0.protein.pairedMsa", None, "sequences[0].protein.pairedMsa: is missing: where"),
    (
        "sequences.1.rna.unpairedMsaPath",
        "/no/such.a3m",
        "sequences[1].rna.unpairedMsaPath: /no/such.a3m: does not exist",
    ),
    ("sequences.1.rna.pairedMsa", "", "sequences[1].rna.pairedMsa: unknown key; did you mean"),
    ("sequences.3.ligand.ccdCodes", "NAG", "sequences[3].ligand.ccdCodes: must be a list, [ ... ]"),
    ("sequences.3.ligand.ccdCodes", [], "sequences[3].ligand: must have either ccdCodes or smiles"),
    ("sequences.3.ligand.ccdCodes.1", 5, "sequences[3].ligand.ccdCodes[1]: must be a string"),
    ("sequences.3.ligand.smiles", "CC", "sequences[3].ligand: must have either ccdCodes or smiles"),
    ("sequences.4.ligand.smiles", "C C", "sequences[4].ligand.smiles: has blanks"),
    ("bondedAtomPairs.0.0.0", "X", "bondedAtomPairs[0][0][0]: there is no chain 'X'; chains: A, B"),
    ("bondedAtomPairs.0.0.0", "F", "bondedAtomPairs[0][0][0]: chain F is a SMILES ligand"),
    (
        "bondedAtomPairs.0.1.1",
        3,
        "bondedAtomPairs[0][1][1]: 3 is not a residue of chain E (1 to 2)",
    ),
    ("bondedAtomPairs.0.1.2", "", "bondedAtomPairs[0][1][2]: '' is not an atom name"),
    ("bondedAtomPairs.0.0", ["E", 1], "bondedAtomPairs[0][0]: must be chain id, residue number"),
    ("bondedAtomPairs.0", [["E", 1, "O4"]], "bondedAtomPairs[0]: must be two atoms"),
    ("bondedAtomPairs.1", [["E", 1, "O4"], ["E", 2, "C1"]], "bondedAtomPairs[1]: is given twice"),
    ("bondedAtomPairs.0.1", ["E", 1, "O4"], "bondedAtomPairs[0]: joins an atom to itself"),
    ("userCCD", "no cif", "userCCD: is not readable mmCIF"),
    ("userCCD", "data_X\n_chem_comp.id X\n", "userCCD[X]: lacks _chem_comp.name"),
]


@pytest.mark.parametrize(("place", "value", "line"), MISTAKES)
def test_one_mistake_is_one_line(place, value, line):
    document = everything()
    set_at(document, place, value)
    with pytest.raises(InputError) as caught:
        parse(document, source="job.json")
    first, *lines = str(caught.value).splitlines()
    assert first == "job.json: 1 problem"
    assert len(lines) == 1 and lines[0].strip().startswith(line)


def test_all_mistakes_are_reported_together():
    document = everything()
    independent = [
        mistake
        for mistake in MISTAKES
        if mistake[0] in ("name", "version", "model_seeds", "userCCD")
        or mistake[0].startswith(("modelSeeds.", "sequences.4", "bondedAtomPairs.0.1.2"))
    ]
    chosen = {place: (value, line) for place, value, line in independent}
    for place, (value, _) in chosen.items():
        set_at(document, place, value)
    with pytest.raises(InputError) as caught:
        parse(document)
    for _, line in chosen.values():
        assert line in str(caught.value)
    assert f"{len(chosen)} problems" in str(caught.value)


def lines_of(document: object, **options: object) -> list[str]:
    """What is reported of a document, a line for each problem."""
    with pytest.raises(InputError) as caught:
        parse_jobs(json.dumps(document), **options)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"mmcifPath": "/no/such.cif"}, "mmcifPath: /no/such.cif: does not exist"),
        ({"mmcifPath": "gs://a/b.cif"}, "mmcifPath: Google Cloud Storage is not read from"),
        ({"mmcifPath": 5}, "mmcifPath: must be a string, not 5"),
        ({"mmcif": "data_x", "mmcifPath": "/dev/null"}, "mmcifPath: mmcif is given too"),
        ({"mmCIF": "data_x"}, "mmCIF: unknown key; did you mean 'mmcif'?"),
        ({"mmcif_path": "x.cif"}, "mmcif_path: unknown key; did you mean 'mmcifPath'?"),
    ],
)
def test_a_template_that_was_not_read_is_not_missing_too(keys, line):
    template = {"queryIndices": [0], "templateIndices": [0]} | keys
    protein = {"id": "A", "sequence": "GG", "unpairedMsa": "", "pairedMsa": ""}
    entities = [{"protein": protein | {"templates": [template]}}]
    (found,) = lines_of(everything() | {"sequences": entities, "bondedAtomPairs": None})
    assert found.startswith(f"sequences[0].protein.templates[0].{line}")


def test_an_entity_of_the_server_with_a_misspelt_kind_has_no_other_problem():
    entities = [{"proteinChain": {"sequence": "MK"}}, {"iron": {"ion": "FE"}}]
    (line,) = lines_of([{"name": "a", "sequences": entities}])
    assert line == "[0].sequences[1].iron: unknown key; did you mean 'ion'?"


def test_a_job_of_the_other_dialect_in_a_list_is_read_as_what_it_is():
    document = everything() | {"modelSeeds": [-1]}
    assert [line[:40] for line in lines_of([document])] == [
        "[0].dialect: a job in the AlphaFold 3 fo",
        "[0].modelSeeds[0]: -1 is not between 0 a",
    ]


def test_waters_of_a_template_are_no_polymer():
    """Also where the file does not list residues, but its atoms alone."""
    columns = (
        *("label_atom_id", "label_alt_id", "label_comp_id", "label_asym_id", "label_seq_id"),
        *("Cartn_x", "Cartn_y", "Cartn_z", "occupancy", "pdbx_PDB_model_num"),
    )
    places = [
        ("GLY", "A", 1),
        ("GLY", "A", 2),
        ("GLY", "A", 3),
        ("HOH", "W", "."),
        ("HOH", "W", "?"),
    ]
    sites = "".join(f"N . {name} {chain} {number} 0 0 0 1 1\n" for name, chain, number in places)
    tags = "".join(f"_atom_site.{column}\n" for column in columns)
    date = "_pdbx_audit_revision_history.revision_date 2001-02-03"
    template = {
        "mmcif": f"data_t\n{date}\nloop_\n{tags}{sites}",
        "queryIndices": [0, 1],
        "templateIndices": [0, 2],
    }
    protein = {"id": "A", "sequence": "GG", "unpairedMsa": "", "pairedMsa": ""}
    entities = [{"protein": protein | {"templates": [template]}}]
    parse(everything() | {"sequences": entities, "bondedAtomPairs": None})


@pytest.mark.parametrize(
    ("query", "template", "line"),
    [
        ([0, 1, 43], [0, 1, 2], "queryIndices[2]: 43 is not a 0-based residue of a sequence of 43"),
        ([0, 1, 1], [0, 1, 2], "queryIndices: names a residue twice"),
        ([0, 1], [0, 1, 2], "templateIndices: has 3 numbers, queryIndices has 2"),
        ([0, 1], [0, 99], "templateIndices[1]: 99 is not a 0-based residue of the template's 47"),
        ([0], [-1], "templateIndices[0]: -1 is not a 0-based residue"),
    ],
)
def test_template_indices_are_checked(query, template, line):
    protein = {
        "id": "A",
        "sequence": "G" * 43,
        "unpairedMsa": "",
        "pairedMsa": "",
        "templates": [
            {"mmcif": _TEMPLATE, "queryIndices": query, "templateIndices": template},
        ],
    }
    document = everything() | {"sequences": [{"protein": protein}], "bondedAtomPairs": None}
    with pytest.raises(InputError) as caught:
        parse(document)
    assert f"sequences[0].protein.templates[0].{line}" in str(caught.value)
    assert "1 problem" in str(caught.value)


def test_an_alignment_may_differ_where_a_residue_is_modified_or_unknown():
    document = everything()
    protein = document["sequences"][0]["protein"]
    protein |= {"unpairedMsa": ">q\nMKTTCGE\n"}
    parse(document)
    protein |= {"sequence": "MKSTUGE", "unpairedMsa": ">q\nMKSTXGE\n"}
    parse(document)
    protein |= {"unpairedMsa": ">q\nMKSTUGE\n"}
    with pytest.raises(InputError, match="U is read as unknown, so the row must have X"):
        parse(document)


def test_a_problem_in_a_file_names_the_file(tmp_path):
    (tmp_path / "short.a3m").write_text(">q\nMK\n")
    document = everything()
    document["sequences"][0]["protein"] |= {
        "unpairedMsa": None,
        "unpairedMsaPath": "short.a3m",
    }
    with pytest.raises(InputError, match=r"unpairedMsaPath \(short.a3m\): row 1 .* has 2 aligned"):
        parse(document, base_dir=tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not valid JSON: line 1, column 1"),
        ("{", "is not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("3", "a job file holds one JSON object"),
        ("[]", "the list of jobs is empty"),
        ('{"name": NaN}', "NaN is not a JSON number"),
        ('{"name": 1' + "0" * 5000 + "}", "is not valid JSON"),
        (r'{"name": "C\C"}', "a backslash inside a string, as in SMILES, is written twice"),
        (r'{"name": "\ud800"}', "name: holds half of a surrogate pair"),
        ('{"name": "a", "name": "b"}', "name: is given twice"),
        ('{"dialect": "alphafoldserver"}', r"put \[ \] around the object"),
        ('[{"dialect": "alphafold3", "version": 4}]', r"\[0\].dialect: .*alone in its file"),
        ('[{"name": "a", "dialect": "alphafoldserver"}]', "must have both dialect and version"),
        ("[3]", r"\[0\]: must be an object"),
        (
            '[{"name": "a", "sequences": [{"proteinChain": {"sequence": "AC", "glycans": [{}]}}]}]',
            r"\[0\].sequences\[0\].proteinChain.glycans: .*cannot be translated",
        ),
        (
            '[{"name": "a", "sequences": [{"proteinChain": {"sequence": "ac"}}]}]',
            r"\[0\].sequences\[0\].proteinChain.sequence: must be upper-case",
        ),
        (
            '[{"name": "a", "sequences": [{"ion": {"ion": "", "count": 1000000000}}]}]',
            r"\[0\].sequences\[0\].ion.count: .*at most 10000",
        ),
        (
            '[{"name": "a", "sequences": [{"ion": {"ion": "MG", "count": 10000}},'
            ' {"ion": {"ion": "ZN"}}]}]',
            r"\[0\].sequences\[1\].ion: .*at most 10000",
        ),
    ],
)
def test_odd_documents_are_explained(text, message):
    with pytest.raises(InputError, match=message):
        parse_jobs(text)


def test_thousands_of_problems_are_cut_off():
    document = everything() | {"modelSeeds": [-1] * 10_000}
    with pytest.raises(InputError, match="and 9800 more") as caught:
        parse(document)
    assert len(str(caught.value)) < 20_000


def test_control_characters_of_a_document_do_not_reach_the_terminal():
    document = everything() | {"\x1b[2Jodd": 1, "userCCDPath": "/no/\x1b[2J"}
    with pytest.raises(InputError) as caught:
        parse(document)
    assert r"\x1b[2Jodd" in str(caught.value) and "\x1b" not in str(caught.value)


def test_a_reader_of_components_may_fail_without_a_word(monkeypatch):
    def fail(text):
        raise ValueError

    monkeypatch.setattr("gemmi.cif.read_string", fail)
    with pytest.raises(InputError, match="userCCD: is not readable mmCIF: ValueError"):
        parse(everything() | {"userCCD": "data_X"})


def test_a_job_made_in_python_is_checked_alike():
    with pytest.raises(InputError, match=r"job: 2 problems\n  modelSeeds: .*\n  sequences\[0\]"):
        validate(Job("x", (), (Protein(("a",), "MK"),)))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_damaged_documents_never_give_a_traceback(path):
    """Replaces every value of a document, one at a time, by values of every other type."""
    text = path.read_text()
    for place in _places(json.loads(text)):
        for value in (None, True, -1, 1.5, "", "x", [], [[]], {}, {"x": {}}):
            document = json.loads(text)
            _set(document, place, value)
            try:
                parse_jobs(json.dumps(document), base_dir=path.parent)
            except InputError as error:
                assert str(error)


def _places(value: object, way: tuple = ()) -> list[tuple]:
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value[:3])
        if isinstance(value, list)
        else ()
    )
    return [(*way, key) for key, _ in items] + [
        place for key, inner in items for place in _places(inner, (*way, key))
    ]


def _set(document: object, way: tuple, value: object) -> None:
    for key in way[:-1]:
        document = document[key]
    document[way[-1]] = value
