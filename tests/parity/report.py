"""What the comparison of several cases says, line by line, and whether all is well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import click

from af3cli.errors import Af3cliError
from tests.parity.comparison import Comparison
from tests.parity.recorded import NotRecordedError


@dataclass
class Report:
    """Counts arrays that are out of bounds or missing, and names cases that were not compared."""

    out_of_bounds: int = 0
    missing: int = 0
    not_compared: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether all that was asked for was compared and is within bounds."""
        return not (self.out_of_bounds or self.missing or self.not_compared)

    def add(self, title: str, comparisons: Iterable[Comparison]) -> None:
        """Prints a line per array."""
        click.echo(title)
        comparison = None
        for comparison in comparisons:
            click.echo(str(comparison))
            self.missing += not comparison.is_recorded
            self.out_of_bounds += comparison.is_recorded and not comparison.is_within
        if comparison is None:
            click.echo("  nothing recorded")

    @contextmanager
    def case(self, name: str) -> Iterator[None]:
        """Refuses the case, or the rest of it, if something in it cannot be read."""
        try:
            yield
        except (NotRecordedError, Af3cliError, OSError) as error:
            self.refuse(name, str(error))

    def refuse(self, name: str, reason: str) -> None:
        """Says why a case, or the rest of it, cannot be compared."""
        click.echo(f"{name}: CANNOT BE COMPARED: {reason}")
        self.not_compared.append(name)

    def summary(self) -> str:
        """Returns the line that comes last."""
        parts = []
        if self.out_of_bounds:
            parts.append(f"{self.out_of_bounds} arrays out of bounds")
        if self.missing:
            parts.append(f"{self.missing} arrays missing")
        if self.not_compared:
            parts.append(f"not compared, or not wholly: {', '.join(self.not_compared)}")
        return "; ".join(parts) or "all arrays within bounds"
