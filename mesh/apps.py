from django.apps import AppConfig


class MeshConfig(AppConfig):
    name = "mesh"

    def ready(self) -> None:
        from mesh import checks  # noqa: F401 - registers them
