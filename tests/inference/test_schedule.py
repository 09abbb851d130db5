"""Tasks are planned by size, run one by one, and fail one by one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from af3cli.chemistry import open_dictionary
from af3cli.errors import InputError, OutputError
from af3cli.features.padding import Buckets
from af3cli.inference import schedule
from af3cli.inference.events import PassFinished, RunStarted, TaskFailed, TaskFinished, TaskStarted
from af3cli.inference.plan import plan_tasks
from af3cli.job import Ligand, read_job

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def components():
    return open_dictionary()


@pytest.fixture
def jobs():
    return [read_job(EXAMPLES / f"{name}.json") for name in ("ion", "dna_duplex", "msa")]


@pytest.fixture
def tasks(jobs, components):
    return plan_tasks(jobs, components, Buckets((32, 64, 256)))


@pytest.fixture
def network(monkeypatch):
    """Stands in for the network, which has nothing to do with scheduling; fails for DNA."""

    def embed(model, features, *, on_pass, num_recycles, **_):
        for index in range(num_recycles + 1):
            on_pass(index)
        if features.tokens.mask.shape[0] == 24:
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")
        return SimpleNamespace(num_tokens=features.tokens.mask.shape[0])

    monkeypatch.setattr(schedule, "embed", embed)


def test_tasks_of_one_bucket_are_together_and_small_ones_first(tasks):
    assert [(task.job.name, task.bucket) for task in tasks] == [
        ("dickerson_dodecamer", 32),
        ("zif268_finger", 64),
        (tasks[2].job.name, 256),
    ]
    assert all(task.num_tokens <= task.bucket for task in tasks)
    assert tasks[0].cost < tasks[1].cost < tasks[2].cost


def test_each_seed_is_a_task(jobs, components):
    tasks = plan_tasks([replace(jobs[0], seeds=(3, 1))], components, Buckets(()))
    assert [task.seed for task in tasks] == [3, 1]
    assert [task.bucket for task in tasks] == [35, 35]


def test_all_jobs_that_cannot_be_tokenized_are_named(jobs, components):
    wrong = [
        replace(job, entities=(*job.entities, Ligand(("Z",), (code,))))
        for job, code in zip(jobs, ("QQQ1", "QQQ2", "ATP"), strict=True)
    ]
    with pytest.raises(InputError, match=r"(?s)QQQ1.*\n.*QQQ2"):
        plan_tasks(wrong, components, Buckets())


def test_a_failed_task_costs_no_other(tasks, components, network):
    stored, events = [], []
    failures = schedule.run_tasks(
        None,
        tasks,
        components,
        lambda task, embeddings: stored.append((task, embeddings.num_tokens)),
        num_recycles=1,
        report=events.append,
    )
    assert stored == [(task, task.num_tokens) for task in tasks[1:]]
    assert [failure.task for failure in failures] == tasks[:1]
    assert "does not fit into the device's memory with 32 tokens" in str(failures[0].error)
    of_one_task = [TaskStarted, PassFinished, PassFinished]
    assert [type(event) for event in events] == [
        RunStarted,
        *of_one_task,
        TaskFailed,
        *of_one_task,
        TaskFinished,
        *of_one_task,
        TaskFinished,
    ]


def test_a_job_without_usable_features_fails_alone(jobs, components, network):
    protein = replace(jobs[2].entities[0], unpaired_msa=">query\nAAAA\n")
    tasks = plan_tasks([replace(jobs[2], entities=(protein,)), jobs[0]], components, Buckets(()))
    failures = schedule.run_tasks(None, tasks, components, lambda *_: None)
    assert [failure.task.job.name for failure in failures] == [jobs[2].name]
    assert isinstance(failures[0].error, InputError)


def test_a_file_that_cannot_be_written_ends_the_run(tasks, components, network):
    def store(*_):
        raise OutputError("the disk is full")

    with pytest.raises(OutputError, match="the disk is full"):
        schedule.run_tasks(None, tasks[1:], components, store)
