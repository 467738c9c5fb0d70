"""Coding agents on this machine: their declaration, their installation, their launch, what they are doing."""
