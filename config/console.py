"""The console: Django's admin under our name, with the page that says whether the books are right."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.urls import reverse


class ConsoleConfig(AdminConfig):
    """Makes the site below the default one, at which every app registers."""

    default_site = "config.console.Console"


class Console(AdminSite):
    site_header = "Recourse"
    site_title = "Recourse"
    index_title = "Console"
    index_template = "config/index.html"
    site_url = None
    enable_nav_sidebar = True

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The registered records, and beside the payments the books, which are no record."""
        from payments.admin.books import may_view_books

        apps = super().get_app_list(request, app_label)
        for app in apps:
            if app["app_label"] == "payments" and may_view_books(request):
                url = reverse("admin:payments_books", current_app=self.name)
                app["models"].append({"name": "Books", "object_name": "Books", "admin_url": url, "view_only": True})
        return apps
