"""Who is asking: the channel that a request's access token belongs to."""

from typing import Any

from rest_framework.request import Request


def channel_of(request: Request) -> str:
    """The channel's name, as sagas and payments record it. Call it only where authentication is required."""
    # With client credentials there is no user: the token's application is who asks.
    token: Any = request.auth
    return f"api:{token.application.client_id}"
