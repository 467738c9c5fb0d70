class TroubleError(Exception):
    """Why the system cannot be started or stopped: one sentence with cause and cure."""
