"""Jobs as they stand in a file, whole or not, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from af3cli.job.problems import Problems
from af3cli.job.types import Job


@dataclass(frozen=True, slots=True)
class Draft:
    """One job of a file, as far as it could be read.

    What could not be read is empty or zero in `job`, and `problems` tells why; whoever checks the
    job further adds to them. `place` is where it stands in the file, empty if it is all of it.
    """

    job: Job
    problems: Problems
    place: str = ""


@dataclass(frozen=True, slots=True)
class JobFile:
    """What is in a file of jobs.

    `problems` are those of the file that are of no single job. `sound` has the jobs of all drafts
    for `jobs`, where the drafts lack what takes much memory.
    """

    source: str
    drafts: Sequence[Draft]
    problems: Problems = field(default_factory=Problems)
    sound: Sequence[Job] | None = None

    def jobs(self) -> Sequence[Job]:
        """Returns the jobs; raises `InputError` with all problems if there are any."""
        problems = Problems()
        problems.include(self.problems, "")
        for draft in self.drafts:
            problems.include(draft.problems, draft.place)
        problems.raise_if_any(self.source)
        return [draft.job for draft in self.drafts] if self.sound is None else self.sound
