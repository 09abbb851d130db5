"""Runs many tasks through the trunk, one after the other; one that fails costs no other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from af3cli.chemistry import ComponentDictionary
from af3cli.errors import Af3cliError, OutputError
from af3cli.features.featurise import featurise
from af3cli.features.padding import Buckets
from af3cli.features.types import Features
from af3cli.inference.ahead import prepared_ahead
from af3cli.inference.events import (
    Event,
    PassFinished,
    RunStarted,
    TaskFailed,
    TaskFinished,
    TaskStarted,
)
from af3cli.inference.plan import Task
from af3cli.inference.trunk import DEFAULT_BUCKETS, NUM_RECYCLES, Embeddings, TrunkModel, embed
from af3cli.tokens import Tokens, tokenize


class DeviceMemoryError(Af3cliError):
    """A job does not fit into the memory of the device."""


def run_tasks(
    model: TrunkModel,
    tasks: Sequence[Task],
    components: ComponentDictionary,
    store: Callable[[Task, Tokens, Embeddings], None],
    *,
    num_recycles: int = NUM_RECYCLES,
    buckets: Buckets = DEFAULT_BUCKETS,
    report: Callable[[Event], None] = lambda event: None,
) -> list[TaskFailed]:
    """Embeds every task and gives the result to `store`; returns those that failed.

    The next job is read and its features are made while the present one runs.

    Raises:
      OutputError: `store` raised it, so that nothing more could be stored.
    """

    def prepare(task: Task) -> tuple[Tokens, Features]:
        job = task.job.load_unchanged()
        tokens, atoms = tokenize(job, components)
        return tokens, featurise(job, tokens, atoms, components, task.seed)

    failures = []
    report(RunStarted(tasks, num_recycles + 1))
    for task, prepared in prepared_ahead(tasks, prepare):

        def on_pass(index: int, task: Task = task) -> None:
            report(PassFinished(task, index))

        report(TaskStarted(task))
        start = time.monotonic()
        try:
            tokens, features = prepared.result()
            embeddings = embed(
                model,
                features,
                seed=task.seed,
                num_recycles=num_recycles,
                buckets=buckets,
                on_pass=on_pass,
            )
            store(task, tokens, embeddings)
        except OutputError:
            raise
        except Exception as error:  # whatever is wrong with one job, the others are run
            failures.append(TaskFailed(task, _explained(error, task)))
            report(failures[-1])
        else:
            report(TaskFinished(task, time.monotonic() - start))
    return failures


def _explained(error: Exception, task: Task) -> Exception:
    """Returns `error`, in words where the device has run out of memory."""
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
        return DeviceMemoryError(
            f"{task} does not fit into the device's memory with {task.bucket} tokens; it needs a "
            "device with more, or --precision bfloat16, or --buckets exact if the job is much "
            f"smaller than that ({task.num_tokens} tokens)"
        )
    return error
