"""Channels in the console: to be looked at. What a channel is called by the API is part of every payment it ordered."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin  # at run time Django's is not generic


class ChannelAdmin(_ModelAdmin):
    """Read only. With another client id a channel's Idempotency-Keys would be unknown, and its repeats pay again."""

    list_display = ("name", "client_id", "created")
    fields = ("name", "client_id", "client_type", "authorization_grant_type", "created", "updated")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
