"""Browser pages about Channels, what waits for a person, and who works with whom."""
