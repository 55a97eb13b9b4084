"""Django settings. Everything comes from the environment and has a safe default; see `docs/configuration.md`.

Importing this module starts nothing: an embedded PostgreSQL is started by the first connection that needs it.
"""

from datetime import timedelta
from typing import Any

from config import embedded
from config.env import DATA_DIR, ROOT, env

BASE_DIR = ROOT
DEBUG = env.bool("RECOURSE_DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or embedded.local_secret_key(DATA_DIR)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

INSTALLED_APPS = [
    "config.console.ConsoleConfig",  # Django's admin under our name
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "oauth2_provider",
    "config",
    "audit",
    "sagas",
    "payments",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.static.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- PostgreSQL: DATABASE_URL, or an embedded server in the data directory ---
DATABASES: dict[str, dict[str, Any]] = {
    "default": (
        env.db_url("DATABASE_URL") if env.str("DATABASE_URL", default="") else embedded.database_settings(DATA_DIR)
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Celery: messages are hints, so the file-system transport is a safe default ---
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="") or "filesystem://localhost"
CELERY_BROKER_DIR = DATA_DIR / "broker"

# --- The saga engine ---
SAGAS = {
    # How long a worker that fell silent keeps its sagas: recovery takes at most this, plus a sweep.
    "LEASE": timedelta(seconds=env.float("RECOURSE_LEASE_SECONDS", default=30)),
    # How often every worker looks for due sagas, with or without a hint from the broker.
    "SWEEP": timedelta(seconds=env.float("RECOURSE_SWEEP_SECONDS", default=1)),
    # Sagas that one worker process runs at once.
    "ACTIVATIONS": env.int("RECOURSE_ACTIVATIONS", default=16),
    # Prepared statements; off behind PgBouncer before 1.21 in transaction mode.
    "PREPARE": env.bool("RECOURSE_PREPARED_STATEMENTS", default=True),
}

# --- Providers (the simulators, unless the environment says otherwise) ---
INSTANT_RAIL_URL = env.str("INSTANT_RAIL_URL", default="http://127.0.0.1:8090/rail/instant/v1")

# --- The API: JSON in, JSON out, problems as application/problem+json; OAuth2 client credentials per channel ---
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["config.api.authentication.ChannelAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["config.api.authentication.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["config.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "config.api.pagination.KeysetPagination",
    "DEFAULT_SCHEMA_CLASS": "config.api.schema.ProblemAwareSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "config.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
# Not swapped; our migration names it by this setting.
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth2_provider.Application"
OAUTH2_PROVIDER: dict[str, Any] = {
    "SCOPES": {
        "payments:write": "Order payments",
        "payments:read": "See the payments that you ordered",
        "sagas:read": "See the sagas that you started, with their ledgers",
    },
    "DEFAULT_SCOPES": [],
    "SCOPES_BACKEND_CLASS": "config.api.authentication.ChannelScopes",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 300,
    # Client credentials and nothing else: no authorisation codes, no passwords, no refresh tokens.
    "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.BackendApplicationServer",
    "APPLICATION_ADMIN_CLASS": "config.channel_admin.ChannelAdmin",
    "OAUTH2_VALIDATOR_CLASS": "config.api.authentication.ClientValidator",
    "OAUTH2_BACKEND_CLASS": "config.api.authentication.OAuthBackend",
    # Tokens are stored as digests and are not accepted in a query, where logs would keep them.
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    # The flows of these are off already; said here too, so that switching one on would not switch on its weak form.
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Recourse",
    "DESCRIPTION": "Payments as durable sagas. Errors are problems (RFC 9457) whose type is the address of their "
    "documentation; every order needs an Idempotency-Key and can be repeated safely.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "OAUTH2_FLOWS": ["clientCredentials"],
    "OAUTH2_TOKEN_URL": "/oauth/token/",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "PaymentState": "payments.models.PaymentState",
        "SagaStatus": "sagas.models.Status",
    },
}

# --- TLS ends at a proxy that sets X-Forwarded-Proto itself; switch this on there and only there ---
BEHIND_TLS = env.bool("RECOURSE_BEHIND_TLS", default=False)
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if BEHIND_TLS else 0

# One line per request of a client is noise in a worker's log, and its addresses hold idempotency keys.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"httpx": {"level": "WARNING"}, "httpcore": {"level": "WARNING"}},
}

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = ROOT / "staticfiles"
# Static files come from the apps where nobody has run collectstatic.
WHITENOISE_USE_FINDERS = True

# --- Content Security Policy: no inline script or style anywhere, nothing from elsewhere, no framing ---
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
