"""Signals 32 and 33 belong to glibc itself: what a parent left them as, no program can change."""

GLIBCS_OWN = 0b11 << 31  # as bits of SigIgn in /proc/*/status
