"""Checks the components that a job names: codes, SMILES strings and bonded atoms."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches

from af3cli.chemistry import ComponentDictionary
from af3cli.chemistry.smiles import component_from_smiles
from af3cli.errors import InputError
from af3cli.job import AtomAddress, Job, Ligand
from af3cli.job.places import MODIFICATION_KEYS, entity_kind, entity_place
from af3cli.job.problems import Problems
from af3cli.tokens.chains import job_chains


def check_components(job: Job, components: ComponentDictionary, source: str = "job") -> None:
    """Raises `InputError` naming `source` and everything the job names that does not exist.

    The job must be valid otherwise (`af3cli.job.validate`). Places are written as in its JSON.
    """
    problems = Problems()
    named = _without_smiles(job)
    try:
        components = components.for_job(named)
    except InputError as error:
        problems.add("userCCD", str(error))
    else:
        _check_codes(job, components, problems)
        _check_bonded_atoms(job, components, problems)
    _check_smiles(job, problems)
    problems.raise_if_any(source)


def _without_smiles(job: Job) -> Job:
    entities = (e for e in job.entities if not (isinstance(e, Ligand) and e.smiles))
    return replace(job, entities=tuple(entities))


def _check_codes(job: Job, components: ComponentDictionary, problems: Problems) -> None:
    for number, entity in enumerate(job.entities):
        place = entity_place(number, entity)
        if isinstance(entity, Ligand):
            named = {f"{place}.ccdCodes[{i}]": code for i, code in enumerate(entity.ccd_codes)}
        else:
            key, _ = MODIFICATION_KEYS[entity_kind(entity)]
            named = {
                f"{place}.modifications[{i}].{key}": modification.ccd_code
                for i, modification in enumerate(entity.modifications)
            }
        for where, code in named.items():
            try:
                components.get(code)
            except InputError as error:
                problems.add(where, str(error))


def _check_smiles(job: Job, problems: Problems) -> None:
    for number, entity in enumerate(job.entities):
        if isinstance(entity, Ligand) and entity.smiles:
            try:
                component_from_smiles("LIG", entity.smiles)
            except InputError as error:
                problems.add(f"{entity_place(number, entity)}.smiles", str(error))


def _check_bonded_atoms(job: Job, components: ComponentDictionary, problems: Problems) -> None:
    codes = {chain.chain_id: chain.codes for chain in job_chains(job)}
    for i, bond in enumerate(job.bonds):
        for end, atom in enumerate(bond):
            message = _atom_problem(atom, codes[atom.chain_id][atom.residue_id - 1], components)
            if message:
                problems.add(f"bondedAtomPairs[{i}][{end}][2]", message)


def _atom_problem(atom: AtomAddress, code: str, components: ComponentDictionary) -> str | None:
    """Why a residue with this component has no such atom, or `None`."""
    if code not in components:
        return None  # reported where the component is named
    component = components.get(code)
    names = component.atom_name[component.heavy].tolist()
    if atom.atom_name in names:
        return None
    close = get_close_matches(atom.atom_name, names, n=3) or names[:12]
    return f"{code} has no heavy atom {atom.atom_name!r}; it has {', '.join(close)}"
