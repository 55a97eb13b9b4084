from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from oauth2_provider.views import RevokeTokenView, TokenView

from config.api.views import NothingHere
from config.health import livez, readyz

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("config.api.urls")),
    re_path(r"^api/", NothingHere.as_view()),
    path("oauth/token/", TokenView.as_view(), name="token"),
    path("oauth/revoke_token/", RevokeTokenView.as_view(), name="revoke-token"),
    # Browsers ask for it by this name whatever a page says.
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}config/favicon.svg")),
    path("livez", livez),
    path("readyz", readyz),
]

handler400 = "config.api.fallbacks.bad_request"
handler404 = "config.api.fallbacks.not_found"
handler500 = "config.api.fallbacks.server_error"
