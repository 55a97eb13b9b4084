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
    "django.contrib.admin",
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
    "whitenoise.middleware.WhiteNoiseMiddleware",
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
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="") or "filesystem://"
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

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = ROOT / "staticfiles"
