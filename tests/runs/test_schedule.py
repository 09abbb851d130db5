"""Tasks are planned by size, run one by one, and fail one by one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from af3cli.chemistry import open_dictionary
from af3cli.errors import InputError, InUseError, OutputError
from af3cli.features.conventions import OFFICIAL_FEATURES
from af3cli.features.padding import Buckets
from af3cli.job import read_job
from af3cli.runs import schedule
from af3cli.runs.events import RunStarted, TaskFailed, TaskFinished, TaskStarted
from af3cli.runs.plan import Task, plan_files, plan_job, plan_tasks
from af3cli.runs.schedule import TaskInputs

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def components():
    return open_dictionary()


@pytest.fixture
def jobs():
    return [read_job(EXAMPLES / f"{name}.json") for name in ("ion", "dna_duplex", "msa")]


@pytest.fixture
def tasks(jobs, components):
    return plan_tasks([plan_job(job, components) for job in jobs], Buckets((32, 64, 256)))


def work(task: Task, inputs: TaskInputs) -> None:
    """Stands in for the network, which has nothing to do with scheduling; fails for DNA."""
    if len(inputs.tokens) == 24:
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")


def run(tasks: list[Task], components, work=work, **options) -> list[TaskFailed]:
    costs = dict.fromkeys(tasks, 1.0)
    return schedule.run_tasks(
        costs,
        components,
        work,
        conventions=OFFICIAL_FEATURES,
        needed_bytes=lambda task: 3e15,
        **options,
    )


def test_tasks_of_one_bucket_are_together_and_small_ones_first(tasks):
    assert [(task.job.name, task.bucket) for task in tasks] == [
        ("dickerson_dodecamer", 32),
        ("zif268_finger", 64),
        (tasks[2].job.name, 256),
    ]
    assert all(task.num_tokens <= task.bucket for task in tasks)


def test_each_seed_is_a_task(jobs, components):
    tasks = plan_tasks([plan_job(replace(jobs[0], seeds=(3, 1)), components)], Buckets(()))
    assert [task.seed for task in tasks] == [3, 1]
    assert [task.bucket for task in tasks] == [35, 35]


def test_all_files_that_are_not_usable_are_named(tmp_path, components):
    paths = [tmp_path / name for name in ("absent.json", "unknown.json", "good.json", "cut.json")]
    text = (EXAMPLES / "ion.json").read_text()
    paths[1].write_text(text.replace('"ZN"', '"QQQ1"'))
    paths[2].write_text(text)
    paths[3].write_text(text[:100])
    with pytest.raises(InputError) as caught:
        plan_files(paths, components)
    lines = str(caught.value)
    assert all(name in lines for name in ("absent.json", "unknown.json", "QQQ1", "cut.json"))
    assert "good.json" not in lines


def test_jobs_are_not_kept_in_memory_but_read_again(tmp_path, components):
    path = tmp_path / "job.json"
    text = (EXAMPLES / "ion.json").read_text()
    path.write_text(text)
    (planned,) = plan_files([path], components, seeds=(5,))
    assert planned.seeds == (5,)
    assert planned.load_unchanged() == replace(read_job(path), seeds=(5,))
    path.write_text(text.replace("MERPYACPV", "MERPYACPA"))
    with pytest.raises(InputError, match="'zif268_finger' has changed since this run began"):
        planned.load_unchanged()


def test_what_is_known_of_each_chain_is_planned(components):
    chains = plan_job(read_job(EXAMPLES / "msa.json"), components).chains
    assert chains.chain_id == ("A",)
    assert chains.unpaired_msa_depth[0] > 1
    assert (chains.num_templates, chains.wants_search) == ((0,), ())
    chains = plan_job(read_job(EXAMPLES / "2pv7.json"), components).chains
    assert chains.wants_search == ("A", "B")
    assert set(chains.unpaired_msa_depth) == {0}


def test_a_failed_task_costs_no_other(tasks, components):
    done, events = [], []

    def record(task: Task, inputs: TaskInputs) -> None:
        work(task, inputs)
        done.append((task, len(inputs.tokens), len(inputs.features.tokens.mask)))

    failures = run(tasks, components, record, report=events.append)
    assert done == [(task, task.num_tokens, task.num_tokens) for task in tasks[1:]]
    assert [failure.task for failure in failures] == tasks[:1]
    message = str(failures[0].error)
    assert "does not fit into the device's memory: 32 tokens need about 3e+03 TB" in message
    assert [type(event) for event in events] == [
        RunStarted,
        TaskStarted,
        TaskFailed,
        TaskStarted,
        TaskFinished,
        TaskStarted,
        TaskFinished,
    ]


def test_a_job_without_usable_features_fails_alone(jobs, components):
    protein = replace(jobs[2].entities[0], unpaired_msa=">query\nAAAA\n")
    wrong = replace(jobs[2], entities=(protein,))
    tasks = plan_tasks([plan_job(job, components) for job in (wrong, jobs[0])], Buckets(()))
    failures = run(tasks, components, lambda *_: None)
    assert [failure.task.job.name for failure in failures] == [jobs[2].name]
    assert isinstance(failures[0].error, InputError)


def test_a_file_that_cannot_be_written_ends_the_run(tasks, components):
    def store(*_):
        raise OutputError("the disk is full")

    with pytest.raises(OutputError, match="the disk is full"):
        run(tasks[1:], components, store)


def test_output_that_another_process_writes_is_one_tasks_failure(tasks, components):
    def store(task: Task, inputs: TaskInputs) -> None:
        if task is tasks[1]:
            raise InUseError("is being written")

    assert [failure.task for failure in run(tasks[1:], components, store)] == [tasks[1]]
