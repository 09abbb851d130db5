"""The options of a search, wherever a command searches."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path

import click

from af3cli.errors import InputError
from af3cli.search.plan import LATEST_TEMPLATE, SearchPlan

_OPTIONS = (
    click.option(
        "--db",
        "paths",
        multiple=True,
        metavar="NAME=PATH",
        help="A database: FASTA, plain or gzip, or shards as prefix@N; for pdb a folder of mmCIF.",
    ),
    click.option(
        "--z",
        "sizes",
        multiple=True,
        metavar="NAME=NUMBER",
        help="Size of a whole database, in sequences, or megabases of RNA. Shards need it.",
    ),
    click.option(
        "--databases",
        "config",
        type=click.Path(path_type=Path),
        help="TOML or JSON file of databases, or a folder of the official files [$AF3_DATABASES].",
    ),
    click.option(
        "--msa-server",
        "server_url",
        metavar="URL",
        help="Ask a ColabFold MSA server: the sequences of protein chains are sent to it.",
    ),
    click.option(
        "--max-template-date",
        "latest_template",
        type=click.DateTime(["%Y-%m-%d"]),
        default=LATEST_TEMPLATE.isoformat(),
        show_default=True,
        help="Use no template released later.",
    ),
    click.option(
        "--cpus",
        "num_threads",
        type=click.IntRange(min=1),
        help="Threads of a search [all processors].",
    ),
    click.option(
        "--cache-dir",
        "cache_folder",
        type=click.Path(path_type=Path, file_okay=False),
        help="Where results of searches are kept [the user's cache].",
    ),
)


@dataclass(frozen=True)
class SearchSettings:
    """Where and how to search."""

    paths: tuple[str, ...]
    sizes: tuple[str, ...]
    config: Path | None
    server_url: str | None
    latest_template: datetime
    num_threads: int | None
    cache_folder: Path | None

    def plan(self) -> SearchPlan | None:
        """Returns what is to be searched, `None` if nothing is configured.

        Raises:
            InputError: a database is not there, or its name or size is not usable.
        """
        from af3cli.search.databases import find_databases

        databases = find_databases(self.paths, self.sizes, self.config)
        if not databases and self.server_url is None:
            return None
        return SearchPlan(
            databases,
            self.server_url,
            self.latest_template.date(),
            self.num_threads,
            self.cache_folder,
        )

    def plan_for(self, msa: str | None) -> SearchPlan | None:
        """Returns what is to be searched by a command with `--msa`; `None` there is the default.

        Raises:
            InputError: what `--msa` asks for is not configured, or something else is.
        """
        if msa == "none":
            return None
        if msa == "server" and self.server_url is None:
            raise InputError("--msa server: name the server with --msa-server URL")
        if msa == "search" and self.server_url is not None:
            raise InputError("--msa search looks in databases only; leave --msa-server out")
        plan = self.plan()
        if msa == "search" and plan is None:
            raise InputError(f"--msa search: {NOT_CONFIGURED}")
        return plan


NOT_CONFIGURED = (
    "no database is configured: name some with --db NAME=PATH, --databases FILE or the "
    "variable AF3_DATABASES, or use --msa-server URL"
)


def search_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options to a command, which gets them as `search`."""

    @functools.wraps(command)
    def run(**options: object) -> None:
        own = {field.name: options.pop(field.name) for field in fields(SearchSettings)}
        command(search=SearchSettings(**own), **options)

    for option in reversed(_OPTIONS):
        run = option(run)
    return run
