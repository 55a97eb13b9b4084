"""Who may call the API, and what for: OAuth2 bearer tokens of channels, with scopes per channel."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from oauth2_provider.contrib.rest_framework import OAuth2Authentication, TokenMatchesOASRequirements
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import BaseScopes
from rest_framework.request import Request

from config.models import Channel

if TYPE_CHECKING:
    # Not at run time: while it loads, Django REST framework loads this module by its settings.
    from rest_framework.views import APIView


class ChannelScopes(BaseScopes):  # type: ignore[misc]  # django-oauth-toolkit ships no types
    """A token gets the scopes that it asks for and its channel has. Asking for none is refused."""

    def get_all_scopes(self) -> Mapping[str, str]:
        scopes: Mapping[str, str] = settings.OAUTH2_PROVIDER["SCOPES"]
        return scopes

    def get_available_scopes(self, application: Any = None, *_args: Any, **_kwargs: Any) -> list[str]:
        channel = Channel.objects.filter(application=application).first() if application else None
        return channel.scopes if channel else []

    def get_default_scopes(self, *_args: Any, **_kwargs: Any) -> list[str]:
        return []


class OAuthBackend(OAuthLibCore):  # type: ignore[misc]  # django-oauth-toolkit ships no types
    """Looks for API tokens in the Authorization header only, so a body is not even parsed before we know who asks."""

    def extract_body(self, request: Any) -> Any:
        return [] if isinstance(request, Request) else super().extract_body(request)


class ClientValidator(OAuth2Validator):  # type: ignore[misc]  # django-oauth-toolkit ships no types
    """Refuses a client id that PostgreSQL cannot even look for; asked, it would be an error of ours."""

    def _load_application(self, client_id: str | None, request: Any) -> Any:
        return None if "\x00" in (client_id or "") else super()._load_application(client_id, request)


class ChannelAuthentication(OAuth2Authentication):  # type: ignore[misc]  # django-oauth-toolkit ships no types
    """The channel's access token, as `Authorization: Bearer …`. There is no user: `request.auth` says who asks."""


class HasScope(TokenMatchesOASRequirements):  # type: ignore[misc]  # django-oauth-toolkit ships no types
    """The token has the scopes that the view's `required_alternate_scopes` has for the method; no entry, no access."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if request.auth is not None and request.method not in view.allowed_methods:
            return True  # nothing is there to protect: the view answers 405
        return bool(super().has_permission(request, view))

    def get_required_alternate_scopes(self, request: Request, view: "APIView") -> Mapping[str, list[list[str]]]:
        scopes: Mapping[str, list[list[str]]] = super().get_required_alternate_scopes(request, view)
        return {**scopes, "HEAD": scopes["GET"]} if "GET" in scopes else scopes
