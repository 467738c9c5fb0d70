"""PostgreSQL as the tests use it: emptied between tests by deleting what there is, which is little.

TRUNCATE makes a file anew for every table, and Django's flush then finds all content types and permissions again: half a
second a test. They are the code's, not the test's, so they stay.
"""
