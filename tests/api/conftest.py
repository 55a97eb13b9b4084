import pytest

from tests.api.caller import Caller


@pytest.fixture(autouse=True, scope="session")
def _a_folder_for_static_files(tmp_path_factory: pytest.TempPathFactory) -> None:
    """whitenoise warns if nobody has run collectstatic, and a warning is an error here."""
    from django.conf import settings

    settings.STATIC_ROOT = tmp_path_factory.mktemp("static")


@pytest.fixture
def shop(database: object) -> Caller:
    """A channel with every scope."""
    return Caller.new()
