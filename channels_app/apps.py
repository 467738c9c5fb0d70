from django.apps import AppConfig


class ChannelsAppConfig(AppConfig):
    name = "channels_app"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import channels_app.tools  # noqa: F401 - declares them
        from channels_app.services import delivery
        from pods import listeners

        listeners.pod_runs.append(delivery.pod_runs)
        listeners.pod_ended.append(delivery.pod_ended)
        listeners.command_over.append(delivery.command_over)
