"""Django's secret key when the environment gives none."""

from pathlib import Path

from config.embedded import local_secret_key
from tests.unit.embedded_users import run_program


def test_a_data_directory_has_one_secret_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    key = local_secret_key(tmp_path / "data")
    assert len(key) >= 50
    assert (
        run_program(
            "import sys; from pathlib import Path; from config.embedded import local_secret_key; "
            "print(local_secret_key(Path(sys.argv[1])))",
            tmp_path / "data",
        )
        == key
    )
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret_key"]
    assert (tmp_path / "data" / "secret_key").stat().st_mode & 0o777 == 0o600


def test_where_no_key_can_be_kept_each_process_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    unwritable = tmp_path / "file" / "data"
    assert local_secret_key(unwritable) != local_secret_key(unwritable)
