"""What a run of the network is to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from af3cli.chemistry import ComponentDictionary
    from af3cli.features.padding import Buckets
    from af3cli.runs.plan import PlannedJob, Task
    from af3cli.search.plan import SearchPlan


@dataclass(frozen=True)
class Plan:
    """What is to be run: each job and seed is a task. `search` is for what jobs lack."""

    search: SearchPlan | None
    components: ComponentDictionary
    buckets: Buckets
    jobs: Sequence[PlannedJob]
    tasks: Sequence[Task]
