"""The admin: lists for operators of the installation. Rows with a life are written by services alone."""

from pods.admin import bindings, catalog, pods, releases, runners

__all__ = ["bindings", "catalog", "pods", "releases", "runners"]
