from django.contrib import admin
from django.urls import include, path, re_path
from oauth2_provider.views import RevokeTokenView, TokenView

from config.api.views import NothingHere
from config.health import livez, readyz

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("config.api.urls")),
    re_path(r"^api/", NothingHere.as_view()),
    path("oauth/token/", TokenView.as_view(), name="token"),
    path("oauth/revoke_token/", RevokeTokenView.as_view(), name="revoke-token"),
    path("livez", livez),
    path("readyz", readyz),
]

handler400 = "config.api.fallbacks.bad_request"
handler404 = "config.api.fallbacks.not_found"
handler500 = "config.api.fallbacks.server_error"
