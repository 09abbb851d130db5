"""Ctrl-C twice ends a program that does not listen, and leaves the terminal as it was."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time

PROGRAM = """
import signal, sys, time
from af3cli.cli.interrupts import notices_interrupts

signal.signal(signal.SIGINT, signal.default_int_handler)

@notices_interrupts
def command():
    print("started", file=sys.stderr, flush=True)
    while True:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            pass

command()
"""


def read_until(descriptor: int, text: bytes) -> None:
    shown = b""
    while text not in shown:
        shown += os.read(descriptor, 1000)


IGNORING = """
import os, signal, time
from af3cli.cli.interrupts import notices_interrupts, stop_if_interrupted

signal.signal(signal.SIGINT, signal.SIG_IGN)

@notices_interrupts
def command():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.5)
    stop_if_interrupted()

command()
"""


POLLING = """
import _thread, sys, time
from af3cli.cli import interrupts

def tell_late(text):
    print(text, file=sys.stderr, flush=True)
    time.sleep(0.5)

interrupts._tell = tell_late

@interrupts.notices_interrupts
def command():
    print("started", file=sys.stderr, flush=True)
    try:
        while True:
            interrupts.stop_if_interrupted()
    finally:
        _thread.interrupt_main()  # as the thread may have begun to do before
        end = time.monotonic() + 1
        while time.monotonic() < end:
            pass
        print("cleaned up", file=sys.stderr, flush=True)

command()
"""


def test_a_command_that_is_stopping_is_not_stopped_again():
    """It may hear of the signal before the thread that waits for it gets to stop it."""
    process = subprocess.Popen([sys.executable, "-c", POLLING], stderr=subprocess.PIPE)
    read_until(process.stderr.fileno(), b"started\n")
    process.send_signal(signal.SIGINT)
    told = process.stderr.read()
    assert process.wait(timeout=30) == 130
    assert b"cleaned up" in told and b"Traceback" not in told


COLLECTING = """
import gc, sys, time
from af3cli.cli.interrupts import notices_interrupts

def _xla_gc_callback(phase, _):
    print(phase, file=sys.stderr, flush=True)
    end = time.monotonic() + 1
    while time.monotonic() < end:
        pass

@notices_interrupts
def command():
    gc.disable()
    gc.callbacks.append(_xla_gc_callback)
    gc.collect()
    time.sleep(5)

command()
"""


def test_a_signal_while_jax_collects_garbage_is_not_lost():
    """There, what is raised is printed and dropped."""
    process = subprocess.Popen([sys.executable, "-c", COLLECTING], stderr=subprocess.PIPE)
    read_until(process.stderr.fileno(), b"start\n")
    process.send_signal(signal.SIGINT)
    told = process.stderr.read()
    assert (process.wait(timeout=30), told.count(b"Traceback")) == (130, 0)


IMPORTING = """
import sys, time
from af3cli.cli.interrupts import notices_interrupts

@notices_interrupts
def command():
    import slow_to_import
    time.sleep(5)

command()
"""


def test_an_import_is_not_torn(tmp_path):
    """Some libraries abort if they are stopped in that."""
    (tmp_path / "slow_to_import.py").write_text(
        "import sys, time\n"
        "print('started', file=sys.stderr, flush=True)\n"
        "time.sleep(1)\n"
        "print('imported', file=sys.stderr, flush=True)\n"
    )
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORTING],
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path},
    )
    read_until(process.stderr.fileno(), b"started\n")
    process.send_signal(signal.SIGINT)
    told = process.stderr.read()
    assert (process.wait(timeout=30), told.count(b"Traceback")) == (130, 0)
    assert b"imported" in told


def test_nobody_need_read_what_is_told():
    """As behind a `tee` that the same Ctrl-C has ended."""
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stderr=subprocess.PIPE)
    read_until(process.stderr.fileno(), b"started\n")
    process.stderr.close()
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(1)
    assert process.wait(timeout=30) == 130


def test_the_cursor_is_shown_again():
    terminal, of_program = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stderr=of_program)
    for text in (b"started", b"Ctrl-C again stops at once"):
        read_until(terminal, text)
        process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert os.read(terminal, 1000).endswith(b"\x1b[?25h")
    os.close(terminal)
    os.close(of_program)


def test_a_signal_that_a_shell_has_ignored_stays_ignored():
    """As of what a script starts with `&`."""
    run = subprocess.run([sys.executable, "-c", IGNORING], capture_output=True, check=False)
    assert (run.returncode, run.stderr) == (0, b"")
