"""Tokens and cost, from the records each agent keeps of itself. They belong to the agent: read as a stranger's."""
