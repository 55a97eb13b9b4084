from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Holds the commands that need every layer, such as the demo."""

    name = "config"
