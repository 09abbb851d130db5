"""Whether files can be called after a job."""

from __future__ import annotations

from af3cli.errors import InputError
from af3cli.job import file_name

_MOST_BYTES = 255  # of a file's name, on nearly all file systems


def usable_name(job_name: str, what: str) -> str:
    """Returns the job's name as it is in file names; `what` is called after it, such as "an entry".

    Raises:
        InputError: nothing is left of the name.
    """
    name = file_name(job_name)
    if not name.strip("."):
        raise InputError(
            f"job {job_name!r}: its name has no letter or digit (A to Z, 0 to 9) that {what} can "
            "be called after"
        )
    return name


def check_length(job_name: str, longest: str) -> None:
    """Raises `InputError` if `longest`, the longest file name of the job, is too long."""
    excess = len(longest.encode()) - _MOST_BYTES
    if excess > 0:
        raise InputError(
            f"job {job_name!r}: its name is {excess} characters too long for files to be called "
            f"after it; a file's name may have {_MOST_BYTES}. Give the job a shorter name"
        )
