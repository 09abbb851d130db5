"""The tokenizer: one token for each standard residue, and for each atom of everything else."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Int, Int32, Shaped

from af3cli.chemistry import ComponentDictionary, JobComponents
from af3cli.errors import InputError
from af3cli.job import Job
from af3cli.tokens.chains import Chain, job_chains
from af3cli.tokens.links import Links, job_links
from af3cli.tokens.residues import ResidueAtoms, ResidueBuilder
from af3cli.tokens.types import Atoms, Tokens

LEFT_OUT = (
    "has no rows: like the official program, this one leaves out chains that have nothing but "
    "unknown residues, or whose components begin with a hydrogen"
)
NOTHING_LEFT = "has no atoms to model, only unknown residues"
_logger = logging.getLogger(__name__)


def tokenize(
    job: Job, components: ComponentDictionary, *, terminal_atoms: bool = True
) -> tuple[Tokens, Atoms]:
    """Returns the tokens and atoms of a job, chains in the official order.

    Without `terminal_atoms`, polymers' residues that are one token have no OXT or OP3 at the ends.

    Chains of nothing but unknown residues, or whose components all begin with a hydrogen, are left
    out, as in the official program, and a warning is logged.

    Raises:
        InputError: A component or a bonded atom does not exist, or nothing is left.
    """
    own = components.for_job(job)
    links = _links(job, own)
    for chain_id in _left_out(job, links):
        _logger.warning("job %s: chain %s %s", job.name, chain_id, LEFT_OUT)
    builder = ResidueBuilder(links, own, terminal_atoms)
    found = [
        (chain, number, residue)
        for chain in links.chains
        for number, residue in enumerate(builder.chain(chain), start=1)
        if residue.num_tokens
    ]
    if not found:
        raise InputError(f"job {job.name!r}: {NOTHING_LEFT}")
    chains, numbers, residues = zip(*found, strict=True)
    atoms = _atom_table(residues)
    return _token_table(chains, numbers, residues, atoms), atoms


def chains_left_out(job: Job, components: ComponentDictionary) -> list[str]:
    """Returns the ids of chains that have no tokens, which may be all.

    Raises:
        InputError: A component or a bonded atom does not exist.
    """
    return _left_out(job, _links(job, components.for_job(job)))


def _links(job: Job, components: JobComponents) -> Links:
    _check_components(job_chains(job), components)
    return job_links(job, components)


def _left_out(job: Job, links: Links) -> list[str]:
    present = {chain.chain_id for chain in links.chains}
    return [chain.chain_id for chain in job_chains(job) if chain.chain_id not in present]


def _atom_table(residues: Sequence[ResidueAtoms]) -> Atoms:
    """Returns the atoms of residues that have tokens."""
    first_token = _starts(np.array([residue.num_tokens for residue in residues]))
    num_atoms = [len(residue.name) for residue in residues]
    return Atoms(
        token=np.repeat(first_token, num_atoms) + np.concatenate([r.token for r in residues]),
        slot=np.concatenate([residue.slot for residue in residues]),
        name=np.concatenate([residue.name for residue in residues]),
        element=np.concatenate([residue.element for residue in residues]),
    )


def _token_table(
    chains: Sequence[Chain], numbers: Sequence[int], residues: Sequence[ResidueAtoms], atoms: Atoms
) -> Tokens:
    """Returns the tokens of residues, given the chain and the number of each, and their atoms."""
    num_tokens = [residue.num_tokens for residue in residues]
    residue_row = np.repeat(np.arange(len(residues), dtype=np.int32), num_tokens)

    def per_token(of_residues: Iterable[object], dtype: type) -> Shaped[np.ndarray, "token"]:
        return np.array(list(of_residues), dtype)[residue_row]

    atom_count = np.bincount(atoms.token).astype(np.int32)
    atom_start = _starts(atom_count)
    is_whole = per_token((residue.is_whole_token for residue in residues), bool)
    centre = per_token((residue.centre for residue in residues), np.int32)
    code = per_token((residue.code for residue in residues), object)
    chain_id = per_token((chain.chain_id for chain in chains), object)
    asym_id, entity_id, sym_id = _number_chains(chain_id, code)
    is_modified = (n in chain.modified for chain, n in zip(chains, numbers, strict=True))
    return Tokens(
        chain_id=chain_id,
        asym_id=asym_id,
        entity_id=entity_id,
        sym_id=sym_id,
        molecule_type=per_token((chain.molecule_type for chain in chains), object),
        residue_id=per_token(numbers, np.int32),
        residue_name=code,
        atom_name=np.where(is_whole, "", atoms.name[atom_start]),
        is_modified=per_token(is_modified, bool),
        residue_type=per_token((residue.residue_type for residue in residues), np.int32),
        ref_space_uid=residue_row,
        atom_start=atom_start,
        atom_count=atom_count,
        representative_atom=atom_start + np.where(is_whole, centre, 0),
    )


def _number_chains(
    chain_id: Shaped[np.ndarray, "token"], code: Shaped[np.ndarray, "token"]
) -> tuple[Int32[np.ndarray, "token"], Int32[np.ndarray, "token"], Int32[np.ndarray, "token"]]:
    """Returns the number of each token's chain, entity, and copy of the entity, from 1.

    Chains are one entity if their tokens have the same components.
    """
    starts = np.flatnonzero(np.append(True, chain_id[1:] != chain_id[:-1]))
    lengths = np.diff(np.append(starts, len(chain_id)))
    copies: dict[tuple[str, ...], list[int]] = {}
    entities, syms = [], []
    for start, length in zip(starts, lengths, strict=True):
        entity = copies.setdefault(tuple(code[start : start + length]), [len(copies) + 1, 0])
        entity[1] += 1
        entities.append(entity[0])
        syms.append(entity[1])
    columns = np.arange(1, len(starts) + 1), entities, syms
    asym_id, entity_id, sym_id = (
        np.repeat(np.array(column, np.int32), lengths) for column in columns
    )
    return asym_id, entity_id, sym_id


def _check_components(chains: list[Chain], components: JobComponents) -> None:
    """Raises `InputError` that lists every component that does not exist."""
    problems = []
    for code in dict.fromkeys(code for chain in chains for code in chain.codes):
        try:
            components.get(code)
        except InputError as error:
            chain = next(chain for chain in chains if code in chain.codes)
            residue = chain.codes.index(code) + 1
            problems.append(f"chain {chain.chain_id}, residue {residue}: {error}")
    if problems:
        raise InputError("\n".join(problems))


def _starts(lengths: Int[np.ndarray, "part"]) -> Int32[np.ndarray, "part"]:
    """Returns where each part begins if they follow each other."""
    return (np.cumsum(lengths) - lengths).astype(np.int32)
