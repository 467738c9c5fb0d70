"""`demo`: a small program that behaves like a coding agent, so that a newcomer sees something true without any key.

Nothing thinks in it. What it does is real: it reads the directory it is started in, writes a function and its test,
runs the test and commits. Standard library only, no network.
"""
