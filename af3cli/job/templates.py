"""Checks template structures and their index lists."""

from __future__ import annotations

from af3cli.job.problems import Problems
from af3cli.job.template_chain import TemplateError, read_template_text
from af3cli.job.types import Template


def check_template(template: Template, query_length: int, place: str, problems: Problems) -> None:
    """Reports a structure that cannot be used, and index lists that do not fit it or the query."""
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
    try:
        length = len(read_template_text(template.mmcif))
    except TemplateError as error:
        problems.add(f"{place}.mmcif", str(error))
        return
    for i, index in enumerate(hit):
        if not 0 <= index < length:
            problems.add(
                f"{place}.templateIndices[{i}]",
                f"{index} is not a 0-based residue of the template's {length} "
                "(residues without coordinates count too)",
            )
