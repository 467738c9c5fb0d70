from django.apps import AppConfig


class PodsConfig(AppConfig):
    name = "pods"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import pods.tools  # noqa: F401 - declares them
        from pods import listeners
        from pods.services import agent_reports, prompt_receipts, rollouts, updates, workspaces

        listeners.pod_runs.append(prompt_receipts.pod_runs)
        listeners.pod_ended.append(agent_reports.pod_ended)
        listeners.pod_ended.append(prompt_receipts.pod_ended)
        listeners.agent_changed.append(prompt_receipts.agent_changed)
        listeners.prompt_went_on.append(prompt_receipts.went_on)
        listeners.command_over.append(prompt_receipts.command_over)
        listeners.command_over.append(updates.command_over)
        listeners.command_over.append(rollouts.command_over)
        listeners.command_over.append(workspaces.command_over)
