"""Checks template structures and their index lists."""

from __future__ import annotations

from af3cli.job.problems import Problems, first_line
from af3cli.job.types import Template


def check_template(template: Template, query_length: int, place: str, problems: Problems) -> None:
    """Reports index lists that do not fit each other, the query or the structure."""
    query, hit = template.query_indices, template.template_indices
    if len(query) != len(hit) and not problems.concern(f"{place}.queryIndices"):
        problems.add(
            f"{place}.templateIndices",
            f"has {len(hit)} numbers, queryIndices has {len(query)}; they are read as pairs",
        )
    if len(set(query)) != len(query):
        problems.add(f"{place}.queryIndices", "names a residue twice")
    for i, index in enumerate(query):
        if not 0 <= index < query_length:
            problems.add(
                f"{place}.queryIndices[{i}]",
                f"{index} is not a 0-based residue of a sequence of {query_length}",
            )
    if not template.mmcif:
        problems.add(f"{place}.mmcif", "is missing (or give mmcifPath)")
        return
    chains = _polymer_lengths(template.mmcif, f"{place}.mmcif", problems)
    if chains is None:
        return
    if len(chains) != 1:
        found = f"{len(chains)} ({', '.join(sorted(chains))})" if chains else "none"
        problems.add(f"{place}.mmcif", f"must hold one polymer chain, has {found}")
        return
    (length,) = chains.values()
    for i, index in enumerate(hit):
        if not 0 <= index < length:
            problems.add(
                f"{place}.templateIndices[{i}]",
                f"{index} is not a 0-based residue of the template's {length} "
                "(residues without coordinates count too)",
            )


def _polymer_lengths(mmcif: str, place: str, problems: Problems) -> dict[str, int] | None:
    """Number of residues, seen or not, of each polymer chain; `None` if it is no mmCIF."""
    import gemmi

    try:
        block = gemmi.cif.read_string(mmcif)[0]
    except (ValueError, RuntimeError, IndexError) as error:
        problems.add(place, f"is not readable mmCIF: {first_line(error)}")
        return None
    residues = _rows(block, "_pdbx_poly_seq_scheme.", ("asym_id", "seq_id"))
    if not residues:
        atoms = _rows(block, "_atom_site.", ("label_asym_id", "label_seq_id"))
        residues = {(chain, number) for chain, number in atoms if number}
        sequence = _rows(block, "_entity_poly_seq.", ("entity_id", "num"))
        if len({chain for chain, _ in residues}) == 1 and len({e for e, _ in sequence}) == 1:
            ((chain, _), *_) = residues
            return {chain: len(sequence)}
    lengths: dict[str, int] = {}
    for chain, _ in residues:
        lengths[chain] = lengths.get(chain, 0) + 1
    return lengths


def _rows(block: object, category: str, tags: tuple[str, str]) -> set[tuple[str, str]]:
    """The distinct rows of two columns of an mmCIF category; what is "." or "?" there is empty."""
    return {(row.str(0), row.str(1)) for row in block.find(category, list(tags))}
