"""Tools agents use on Pods and their surroundings. Importing this package declares them."""

from pods.tools import bindings, going_on, pods, prompts, surroundings, terminals, workspaces

__all__ = ["bindings", "going_on", "pods", "prompts", "surroundings", "terminals", "workspaces"]
