"""The door for agents on this machine."""
