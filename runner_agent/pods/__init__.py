"""Pods: how one starts, what is asked of it, how it ends."""
