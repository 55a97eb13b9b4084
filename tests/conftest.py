"""What holds for all tests. Databases are in `tests/plugin.py`."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

# Examples that touch a database are slow now and then; what is slow for ever meets the timeout of its test.
settings.register_profile("recourse", deadline=None)
settings.load_profile("recourse")


@pytest.fixture(autouse=True, scope="session")
def _cheap_password_hashes() -> None:
    """A sound hash of a client's secret takes 0.3 s by design; tests authenticate hundreds of times."""
    from django.conf import settings as django_settings

    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True, scope="session")
def _connections_to_providers_end_with_the_run() -> Iterator[None]:
    """They are pooled for the life of a process; left to the interpreter's end, each would complain."""
    yield
    from sagas import exchange

    for client in exchange._clients.values():
        client.close()
