"""The MSA server client against a server that is slow, full, down, restarted or answers rubbish."""

from __future__ import annotations

import io
import signal
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.client import HTTPMessage
from pathlib import Path
from urllib.response import addinfourl

import pytest
from click.testing import CliRunner

from af3cli.cli import main
from af3cli.cli.search_progress import describe_event
from af3cli.errors import InputError
from af3cli.features.msa_pairing import species_of
from af3cli.job import Job, Modification, Protein, Rna, parse_a3m, to_alphafold3_json, validate
from af3cli.search.cache import Cache
from af3cli.search.database_rows import DatabaseRows
from af3cli.search.database_search import DatabaseSearch
from af3cli.search.events import ServerTroubled
from af3cli.search.homologues import fill_job, wanted_chains
from af3cli.search.plan import SearchPlan
from af3cli.search.run import check_sources
from af3cli.search.server_client import Request, ServerClient
from af3cli.search.server_http import (
    NoAnswerYet,
    ServerError,
    ServerPatience,
    fetch,
)
from af3cli.search.server_search import ServerSearch
from tests.cli.commands import ROOT, stop
from tests.search.server import MsaServer, archive, failure, running, status

FAST = ServerPatience(
    first_pause=0.001, longest_pause=0.01, timeout=2.0, attempts=3, longest_wait=5.0
)
FIRST, SECOND = "ACDEFGHIKLMNPQ", "WYWYACACDEDE"
REQUEST = Request("msa", "env", (FIRST,))


def _files(kind: str, sequences: list[str]) -> dict[str, str]:
    """Each query, then rows with a gap, an insertion; for pairs also a row without a partner."""
    sections = []
    for number, sequence in enumerate(sequences, 101):
        rows = [f">{number}", sequence, f">UniRef100_{number}\t50 0.9", f"-{sequence[1:]}"]
        rows += [">UPI_x desc", f"{sequence[:3]}aa{sequence[3:]}"]
        if kind == "pair" and number == 101:
            rows += [">DUMMY", "-" * len(sequence)]
        elif kind == "pair":
            rows += [">UniRef100_last", sequence]
        sections.append("\n".join(rows) + "\n")
    text = "\x00".join(sections)
    if kind == "pair":
        return {"pair.a3m": text}
    return {"bfd.mgnify30.metaeuk30.smag30.a3m": text, "uniref.a3m": text, "msa.sh": "#!"}


@pytest.fixture
def server() -> MsaServer:
    return MsaServer(_files)


@pytest.fixture
def url(server: MsaServer) -> Iterator[str]:
    with running(server) as address:
        yield address


@pytest.fixture
def client(url: str, tmp_path: Path) -> ServerClient:
    return ServerClient(url, Cache(tmp_path), FAST)


def _quiet(text: str, seconds: float) -> None:
    """Nobody listens."""


def _ask(
    client: ServerClient,
    on_status: Callable[[str, float], None] = _quiet,
    on_trouble: Callable[[str, float], None] = _quiet,
) -> dict[str, str]:
    return client.ask(REQUEST, on_status, on_trouble)


def test_submit_poll_download(server: MsaServer, client: ServerClient) -> None:
    seen: list[str] = []
    texts = _ask(client, lambda status, seconds: seen.append(status))
    assert texts == {n: t for n, t in _files("msa", [FIRST]).items() if n.endswith("a3m")}
    assert seen == ["PENDING", "RUNNING", "COMPLETE"]
    assert [path for _, path in server.requests] == [
        "/api/ticket/msa", *["/api/ticket/ticket1"] * 2, "/api/result/download/ticket1",
    ]  # fmt: skip
    assert server.forms == [{"q": f">101\n{FIRST}\n", "mode": "env"}]
    assert all(agent.startswith("af3cli/") for agent in server.agents)


def test_busy_server_is_asked_again(server: MsaServer, client: ServerClient) -> None:
    server.planned["submit"] += [failure(429, Retry_After="0"), status("RATELIMIT")] * 3
    server.planned["submit"] += [failure(429, Retry_After="²")]
    server.planned["poll"] += [status("PENDING", id="ticket8"), failure(429)]
    _ask(client)
    assert len(server.forms) == 8


def test_encrypted_requests_are_not_led_into_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = HTTPMessage()
    headers["Location"] = "http://127.0.0.1:9/"
    answer = addinfourl(io.BytesIO(), headers, "https://a.org/", 302)
    answer.msg = "Found"
    monkeypatch.setattr(urllib.request.HTTPSHandler, "https_open", lambda self, request: answer)
    with pytest.raises(ServerError, match=r"leads to http://127.*not encrypted"):
        fetch("https://a.org/", None, 100, 1.0)


def test_trouble_that_passes(server: MsaServer, client: ServerClient) -> None:
    full = archive(_files("msa", [FIRST]))
    server.planned["submit"] += [failure(500), (200, {}, b"<html>", None)]
    server.planned["poll"] += [failure(503), (200, {}, b'{"status": "RUN', 15), failure(502)]
    server.planned["poll"].insert(2, status("RUNNING", id="ticket3"))
    server.planned["download"] += [(200, {}, full, 50), (200, {}, full[:-40], None)]
    told: list[tuple[str, float]] = []
    texts = _ask(client, on_trouble=lambda text, pause: told.append((text, pause)))
    assert texts["uniref.a3m"]
    assert [text for text, _ in told] == [
        "the server answers 500 Internal Server Error",
        "the answer is not JSON",
        "the server answers 503 Service Unavailable",
        "the answer is not JSON",
        "the server answers 502 Bad Gateway",
        f"the answer ended after 50 of {len(full)} bytes",
        "the archive is cut off",
    ]
    assert all(0 < pause <= FAST.longest_pause for _, pause in told)
    line = describe_event(ServerTroubled("job A", *told[0]))
    assert line == "job A: the server answers 500 Internal Server Error; asked again in 0 s"


@pytest.mark.parametrize(
    ("kind", "answer", "message"),
    [
        ("submit", failure(500), "gave up.*500"),
        ("submit", failure(403), "403"),
        ("submit", status("ERROR"), "could not search"),
        ("submit", status("MAINTENANCE"), "maintenance"),
        ("submit", status("HELLO"), "no known status"),
        ("submit", (200, {}, b"[]", None), "no known status"),
        ("submit", status("PENDING", id="../../etc"), "no usable ticket"),
        ("submit", status("PENDING"), "no usable ticket"),
        ("submit", (200, {}, b"x" * 10**5, None), "larger than"),
        ("poll", status("ERROR"), "could not search"),
        ("download", (200, {}, b"rubbish", None), "damaged"),
        ("download", (200, {}, archive({"x.txt": "1"}), None), "no alignments"),
    ],
)
def test_trouble_that_stays(
    server: MsaServer, client: ServerClient, kind: str, answer: tuple, message: str
) -> None:
    server.planned[kind] += [answer] * 10
    with pytest.raises(ServerError, match=message):
        _ask(client)
    server.planned[kind].clear()
    assert _ask(client)["uniref.a3m"]


def test_server_that_is_down(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="gave up: Connection refused"):
        _ask(ServerClient("http://127.0.0.1:9", Cache(tmp_path), FAST))


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "https://", "http://[bad", "http://a..b", "http://a:port"]
)
def test_address_that_is_none(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match="must be an address"):
        ServerClient(url, Cache(tmp_path))


@pytest.mark.parametrize("place", ["http://[bad/", "http://a..b/x", "http://a b/"])
def test_answer_that_leads_to_no_address(
    server: MsaServer, client: ServerClient, place: str
) -> None:
    server.planned["submit"] += [(302, {"Location": place}, b"", None)]
    with pytest.raises(ServerError, match="leads to none"):
        _ask(client)
    assert len(server.forms) == 1


def test_server_that_never_ends(server: MsaServer, client: ServerClient) -> None:
    server.planned["poll"] += [status("RUNNING", id="ticket1")] * 10**4
    with pytest.raises(ServerError, match="no result after"):
        _ask(replace(client, patience=replace(FAST, longest_wait=0.2)))


def test_interrupted_run_goes_on_with_its_ticket(server: MsaServer, client: ServerClient) -> None:
    def interrupt(word: str, _: float) -> None:
        if word == "RUNNING":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _ask(client, interrupt)
    assert _ask(client)["uniref.a3m"] and len(server.forms) == 1


def test_restarted_server_is_given_the_request_again(
    server: MsaServer, client: ServerClient
) -> None:
    seen: list[str] = []

    def restart(word: str, _: float) -> None:
        seen.append(word)
        if seen == ["PENDING"]:
            server.forget_tickets()

    assert _ask(client, restart)["uniref.a3m"]
    assert seen[:3] == ["PENDING", "UNKNOWN", "PENDING"] and len(server.forms) == 2


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("poll", status("ERROR")),
        ("poll", failure(400)),
        ("poll", status("HELLO")),
        ("download", failure(404)),
        ("download", (200, {}, archive({"x.txt": "1"}), None)),
    ],
)
def test_dead_ticket_is_given_up(
    server: MsaServer, client: ServerClient, kind: str, answer: tuple
) -> None:
    server.planned[kind] += [answer] * FAST.attempts
    with pytest.raises(ServerError) as caught:
        _ask(client)
    assert not isinstance(caught.value, NoAnswerYet)
    server.planned[kind].clear()
    assert _ask(client)["uniref.a3m"] and len(server.forms) == 2


@pytest.mark.parametrize("answer", [failure(503), status("MAINTENANCE")])
def test_ticket_outlives_trouble_of_the_server(
    server: MsaServer, client: ServerClient, answer: tuple
) -> None:
    server.planned["poll"] += [answer] * FAST.attempts
    with pytest.raises(NoAnswerYet):
        _ask(client)
    server.planned["poll"].clear()
    assert _ask(client)["uniref.a3m"] and len(server.forms) == 1


def _search(client: ServerClient, job: Job) -> Job:
    rows = DatabaseRows(client.cache, lambda event: None)
    local = DatabaseSearch({}, rows)
    chains = wanted_chains([job])
    return fill_job(job, ServerSearch(client, local, lambda event: None).homologues(chains))


def test_jobs_are_filled(server: MsaServer, client: ServerClient) -> None:
    job = Job("two", (1,), (Protein(("A", "C"), FIRST), Protein(("B",), SECOND)))
    filled = _search(client, job)
    validate(filled)
    first, second = filled.entities
    assert parse_a3m(first.unpaired_msa)[1] == [FIRST, f"-{FIRST[1:]}"]  # insertions are no news
    assert parse_a3m(first.unpaired_msa)[0][1] == "UniRef100_101 50 0.9"
    assert [form["mode"] for form in server.forms] == ["pairgreedy", "env", "env"]
    species = [list(species_of(parse_a3m(e.paired_msa)[0])) for e in filled.entities]
    assert species == [["", "00000", "00001"], ["", "00000", "00001", "00002"]]
    assert parse_a3m(second.paired_msa)[1][1] == f"-{SECOND[1:]}"
    before = len(server.requests)
    assert _search(client, replace(job, name="again")).entities == filled.entities
    assert len(server.requests) == before


def test_one_protein_has_no_pairs(server: MsaServer, client: ServerClient) -> None:
    filled = _search(client, Job("one", (1,), (Protein(("A", "B"), FIRST),)))
    assert filled.entities[0].paired_msa == "" and len(server.forms) == 1


def test_a_sequence_is_paired_once(server: MsaServer, client: ServerClient) -> None:
    first = Protein(("A",), FIRST), Protein(("B",), FIRST, templates=())
    filled = _search(client, Job("three", (1,), (*first, Protein(("C",), SECOND))))
    validate(filled)
    assert server.forms[0] == {"q": f">101\n{FIRST}\n>102\n{SECOND}\n", "mode": "pairgreedy"}
    alignments = [entity.paired_msa for entity in filled.entities]
    assert alignments[0] == alignments[1] != alignments[2] != ""


def test_the_molecule_is_sent_not_the_letters_of_the_job(
    server: MsaServer, client: ServerClient
) -> None:
    chains = [Protein((letter,), letter + FIRST[1:], (Modification("SEP", 1),)) for letter in "WY"]
    filled = _search(client, Job("one", (1,), tuple(chains)))
    validate(filled)
    assert server.forms == [{"q": f">101\nS{FIRST[1:]}\n", "mode": "env"}]


def test_rna_needs_a_database_beside_the_server(url: str) -> None:
    job = Job("rna", (1,), (Rna(("A",), "ACGUACGUAC"),))
    with pytest.raises(InputError, match="rna A: there is no RNA database"):
        check_sources(job, SearchPlan({}, server_url=url))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"uniref.a3m": f">101\n{FIRST}\n>x\nACD\n"}, r"row 'x' .* does not fit"),
        ({"uniref.a3m": "<html>502 Bad Gateway</html>"}, "uniref.a3m .* no alignment"),
        ({"uniref.a3m": ""}, "no alignment"),
        ({"uniref.a3m": f">102\n{FIRST}\n"}, "no alignment"),
        ({"uniref.a3m": f">101\n{FIRST[::-1]}\n>x\n{FIRST}\n"}, "no alignment"),
        ({"uniref.a3m": f">101\n{FIRST}\n", "bfd.x.a3m": "\n"}, "bfd.x.a3m .* no alignment"),
        ({"bfd.x.a3m": f">101\n{FIRST}\n"}, "has no uniref.a3m"),
    ],
)
def test_alignments_that_were_not_asked_for_are_refused_and_not_kept(
    server: MsaServer, client: ServerClient, files: dict[str, str], message: str
) -> None:
    server.planned["download"] += [(200, {}, archive(files), None)]
    job = Job("one", (1,), (Protein(("A",), FIRST),))
    with pytest.raises(ServerError, match=message):
        _search(client, job)
    assert parse_a3m(_search(client, job).entities[0].unpaired_msa)[1] != [FIRST]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f">101\n{FIRST}\n>x\n{FIRST}\n\x00>102\n{SECOND}\n", "not as many for each query: 1, 0"),
        (f">101\n{FIRST}\n>x\n{FIRST}\n", "no alignment .* query 102"),
    ],
)
def test_pairs_that_are_none_are_refused_and_not_kept(
    server: MsaServer, client: ServerClient, text: str, message: str
) -> None:
    server.planned["download"] += [(200, {}, archive({"pair.a3m": text}), None)]
    job = Job("two", (1,), (Protein(("A",), FIRST), Protein(("B",), SECOND)))
    with pytest.raises(ServerError, match=message):
        _search(client, job)
    assert len(parse_a3m(_search(client, job).entities[0].paired_msa)[1]) > 2


def test_letters_that_a_server_replaces(server: MsaServer, client: ServerClient) -> None:
    rare = f"{FIRST}U"
    files = {"uniref.a3m": f">101\n{FIRST}X\n>x\n-{FIRST[1:]}C\n"}
    server.planned["download"] += [(200, {}, archive(files), None)]
    filled = _search(client, Job("one", (1,), (Protein(("A",), rare),)))
    assert len(parse_a3m(filled.entities[0].unpaired_msa)[1]) == 2


def test_command(server: MsaServer, url: str, tmp_path: Path) -> None:
    job = tmp_path / "job.json"
    job.write_text(to_alphafold3_json(Job("one", (1,), (Protein(("A",), FIRST),))))
    server.planned["submit"] += [status("COMPLETE", id="ticket1")]
    server._tickets["ticket1"] = "msa", [FIRST]
    folders = ["--out-dir", str(tmp_path), "--cache-dir", str(tmp_path / "cache")]
    result = CliRunner().invoke(main, ["search", str(job), *folders, "--msa-server", url])
    assert result.exit_code == 0, result.output
    assert f"sent to {url}" in result.stderr and (tmp_path / "one_data.json").exists()


def test_command_that_is_stopped_says_that_it_goes_on(
    server: MsaServer, url: str, tmp_path: Path
) -> None:
    job = tmp_path / "job.json"
    job.write_text(to_alphafold3_json(Job("one", (1,), (Protein(("A",), FIRST),))))
    server.planned["poll"] += [status("RUNNING", id="ticket1")] * 100
    arguments = ("search", job, "--out-dir", tmp_path, "--msa-server", url)
    stop(tmp_path / "cache", ROOT, signal.SIGINT, "server says RUNNING", *arguments)
    assert not (tmp_path / "one_data.json").exists()
