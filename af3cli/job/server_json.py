"""Reads the AlphaFold Server JSON dialect: a list of jobs without chain ids.

Format: google-deepmind/alphafold, server/README.md; what it becomes: google-deepmind/alphafold3,
docs/input.md, "AlphaFold Server JSON Compatibility".
"""

from __future__ import annotations

from dataclasses import dataclass

from af3cli.job.alphafold3_json import decode_modifications, decode_seeds
from af3cli.job.chain_ids import chain_id
from af3cli.job.document import Value
from af3cli.job.limits import DEFAULT_SEED
from af3cli.job.types import Dna, Entity, Job, Ligand, Modification, Protein, Rna

DIALECT = "alphafoldserver"
VERSION = 1
MAX_CHAINS = 10_000

_JOB_KEYS = ("name", "modelSeeds", "sequences", "dialect", "version")
# what each kind of entity is called in the AlphaFold 3 format
_RENAMED = {
    "proteinChain": "protein",
    "rnaSequence": "rna",
    "dnaSequence": "dna",
    "ligand": "ligand",
    "ion": "ligand",
}
_PROTEIN_KEYS = (
    "sequence",
    "glycans",
    "modifications",
    "count",
    "maxTemplateDate",
    "useStructureTemplate",
)
_NUCLEIC_KEYS = ("sequence", "modifications", "count")


def decode_server_job(document: Value) -> Job:
    """Returns one job of the list; what is wrong goes to the document's problems.

    Chains are named A, B, ..., Z, AA, BA, ... in the order in which they are listed. The server
    draws a random seed where none is given; here it is `DEFAULT_SEED`, so that a job always means
    the same thing.
    """
    fields = document.fields(_JOB_KEYS, required=("name", "sequences"))
    _check_dialect(fields, document)
    sequences = fields["sequences"].elements() if "sequences" in fields else []
    chains = _ChainNames()
    seeds = decode_seeds(fields["modelSeeds"]) if "modelSeeds" in fields else ()
    return Job(
        name=fields["name"].text() if "name" in fields else "",
        seeds=seeds or (DEFAULT_SEED,),
        entities=tuple(_decode_entity(sequence, chains) for sequence in sequences),
    )


@dataclass
class _ChainNames:
    """Hands out chain ids in order."""

    used: int = 0

    def take(self, entity: Value, fields: dict[str, Value]) -> tuple[str, ...]:
        """The next `count` ids."""
        count = fields["count"].integer() if "count" in fields else 1
        if not 1 <= count <= MAX_CHAINS - self.used:
            place = fields.get("count", entity)
            place.wrong(f"counts must be at least 1, and all together at most {MAX_CHAINS}")
            count = 1
        self.used += count
        return tuple(chain_id(number) for number in range(self.used - count, self.used))


def _check_dialect(fields: dict[str, Value], document: Value) -> None:
    dialect, version = fields.get("dialect"), fields.get("version")
    if dialect and dialect.raw != DIALECT:
        dialect.wrong(f"must be {DIALECT!r}")
    elif version and version.integer() != VERSION:
        version.wrong(f"only version {VERSION} of the AlphaFold Server format is known")
    elif (dialect is None) != (version is None):
        document.wrong("must have both dialect and version, or neither")


def _decode_entity(sequence: Value, chains: _ChainNames) -> Entity:
    kinds = sequence.fields(_RENAMED)
    if len(kinds) != 1:
        sequence.wrong(
            "must have exactly one of proteinChain, rnaSequence, dnaSequence, ligand and ion"
        )
        sequence.problems.leave_unread(sequence.place)
        return Ligand(ids=())
    ((kind, value),) = kinds.items()
    value.problems.rename(f"{sequence.place}.{_RENAMED[kind]}", value.place)
    if kind in ("ligand", "ion"):
        place = f"{sequence.place}.ligand.ccdCodes[0]"
        value.problems.rename(place, f"{value.place}.{kind}")
        return _decode_ligand(kind, value, chains)
    if kind == "proteinChain":
        return _decode_protein(value, chains)
    fields = value.fields(_NUCLEIC_KEYS, required=("sequence",))
    return (Rna if kind == "rnaSequence" else Dna)(
        ids=chains.take(value, fields),
        sequence=fields["sequence"].text() if "sequence" in fields else "",
        modifications=_modifications(fields, "modificationType", "basePosition"),
    )


def _decode_protein(value: Value, chains: _ChainNames) -> Protein:
    fields = value.fields(_PROTEIN_KEYS, required=("sequence",))
    if "glycans" in fields and fields["glycans"].raw != []:
        fields["glycans"].wrong(
            "glycans of the AlphaFold Server format cannot be translated: it names residues only, "
            "not the atoms that are bonded; write the job in the AlphaFold 3 format, the glycan as "
            "a ligand with several ccdCodes and its bonds in bondedAtomPairs"
        )
    if "maxTemplateDate" in fields:
        fields["maxTemplateDate"].wrong(
            "the date is an option of the template search, not of a job; remove it here"
        )
    templates = fields.get("useStructureTemplate")
    if templates and not isinstance(templates.raw, bool):
        templates.wrong("must be true or false")
    return Protein(
        ids=chains.take(value, fields),
        sequence=fields["sequence"].text() if "sequence" in fields else "",
        modifications=_modifications(fields, "ptmType", "ptmPosition"),
        templates=() if templates and templates.raw is False else None,
    )


def _decode_ligand(kind: str, value: Value, chains: _ChainNames) -> Ligand:
    """A ligand or an ion; both name their component under a key like their own."""
    fields = value.fields((kind, "count"), required=(kind,))
    code = fields[kind].text() if kind in fields else ""
    return Ligand(ids=chains.take(value, fields), ccd_codes=(code.removeprefix("CCD_"),))


def _modifications(
    fields: dict[str, Value], code_key: str, position_key: str
) -> tuple[Modification, ...]:
    """Modifications with the server's prefix `CCD_` taken off their codes."""
    return tuple(
        Modification(item.ccd_code.removeprefix("CCD_"), item.position)
        for item in decode_modifications(fields, code_key, position_key)
    )
