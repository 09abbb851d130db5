"""Errors that are messages for people. The command line prints them and exits with their code."""

from __future__ import annotations


class Af3cliError(Exception):
    """Something that the user can put right; its text says what, where and how."""

    exit_code = 1


class InputError(Af3cliError):
    """A job, or a file that it names, is not usable."""

    exit_code = 2


class WeightsError(Af3cliError):
    """Parameters are missing, damaged, or of another model."""

    exit_code = 3


class OutputError(Af3cliError):
    """An output file cannot be written or read, or holds something else than expected."""

    exit_code = 4


class DeviceError(Af3cliError):
    """There is no device that computes."""

    exit_code = 6


class InUseError(OutputError):
    """Another process writes the same output at the moment."""
