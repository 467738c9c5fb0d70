"""Workspaces: clones, branches, and looking at a repository without running what was planted in it."""
