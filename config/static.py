"""Serves static files: what collectstatic gathered, where somebody has run it, and the apps' own files."""

from pathlib import Path
from typing import Any

from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]  # it ships no types


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # Any, for the same reason
    """whitenoise, without its warning about a STATIC_ROOT that nobody has filled: the apps' own files are served."""

    def add_files(self, root: Any, prefix: Any = None) -> None:
        if Path(root).is_dir():
            super().add_files(root, prefix)
