"""What the official suite asks for that is not ours, by name and with the reason."""

SCENARIOS = {
    "logging-set-level": "we send no logs to clients",
    "completion-complete": "we complete no arguments",
    "tools-call-simple-text": "wants the fixture tool test_simple_text",
    "tools-call-image": "wants the fixture tool test_image_content",
    "tools-call-audio": "wants the fixture tool test_audio_content",
    "tools-call-embedded-resource": "wants the fixture tool test_embedded_resource",
    "tools-call-mixed-content": "wants the fixture tool test_multiple_content_types",
    "tools-call-with-logging": "wants the fixture tool test_tool_with_logging",
    "tools-call-with-progress": "wants the fixture tool test_tool_with_progress",
    "tools-call-sampling": "wants the fixture tool test_sampling",
    "tools-call-elicitation": "wants the fixture tool test_elicitation",
    "json-schema-2020-12": "wants the fixture tool json_schema_2020_12_tool",
    "elicitation-sep1034-defaults": "wants the fixture tool test_elicitation_sep1034_defaults",
    "elicitation-sep1330-enums": "wants the fixture tool test_elicitation_sep1330_enums",
    "server-sse-polling": "wants the fixture tool test_reconnection",
    "resources-list": "we have no resources",
    "resources-read-text": "we have no resources",
    "resources-read-binary": "we have no resources",
    "resources-templates-read": "we have no resources",
    "resources-subscribe": "we have no resources",
    "resources-unsubscribe": "we have no resources",
    "prompts-list": "we have no prompts",
    "prompts-get-simple": "we have no prompts",
    "prompts-get-with-args": "we have no prompts",
    "prompts-get-embedded-resource": "we have no prompts",
    "prompts-get-with-image": "we have no prompts",
    "http-custom-header-server-validation": "we have no tools with x-mcp-header",
}
BY_PREFIX = {
    "tasks-": "wants fixture tools that make tasks",
    "input-required-result-": "wants fixture tools that ask back",
}
# Of a scenario that is ours otherwise: single checks that may fail.
CHECKS = {
    # They want a fixture tool that samples.
    "server-stateless": {"ServerRejectsUndeclaredCapability", "MissingCapabilityHttp400"},
    # We have neither prompts nor resources.
    "caching": {
        "PromptsListCachingHints",
        "ResourcesListCachingHints",
        "ResourcesTemplatesListCachingHints",
    },
}


def reason(scenario: str) -> str:
    """Why it is not asked of us; empty: it is."""
    by_prefix = (why for start, why in BY_PREFIX.items() if scenario.startswith(start))
    return SCENARIOS.get(scenario) or next(by_prefix, "")
