"""`make demo`: three agents work together on a running system, and one watches. By REST alone, as any script would."""
