from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class SagasConfig(AppConfig):
    name = "sagas"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from sagas import limits  # noqa: F401 - registers a system check

        # Every app declares its sagas in its `sagas.py`.
        autodiscover_modules("sagas")
