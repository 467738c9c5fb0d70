"""What is told to the person at the machine."""


class ToldError(Exception):
    """One sentence with cause and cure; the program ends with `exit_code`."""

    exit_code = 1


class FinalError(ToldError):
    """Trying again does not help: a supervisor need not."""

    exit_code = 78  # EX_CONFIG
