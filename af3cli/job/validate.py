"""Checks whether a job makes sense: everything that can be told without chemistry.

Places are named as in the AlphaFold 3 JSON format, whatever the job was read from.
"""

from __future__ import annotations

import re
from collections import Counter

from af3cli.job.a3m import a3m_problem
from af3cli.job.limits import MAX_SEED
from af3cli.job.names import file_name
from af3cli.job.places import MODIFICATION_KEYS, entity_kind, entity_place
from af3cli.job.problems import Problems
from af3cli.job.templates import check_template
from af3cli.job.types import AtomAddress, Dna, Job, Ligand, Protein, Rna
from af3cli.job.user_components import check_user_components

_SHOWN_LETTERS = 5


def validate(job: Job, source: str = "job") -> None:
    """Raises `InputError` that names `source` and everything that is wrong with `job`."""
    problems = Problems()
    check_job(job, problems)
    problems.raise_if_any(source)


def check_job(job: Job, problems: Problems) -> None:
    """Adds everything that is wrong with `job` to `problems`."""
    if not job.name.strip() or file_name(job.name) in ("", ".", ".."):
        problems.add("name", "must have at least one letter or digit (A-Z, a-z, 0-9, _, -)")
    _check_seeds(job.seeds, problems)
    if not job.entities:
        problems.add("sequences", "must have at least one entity")
    _check_ids(job, problems)
    for number, entity in enumerate(job.entities):
        place = entity_place(number, entity)
        if isinstance(entity, Ligand):
            _check_ligand(entity, place, problems)
        else:
            _check_polymer(entity, place, problems)
    _check_bonds(job, problems)
    if job.user_ccd:
        check_user_components(job.user_ccd, "userCCD", problems)


def _chain_lengths(job: Job, problems: Problems) -> dict[str, int]:
    """Number of residues of every chain, 0 if it is not known; a SMILES ligand has one."""
    lengths: dict[str, int] = {}
    for number, entity in enumerate(job.entities):
        if isinstance(entity, Ligand):
            length = len(entity.ccd_codes) or (1 if entity.smiles else 0)
        elif problems.concern(f"{entity_place(number, entity)}.sequence"):
            length = 0
        else:
            length = len(entity.sequence)
        for chain in entity.ids:
            lengths[chain] = 0 if chain in lengths else length
    return lengths


def _check_seeds(seeds: tuple[int, ...], problems: Problems) -> None:
    if not seeds:
        problems.add("modelSeeds", "must have at least one seed, such as [1]")
    seen: set[int] = set()
    for i, seed in enumerate(seeds):
        if not 0 <= seed <= MAX_SEED:
            problems.add(f"modelSeeds[{i}]", f"{seed} is not between 0 and {MAX_SEED}")
        elif seed in seen:
            problems.add(f"modelSeeds[{i}]", f"{seed} is given twice")
        seen.add(seed)


def _check_ids(job: Job, problems: Problems) -> None:
    first_use: dict[str, str] = {}
    for number, entity in enumerate(job.entities):
        place = f"{entity_place(number, entity)}.id"
        if not entity.ids:
            problems.add(place, "must be at least one chain id")
        for i, chain in enumerate(entity.ids):
            here = f"{place}[{i}]" if len(entity.ids) > 1 else place
            if not re.fullmatch("[A-Z]+", chain):
                problems.add(here, f"{chain!r} is not made of upper-case letters A-Z")
            elif chain in first_use:
                problems.add(here, f"chain {chain} is already at {first_use[chain]}")
            else:
                first_use[chain] = here


def _check_polymer(entity: Protein | Rna | Dna, place: str, problems: Problems) -> None:
    sequence = entity.sequence
    if not sequence:
        problems.add(f"{place}.sequence", "is empty")
        return
    wrong = [i for i, letter in enumerate(sequence) if not ("A" <= letter <= "Z")]
    if wrong:
        listed = ", ".join(f"{sequence[i]!r} at {i + 1}" for i in wrong[:_SHOWN_LETTERS])
        more = f" and {len(wrong) - _SHOWN_LETTERS} more" if len(wrong) > _SHOWN_LETTERS else ""
        problems.add(f"{place}.sequence", f"must be upper-case letters A-Z, has {listed}{more}")
    _check_modifications(entity, place, problems)
    if not wrong and not isinstance(entity, Dna):
        _check_alignments(entity, place, problems)
    if isinstance(entity, Protein):
        for i, template in enumerate(entity.templates or ()):
            check_template(template, len(sequence), f"{place}.templates[{i}]", problems)


def _check_modifications(entity: Protein | Rna | Dna, place: str, problems: Problems) -> None:
    code_key, position_key = MODIFICATION_KEYS[entity_kind(entity)]
    length = len(entity.sequence)
    used = Counter(modification.position for modification in entity.modifications)
    for i, modification in enumerate(entity.modifications):
        here = f"{place}.modifications[{i}]"
        _check_component_code(modification.ccd_code, f"{here}.{code_key}", problems)
        position = modification.position
        if not 1 <= position <= length:
            problems.add(f"{here}.{position_key}", f"{position} is not a residue of 1 to {length}")
        elif used[position] > 1:
            problems.add(f"{here}.{position_key}", f"residue {position} is modified twice")


def _check_component_code(code: str, place: str, problems: Problems) -> None:
    if code.startswith("CCD_"):
        problems.add(place, f"write the code without its prefix: {code.removeprefix('CCD_')!r}")
    elif not re.fullmatch(r"[!-~]+", code):
        problems.add(place, f"{code[:40]!r} is not a component code, such as 'ATP'")


def _check_alignments(entity: Protein | Rna, place: str, problems: Problems) -> None:
    given = {"unpairedMsa": entity.unpaired_msa}
    if isinstance(entity, Protein):
        given["pairedMsa"] = entity.paired_msa
        absent = [key for key, a3m in given.items() if a3m is None]
        if len(absent) == 1 or (absent and entity.templates):
            problems.add(
                f"{place}.{absent[0]}",
                "is missing: where one of unpairedMsa, pairedMsa and templates is chosen by hand, "
                'both alignments must be; "" stands for none',
            )
    for key, a3m in given.items():
        if a3m and (message := a3m_problem(a3m, entity)):
            problems.add(f"{place}.{key}", message)


def _check_ligand(ligand: Ligand, place: str, problems: Problems) -> None:
    if bool(ligand.ccd_codes) == bool(ligand.smiles):
        found = "both are given" if ligand.smiles else "neither is given"
        problems.add(place, f"must have either ccdCodes or smiles; {found}")
        return
    for i, code in enumerate(ligand.ccd_codes):
        _check_component_code(code, f"{place}.ccdCodes[{i}]", problems)
    if ligand.smiles and not re.fullmatch(r"[!-~]+", ligand.smiles):
        problems.add(f"{place}.smiles", "has blanks or characters that SMILES does not use")


def _check_bonds(job: Job, problems: Problems) -> None:
    lengths = _chain_lengths(job, problems)
    ids = [f"{entity_place(number, entity)}.id" for number, entity in enumerate(job.entities)]
    all_known = bool(ids) and not any(map(problems.concern, ids))
    smiles = {
        chain
        for entity in job.entities
        if isinstance(entity, Ligand) and entity.smiles and not entity.ccd_codes
        for chain in entity.ids
    }
    seen: set[tuple[AtomAddress, AtomAddress]] = set()
    for i, bond in enumerate(job.bonds):
        place = f"bondedAtomPairs[{i}]"
        for end, atom in enumerate(bond):
            here = f"{place}[{end}]"
            if all_known or atom.chain_id in lengths:
                _check_bonded_residue(atom, lengths, smiles, here, problems)
            if not re.fullmatch(r"[!-~]+", atom.atom_name):
                problems.add(f"{here}[2]", f"{atom.atom_name[:40]!r} is not an atom name")
        if bond in seen:
            problems.add(place, "is given twice")
        elif bond[0] == bond[1]:
            problems.add(place, "joins an atom to itself")
        seen.add(bond)


def _check_bonded_residue(
    atom: AtomAddress, lengths: dict[str, int], smiles: set[str], place: str, problems: Problems
) -> None:
    if atom.chain_id not in lengths:
        chains = ", ".join(lengths) or "none"
        problems.add(f"{place}[0]", f"there is no chain {atom.chain_id!r}; chains: {chains}")
    elif atom.chain_id in smiles:
        problems.add(
            f"{place}[0]",
            f"chain {atom.chain_id} is a SMILES ligand, whose atoms have no names; "
            "give it as userCCD to bond it",
        )
    elif (length := lengths[atom.chain_id]) and not 1 <= atom.residue_id <= length:
        problems.add(
            f"{place}[1]",
            f"{atom.residue_id} is not a residue of chain {atom.chain_id} (1 to {length})",
        )
