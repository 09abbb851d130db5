"""The `af3` command. Each subcommand is one module, imported only when it runs."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
from typing import NoReturn

import click

from af3cli.cli.interrupts import EXIT_CODE as INTERRUPTED
from af3cli.disk import reason
from af3cli.errors import Af3cliError, OutputError
from af3cli.wording import printable_lines

# name on the command line: (module, one-line help)
_COMMANDS = {
    "embed": ("af3cli.cli.embed", "Single and pair embeddings of jobs, into one HDF5 file."),
    "predict": ("af3cli.cli.predict", "Structures and confidences of jobs, in folders."),
    "show": ("af3cli.cli.show", "What is in an embedding file or a folder of predictions."),
    "tokens": (
        "af3cli.cli.tokens",
        "The token table of a job: which row is which residue or atom.",
    ),
    "convert": ("af3cli.cli.convert", "Structures, FASTA and Server JSON as AlphaFold 3 JSON."),
    "check": ("af3cli.cli.check", "Validate jobs without running them."),
    "search": ("af3cli.cli.search", "Find MSAs and templates for jobs that lack them."),
    "databases": ("af3cli.cli.databases", "List and get the databases that are searched."),
    "weights": ("af3cli.cli.weights", "List, inspect and make model parameters."),
    "doctor": ("af3cli.cli.doctor", "What this machine has for a run, and what is missing."),
}


class _LazyGroup(click.Group):
    """A group whose subcommands' modules are imported when they are first asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        return importlib.import_module(_COMMANDS[cmd_name][0]).command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        _look_for_garbage_seldom()
        try:
            return super().invoke(ctx)
        except Af3cliError as error:
            _fail(str(error), error.exit_code)
        except UnicodeEncodeError as error:
            character = error.object[error.start]
            _fail(
                f"the output is in {error.encoding}, which has no {character!a}; with the "
                "environment variable PYTHONIOENCODING=utf-8:backslashreplace everything is shown",
                OutputError.exit_code,
            )
        except (KeyboardInterrupt, click.Abort):  # the latter at a question
            click.echo("\nStopped.", err=True)
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            _print_nowhere()
            sys.exit(OutputError.exit_code)
        except OSError as error:
            place = f"{error.filename}: " if error.filename else "cannot write or read: "
            _fail(f"{place}{reason(error)}", OutputError.exit_code)


def _look_for_garbage_seldom() -> None:
    """Has Python look for cycles of garbage less often than usual, and not when it ends.

    Imports and JAX's tracing make millions of objects that stay.
    """
    gc.set_threshold(100_000, 20, 20)
    atexit.register(gc.freeze)


def _print_nowhere() -> None:
    """Drops what is still to be printed, which Python would try, and tell of, at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _fail(message: str, exit_code: int) -> NoReturn:
    click.echo(f"Error: {printable_lines(message)}", err=True)
    sys.exit(exit_code)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="af3cli")
def main() -> None:
    """AlphaFold 3 inference: labelled embeddings and structures.

    \b
    Example:
      af3 embed job.json --out emb.h5 --weights af3.bin.zst
    """
