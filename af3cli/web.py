"""Requests to servers, and what of their answers is not taken as it comes."""

from __future__ import annotations

import http.client
import re
import urllib.request
from contextlib import AbstractContextManager
from typing import IO
from urllib.parse import urlsplit

from af3cli.errors import Af3cliError

_NUMBER = re.compile(r"[0-9]{1,20}")


class UnsafeRedirectError(Af3cliError):
    """A server leads from an encrypted connection to an open one."""


def open_url(
    request: urllib.request.Request, timeout: float
) -> AbstractContextManager[http.client.HTTPResponse]:
    """Returns the answer to a request; redirections from https lead to https only.

    Proxies are taken from the environment.

    Raises:
        UnsafeRedirectError: the server leads elsewhere than that.
        OSError, http.client.HTTPException, ValueError: there is no proper answer.
    """
    return urllib.request.build_opener(SafeRedirects).open(request, timeout=timeout)


def request_problem(error: Exception) -> str:
    """Returns in words why a request came to nothing."""
    reason = getattr(error, "reason", error)
    return getattr(reason, "strerror", None) or str(reason) or type(error).__name__


def header_number(value: str | None) -> int | None:
    """Returns the bytes or seconds that a header tells, `None` if it tells no such number."""
    text = (value or "").strip()
    return int(text) if _NUMBER.fullmatch(text) else None


class SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Goes where a server leads, but not from where nobody can listen or meddle to elsewhere."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes] | None,
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if req.type == "https" != urlsplit(newurl).scheme:
            raise UnsafeRedirectError(
                f"{req.full_url}: the server leads to {newurl}, which is not encrypted, and was "
                "not followed"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)
