"""Jobs for tests of commands, and commands that are stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
GOLDEN = ROOT / "tests" / "data"


def golden_job(case: str, tmp_path: Path, **changes: object) -> Path:
    """Returns the file of a golden case's job, with some of its fields changed."""
    job = json.loads((GOLDEN / case / "job.json").read_text()) | changes
    path = tmp_path / f"{job['name']}.json"
    path.write_text(json.dumps(job))
    return path


def stop(cache: Path, folder: Path, number: signal.Signals, at: str, *arguments: object) -> None:
    """Runs `af3` in a process of its own, and sends it a signal once it has printed `at`."""
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{heed}; from af3cli.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=os.environ | {"XDG_CACHE_HOME": str(cache)},
    )
    for line in process.stderr:
        if at in line:
            process.send_signal(number)
            break
    remaining = process.stderr.read()
    code = process.wait()
    assert code == (130 if number == signal.SIGINT else -signal.SIGKILL), remaining
    if number == signal.SIGINT:
        assert "the same command goes on" in remaining and "Traceback" not in remaining
