"""Checks what a job says of components: codes, SMILES strings, bonded atoms, parents' letters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches

from af3cli.chemistry import ComponentDictionary, JobComponents, one_letter
from af3cli.chemistry.smiles import component_from_smiles
from af3cli.errors import InputError
from af3cli.job import AtomAddress, Entity, Job, JobFile, Ligand, Protein, Rna
from af3cli.job.a3m import modified_residue_problem
from af3cli.job.places import MODIFICATION_KEYS, entity_kind, entity_place
from af3cli.job.problems import Problems
from af3cli.tokens.chains import atom_source
from af3cli.tokens.known_residues import KnownResidues
from af3cli.tokens.seen_components import other_molecule
from af3cli.tokens.tokenize import NOTHING_LEFT, chains_left_out


def checked_jobs(file: JobFile, components: ComponentDictionary) -> Sequence[Job]:
    """Returns the jobs of a file if all of them have tokens.

    Raises:
        InputError: they do not; the text has everything that is wrong with any of them.
    """
    for draft in file.drafts:
        find_component_problems(draft.job, components, draft.problems)
    return file.jobs()


def check_components(job: Job, components: ComponentDictionary, source: str = "job") -> None:
    """Raises `InputError` naming `source` and everything that keeps the job from having tokens.

    The job must be valid otherwise (`af3cli.job.validate`). Places are written as in its JSON.
    """
    problems = Problems()
    find_component_problems(job, components, problems)
    problems.raise_if_any(source)


def find_component_problems(job: Job, components: ComponentDictionary, problems: Problems) -> None:
    """Adds what is wrong with the components of a job: one without problems has tokens.

    `problems` has what is wrong with it otherwise. Nothing is said of what is not known for such a
    reason, as of the atoms of a chain whose sequence could not be read.
    """
    own = _with_own(job, components, problems)
    residues = KnownResidues(job, problems)
    for number, entity in enumerate(job.entities):
        place = entity_place(number, entity)
        _check_entity(entity, place, own, residues, problems)
        _check_seen_atoms(job, entity, place, own, residues, problems)
        if isinstance(entity, Protein | Rna) and not problems.concern(f"{place}.sequence"):
            _check_modified_columns(entity, place, problems)
    _check_bonded_atoms(job, own, residues, problems)
    if not problems:
        _check_chains(job, components, problems)


def _check_chains(job: Job, components: ComponentDictionary, problems: Problems) -> None:
    """Reports what only the tokenizer sees, and a job of which nothing would be left."""
    try:
        left_out = chains_left_out(job, components)
    except InputError as error:
        problems.add("", str(error))
    else:
        if len(left_out) == sum(len(entity.ids) for entity in job.entities):
            problems.add("sequences", NOTHING_LEFT)


def _with_own(job: Job, components: ComponentDictionary, problems: Problems) -> JobComponents:
    """The dictionary with the components of the job's `userCCD`, if they are usable."""
    without_smiles = replace(job, entities=())
    try:
        return components.for_job(without_smiles)
    except InputError as error:
        problems.add("userCCD", str(error))
        return components.for_job(replace(without_smiles, user_ccd=None))


def _check_entity(
    entity: Entity,
    place: str,
    components: JobComponents,
    residues: KnownResidues,
    problems: Problems,
) -> None:
    if isinstance(entity, Ligand) and entity.smiles:
        try:
            component_from_smiles("LIG", entity.smiles)
        except InputError as error:
            problems.add(f"{place}.smiles", str(error))
    may_be_own = problems.concern("userCCD")
    for where, code in _named_components(entity, place, residues):
        if may_be_own and code not in components:
            continue
        if message := _component_problem(code, components):
            problems.add(where, message)
        elif not isinstance(entity, Ligand) and not _heavy_atoms(code, components):
            problems.add(where, f"component {code!r} is all hydrogens, and no residue of a polymer")


def _check_seen_atoms(
    job: Job,
    entity: Entity,
    place: str,
    components: ComponentDictionary,
    residues: KnownResidues,
    problems: Problems,
) -> None:
    """Compares what a structure file has of components with the dictionary's entries."""
    seen = {component.code: component for component in job.seen}
    for where, code in _named_components(entity, place, residues):
        is_known = code in seen and _is_usable(code, components)
        if is_known and (message := other_molecule(seen[code], components.get(code))):
            problems.add(where, message)


def _check_modified_columns(entity: Protein | Rna, place: str, problems: Problems) -> None:
    """Compares the first rows of alignments with the parents of modified residues."""
    parents = {
        modification: one_letter(modification.ccd_code)
        for i, modification in enumerate(entity.modifications)
        if not problems.concern(f"{place}.modifications[{i}]")
    }
    given = {"unpairedMsa": entity.unpaired_msa, "pairedMsa": getattr(entity, "paired_msa", None)}
    for key, a3m in given.items():
        if not (parents and a3m) or problems.concern(f"{place}.{key}"):
            continue
        if message := modified_residue_problem(a3m, entity, parents):
            problems.add(f"{place}.{key}", message)


def _named_components(
    entity: Entity, place: str, residues: KnownResidues
) -> Iterator[tuple[str, str]]:
    """Yields where an entity names a component, and which; each of a sequence once."""
    if isinstance(entity, Ligand):
        for i, code in enumerate(entity.ccd_codes):
            yield f"{place}.ccdCodes[{i}]", code
        return
    key, _ = MODIFICATION_KEYS[entity_kind(entity)]
    modified = [modification.ccd_code for modification in entity.modifications]
    for i, code in enumerate(modified):
        yield f"{place}.modifications[{i}].{key}", code
    of_sequence = residues.of_chain(entity.ids[0]) if entity.ids else ()
    for code in dict.fromkeys(of_sequence):
        if code not in modified:
            yield f"{place}.sequence", code


def _component_problem(code: str, components: JobComponents) -> str | None:
    """Why a residue cannot be this component, or `None`."""
    try:
        components.get(code)
        has_atoms = len(components.get(atom_source(code)).atom_name) > 0
    except InputError as error:
        return str(error)
    return None if has_atoms else f"component {code!r} has no atoms"


def _check_bonded_atoms(
    job: Job, components: JobComponents, residues: KnownResidues, problems: Problems
) -> None:
    for i, bond in enumerate(job.bonds):
        for end, atom in enumerate(bond):
            place = f"bondedAtomPairs[{i}][{end}]"
            if problems.concern(place):
                continue
            if message := _atom_problem(atom, residues.of_atom(atom), components):
                problems.add(f"{place}[2]", message)


def _atom_problem(
    atom: AtomAddress, codes: tuple[str, ...], components: JobComponents
) -> str | None:
    """Why no residue with one of these components has such an atom, or `None`."""
    if not codes or not all(_is_usable(code, components) for code in codes):
        return None  # reported where the component is named
    names = [_heavy_atoms(code, components) for code in codes]
    if any(atom.atom_name in of_code for of_code in names):
        return None
    close = get_close_matches(atom.atom_name, names[0], n=3) or names[0][:12]
    there = f"it has {', '.join(close)}" if close else "all its atoms are hydrogens"
    return f"{codes[0]} has no heavy atom {atom.atom_name!r}; {there}"


def _is_usable(code: str, components: JobComponents) -> bool:
    return code in components and _component_problem(code, components) is None


def _heavy_atoms(code: str, components: JobComponents) -> list[str]:
    component = components.get(code)
    return component.atom_name[component.heavy].tolist()
