"""Channels: rooms where Pods and people post. The row is the truth; Redis only says "look again"."""
