"""What is told to the person at the machine."""

import errno


class ToldError(Exception):
    """One sentence with cause and cure; the program ends with `exit_code`."""

    exit_code = 1


class FinalError(ToldError):
    """Trying again does not help: a supervisor need not."""

    exit_code = 78  # EX_CONFIG


def why_broke(error: Exception) -> tuple[str, str]:
    """Code and sentence of a failure that nobody foresaw, for whoever asked."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "disk_full", "The disk of the Runner is full. Make room there, then ask again."
    return "internal", "The Runner made a mistake; its log has the details."
