from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class SagasConfig(AppConfig):
    name = "sagas"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from sagas import limits

        post_migrate.connect(limits.set_limits_after_migrating, sender=self)

        # Every app declares its sagas in its `sagas.py`.
        autodiscover_modules("sagas")
