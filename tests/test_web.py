"""Where servers may lead to, and what they write into headers."""

from __future__ import annotations

import errno
import urllib.error
import urllib.request
from contextlib import nullcontext

import pytest

from af3cli.web import SafeRedirects, UnsafeRedirectError, header_number, request_problem


@pytest.mark.parametrize(
    ("start", "end", "is_safe"),
    [
        ("http", "http", True),
        ("http", "https", True),
        ("https", "https", True),
        ("https", "http", False),
        ("https", "HTTP", False),
    ],
)
def test_redirections_from_https_stay_there(start, end, is_safe):
    request = urllib.request.Request(f"{start}://example.org/model.pt")
    redirects = SafeRedirects()
    with nullcontext() if is_safe else pytest.raises(UnsafeRedirectError, match="not followed"):
        redirects.redirect_request(request, None, 302, "Found", {}, f"{end}://example.org/m.pt")


def test_numbers_in_headers() -> None:
    texts = ("17", " 0 ", None, "", "-1", "²", "9" * 5000)
    assert [header_number(text) for text in texts] == [17, 0, None, None, None, None, None]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (urllib.error.URLError(ConnectionRefusedError(errno.ECONNREFUSED, "refused")), "refused"),
        (urllib.error.URLError("no host given"), "no host given"),
        (TimeoutError("timed out"), "timed out"),
        (ConnectionResetError(), "ConnectionResetError"),
    ],
)
def test_why_a_request_came_to_nothing_is_told_in_words(error: Exception, text: str) -> None:
    assert request_problem(error) == text
