"""Gets the databases of the official data pipeline from where AlphaFold 3 publishes them."""

from __future__ import annotations

import base64
import hashlib
import http.client
import re
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from af3cli.disk import free_bytes
from af3cli.download import Patience, Progress, download
from af3cli.errors import OutputError
from af3cli.locking import only_writer
from af3cli.search.catalogue import CATALOGUE, CatalogueEntry
from af3cli.search.unpack import unpack_file, unpack_structures
from af3cli.web import UnsafeRedirectError, header_number, open_url, request_problem
from af3cli.wording import size

SOURCE = "https://storage.googleapis.com/alphafold-databases/v3.0"
# Of all files together, as the official installation guide has it.
TOTAL_DOWNLOAD_GB, TOTAL_UNPACKED_GB = 252, 630

_MD5 = re.compile(r"\bmd5=([A-Za-z0-9+/]{22}==)")
_STRUCTURES_ARCHIVE = "pdb_2022_09_28_mmcif_files.tar.zst"


@dataclass(frozen=True, slots=True)
class Offer:
    """A compressed database on the server: bytes, and MD5 (hexadecimal), where it tells them."""

    entry: CatalogueEntry
    url: str
    num_bytes: int | None
    md5: str | None


def find_offer(name: str, source: str = SOURCE) -> Offer:
    """Asks the server for a database by its name in the catalogue. Raises `OutputError`."""
    entry = CATALOGUE[name]
    file_name = _STRUCTURES_ARCHIVE if entry.is_folder else f"{entry.file_name}.zst"
    url = f"{source.rstrip('/')}/{file_name}"
    try:
        request = urllib.request.Request(
            url, method="HEAD", headers={"Accept-Encoding": "identity"}
        )
        with open_url(request, Patience().timeout) as response:
            num_bytes = header_number(response.headers.get("Content-Length"))
            hashes = ",".join(response.headers.get_all("x-goog-hash", []))
    except UnsafeRedirectError as error:
        raise OutputError(str(error)) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise OutputError(f"{url}: is not to be had ({request_problem(error)})") from None
    md5 = _MD5.search(hashes)
    return Offer(entry, url, num_bytes, base64.b64decode(md5[1]).hex() if md5 else None)


def check_space(offers: Iterable[Offer], folder: Path) -> None:
    """Raises `OutputError` if the disk of `folder` cannot even hold the compressed files."""
    needed = sum(offer.num_bytes or 0 for offer in offers)
    free = free_bytes(folder)
    if needed > free:
        raise OutputError(
            f"{folder}: {size(needed)} are to be downloaded, and more than twice that is needed to "
            f"unpack them, but {size(free)} are free"
        )


def get_database(offer: Offer, folder: Path, progress: Progress) -> Path:
    """Downloads and unpacks a database into `folder` under its official name; returns where it is.

    A download that was cut off goes on where it stopped. What is there already is left alone. The
    compressed file is removed when the database is in place. Raises `OutputError` if that fails,
    also if what has come is not what the server announced, or another process gets the database.
    """
    target = folder / offer.entry.file_name
    if not target.exists():
        with only_writer(target):
            if not target.exists():
                _get(offer, target, progress)
    return target


def _get(offer: Offer, target: Path, progress: Progress) -> None:
    compressed = target.with_name(offer.url.rpartition("/")[2])
    if not compressed.exists():
        download(offer.url, compressed, progress=progress)
    _check(compressed, offer)
    (unpack_structures if offer.entry.is_folder else unpack_file)(compressed, target)
    compressed.unlink()


def _check(path: Path, offer: Offer) -> None:
    """Removes a file that has another size or MD5 than announced."""
    found = str(path.stat().st_size)
    wanted = None if offer.num_bytes is None else str(offer.num_bytes)
    if wanted in (None, found) and offer.md5 is not None:
        with path.open("rb") as file:
            found, wanted = hashlib.file_digest(file, "md5").hexdigest(), offer.md5
    if wanted not in (None, found):
        path.unlink()
        raise OutputError(
            f"{offer.url}: what has come is not the published file ({found} where {wanted} is "
            "announced), and was removed; try again"
        )
