"""Reads the AlphaFold 3 JSON dialect, versions 1 to 4.

Format: google-deepmind/alphafold3, docs/input.md. Here only the form of the document is looked at;
whether its content makes sense is the business of `validate`.
"""

from __future__ import annotations

import re
from pathlib import Path

from af3cli.errors import InputError
from af3cli.job.document import Value, suggestion
from af3cli.job.places import MODIFICATION_KEYS
from af3cli.job.textfile import read_text
from af3cli.job.types import (
    AtomAddress,
    Dna,
    Entity,
    Job,
    Ligand,
    Modification,
    Protein,
    Rna,
    Template,
)

DIALECT = "alphafold3"
VERSIONS = (1, 2, 3, 4)

_KINDS = ("protein", "rna", "dna", "ligand")
_SERVER_KINDS = ("proteinChain", "rnaSequence", "dnaSequence")

_JOB_KEYS = (
    "name",
    "modelSeeds",
    "sequences",
    "bondedAtomPairs",
    "userCCD",
    "userCCDPath",
    "dialect",
    "version",
)
_RNA_KEYS = ("id", "sequence", "modifications", "description", "unpairedMsa", "unpairedMsaPath")
_PROTEIN_KEYS = (*_RNA_KEYS, "pairedMsa", "pairedMsaPath", "templates")
_DNA_KEYS = ("id", "sequence", "modifications", "description")
_LIGAND_KEYS = ("id", "ccdCodes", "smiles", "description")
_TEMPLATE_KEYS = ("mmcif", "mmcifPath", "queryIndices", "templateIndices")


def decode_alphafold3(document: Value, base_dir: Path | None) -> Job:
    """Returns the job of one document; what is wrong goes to the document's problems.

    Paths in the document are relative to `base_dir`; without one they must be absolute.
    """
    fields = document.fields(
        _JOB_KEYS, required=("name", "modelSeeds", "sequences", "dialect", "version")
    )
    _check_dialect(fields)
    sequences = fields["sequences"].elements() if "sequences" in fields else []
    bonds = fields["bondedAtomPairs"].elements() if "bondedAtomPairs" in fields else []
    return Job(
        name=_text(fields, "name") or "",
        seeds=decode_seeds(fields["modelSeeds"]) if "modelSeeds" in fields else (),
        entities=tuple(_decode_entity(sequence, base_dir) for sequence in sequences),
        bonds=tuple(_decode_bond(bond) for bond in bonds),
        user_ccd=_text_or_file(fields, "userCCD", base_dir),
    )


def decode_seeds(seeds: Value) -> tuple[int, ...]:
    """Seeds as whole numbers; strings of digits, which AlphaFold Server writes, are taken too."""
    return tuple(
        int(seed.raw) if _is_digits(seed.raw) else seed.integer() for seed in seeds.elements()
    )


def _is_digits(raw: object) -> bool:
    return isinstance(raw, str) and re.fullmatch("[0-9]{1,20}", raw) is not None


def decode_modifications(
    fields: dict[str, Value], code_key: str, position_key: str
) -> tuple[Modification, ...]:
    """The `modifications` of a polymer, each an object with the two keys."""
    if "modifications" not in fields:
        return ()
    keys = (code_key, position_key)
    parts = [item.fields(keys, required=keys) for item in fields["modifications"].elements()]
    return tuple(
        Modification(
            ccd_code=_text(part, code_key) or "",
            position=part[position_key].integer() if position_key in part else 0,
        )
        for part in parts
    )


def _check_dialect(fields: dict[str, Value]) -> None:
    dialect, version = fields.get("dialect"), fields.get("version")
    if dialect and dialect.raw != DIALECT:
        dialect.wrong(f"must be {DIALECT!r} where the file holds one object")
    if version and version.integer() not in VERSIONS:
        version.wrong(f"versions {VERSIONS[0]} to {VERSIONS[-1]} are known, not {version.raw}")


def _decode_entity(sequence: Value, base_dir: Path | None) -> Entity:
    """The one entity of an element of `sequences`."""
    if isinstance(sequence.raw, dict) and (message := _kind_problem(sequence.raw)):
        sequence.wrong(message)
        return Ligand(ids=())
    kinds = sequence.fields(_KINDS)
    if not kinds:
        return Ligand(ids=())
    ((kind, value),) = kinds.items()
    if kind == "ligand":
        return _decode_ligand(value)
    return _decode_polymer(kind, value, base_dir)


def _kind_problem(raw: dict[str, object]) -> str | None:
    """Why an element of `sequences` is not one entity, or `None`."""
    if len(raw) == 1 and raw.keys() <= set(_KINDS) and None not in raw.values():
        return None
    if "ion" in raw:
        return 'ions are ligands here: {"ligand": {"id": "B", "ccdCodes": ["MG"]}}'
    if not raw.keys().isdisjoint(_SERVER_KINDS):
        return (
            f"{', '.join(raw)} is AlphaFold Server format, whose files are lists of jobs; "
            f"the AlphaFold 3 format has {', '.join(_KINDS)}"
        )
    if len(raw) == 1 and raw.keys().isdisjoint(_KINDS):
        (key,) = raw
        return f"unknown key {key!r}; {suggestion(key, _KINDS)}"
    return f"must have exactly one of {', '.join(_KINDS)}"


def _decode_polymer(kind: str, value: Value, base_dir: Path | None) -> Protein | Rna | Dna:
    keys = {"protein": _PROTEIN_KEYS, "rna": _RNA_KEYS, "dna": _DNA_KEYS}[kind]
    fields = value.fields(keys, required=("id", "sequence"))
    common = {
        "ids": _decode_ids(fields),
        "sequence": _text(fields, "sequence") or "",
        "modifications": decode_modifications(fields, *MODIFICATION_KEYS[kind]),
        "description": _text(fields, "description"),
    }
    if kind == "dna":
        return Dna(**common)
    unpaired_msa = _text_or_file(fields, "unpairedMsa", base_dir)
    if kind == "rna":
        return Rna(**common, unpaired_msa=unpaired_msa)
    return Protein(
        **common,
        unpaired_msa=unpaired_msa,
        paired_msa=_text_or_file(fields, "pairedMsa", base_dir),
        templates=_decode_templates(fields, base_dir),
    )


def _decode_ligand(value: Value) -> Ligand:
    fields = value.fields(_LIGAND_KEYS, required=("id",))
    codes = fields["ccdCodes"].elements() if "ccdCodes" in fields else []
    return Ligand(
        ids=_decode_ids(fields),
        ccd_codes=tuple(code.text() for code in codes),
        smiles=_text(fields, "smiles"),
        description=_text(fields, "description"),
    )


def _decode_ids(fields: dict[str, Value]) -> tuple[str, ...]:
    """One id or a list of them."""
    if "id" not in fields:
        return ()
    ids = fields["id"]
    if isinstance(ids.raw, list):
        return tuple(element.text() for element in ids.elements())
    return (ids.text(),)


def _decode_templates(
    fields: dict[str, Value], base_dir: Path | None
) -> tuple[Template, ...] | None:
    if "templates" not in fields:
        return None
    return tuple(_decode_template(item, base_dir) for item in fields["templates"].elements())


def _decode_template(value: Value, base_dir: Path | None) -> Template:
    fields = value.fields(_TEMPLATE_KEYS, required=("queryIndices",))
    query, template = (
        fields[key].integers() if key in fields else ()
        for key in ("queryIndices", "templateIndices")
    )
    return Template(_text_or_file(fields, "mmcif", base_dir) or "", query, template)


def _decode_bond(value: Value) -> tuple[AtomAddress, AtomAddress]:
    """A pair of `[chain id, residue number, atom name]`."""
    atoms = value.elements()
    if isinstance(value.raw, list) and len(atoms) != 2:
        value.wrong("must be two atoms, [[chain, residue, atom], [chain, residue, atom]]")
    if len(atoms) != 2:
        return (AtomAddress("", 0, ""),) * 2
    first, second = (_decode_atom(atom) for atom in atoms)
    return first, second


def _decode_atom(value: Value) -> AtomAddress:
    parts = value.elements()
    if isinstance(value.raw, list) and len(parts) != 3:
        value.wrong('must be chain id, residue number and atom name, as in ["A", 145, "SG"]')
    if len(parts) != 3:
        return AtomAddress("", 0, "")
    chain, residue, atom = parts
    return AtomAddress(chain.text(), residue.integer(), atom.text())


def _text(fields: dict[str, Value], key: str) -> str | None:
    return fields[key].text() if key in fields else None


def _text_or_file(fields: dict[str, Value], key: str, base_dir: Path | None) -> str | None:
    """The text of `key`, or of the file that `key` + `Path` names; an empty path names none."""
    inline, path = fields.get(key), fields.get(f"{key}Path")
    if path is None or path.raw == "":
        return inline.text() if inline else None
    place = path.place.removesuffix("Path")
    if inline and inline.raw:
        path.wrong(f"{key} is given too; only one of the two can be")
        content = None
    else:
        content = _read_named_file(path, base_dir)
    if content is None:
        path.problems.leave_unread(place)
        return ""
    path.problems.rename(place, f"{path.place} ({path.raw})")
    return content


def _read_named_file(path: Value, base_dir: Path | None) -> str | None:
    """The text of the file, or `None` if that is a problem."""
    name = path.text()
    if not name:
        return None
    if name.startswith("gs://"):
        path.wrong("Google Cloud Storage is not read from; copy the file and give its local path")
        return None
    named = Path(name)
    if base_dir is None and not named.is_absolute():
        path.wrong("must be an absolute path, as this job does not come from a file")
        return None
    try:
        return read_text(named if base_dir is None else base_dir / named)
    except InputError as error:
        path.wrong(str(error))
        return None
