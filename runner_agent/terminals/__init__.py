"""Terminals: Pod hosts as the daemon sees them, their logs, screens and feeds."""
