"""Browser pages about people: signing in, the Organization, API tokens; and the frame around every page."""
