"""Tables into an mmCIF block, values quoted where the format wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gemmi import cif

# Already CIF: unknown, and does not apply.
UNKNOWN, INAPPLICABLE = "?", "."


def add_table(block: cif.Block, category: str, columns: Mapping[str, Sequence[object]]) -> None:
    """Adds columns of equal length as one category: as pairs if they have one row, else as a loop.

    Values are written as `str` makes them; "?" and "." keep their meaning in CIF. A table without
    rows is left out.
    """
    values = [_quoted(column) for column in columns.values()]
    num_rows = len(values[0])
    if num_rows == 1:
        for item, (value,) in zip(columns, values, strict=True):
            block.set_pair(f"_{category}.{item}", value)
    elif num_rows:
        block.init_loop(f"_{category}.", list(columns)).set_all_values(values)


def _quoted(column: Sequence[object]) -> list[str]:
    """Returns the column's values as CIF text; each different one is looked at once."""
    from gemmi import cif

    values = [str(value) for value in column]
    # A line that begins with a semicolon would end a text of several lines.
    known = {value: cif.quote(value.replace("\n;", "\n ;")) for value in set(values)}
    known[UNKNOWN], known[INAPPLICABLE] = UNKNOWN, INAPPLICABLE
    return [known[value] for value in values]
