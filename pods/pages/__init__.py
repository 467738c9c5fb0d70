"""Browser pages about Pods, Runners and repositories: access, then a service or a query, then a template."""
