"""What may be said of an error, and what gets into a log line."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from uuid import UUID, uuid4

import asyncpg
import pytest
import structlog

from exora import errors
from exora.coordination.postgres import translated
from exora.domain.job import ClaimedJob, Fence
from exora.domain.phi import describe_error
from exora.observe.logs import configure_logs, current_job


def test_our_own_errors_keep_their_message_and_remedy() -> None:
    info = describe_error(errors.EncryptedDocument("the document needs a password"))
    assert (info.error_class, info.code) == ("EncryptedDocument", "document_encrypted")
    assert info.summary == "the document needs a password. Remove the password and send the document again"


def test_of_any_other_error_only_the_class_is_kept() -> None:
    info = describe_error(ValueError("Jane Roe, MRN 12345"))
    assert (info.summary, info.code) == ("unexpected ValueError", "unexpected")


def test_a_database_error_keeps_its_sqlstate_and_not_the_row() -> None:
    error = asyncpg.UniqueViolationError('duplicate key: Key (mrn)=(12345) "Jane"')
    info = describe_error(error)
    assert (info.summary, info.code) == ("unexpected UniqueViolationError (SQLSTATE 23505)", "sqlstate_23505")


def _raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def test_equal_failures_have_equal_fingerprints() -> None:
    one, same = describe_error(_raised(ValueError("a"))), describe_error(_raised(ValueError("b")))
    assert one.fingerprint == same.fingerprint
    assert describe_error(_raised(KeyError("a"))).fingerprint != one.fingerprint


def test_every_error_of_the_tree_is_drawn_and_has_a_code_of_its_own() -> None:
    tree = [
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.ExoraError)
    ]
    assert errors.__doc__ is not None
    assert [kind.__name__ for kind in tree if kind.__name__ not in errors.__doc__] == []
    assert len({kind.code for kind in tree}) == len(tree)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (asyncpg.ConnectionDoesNotExistError("x"), errors.OutcomeUnknown),
        (asyncpg.InterfaceError("connection is closed"), errors.OutcomeUnknown),
        (asyncpg.exceptions.AdminShutdownError("x"), errors.OutcomeUnknown),
        (TimeoutError(), errors.OutcomeUnknown),
        (ConnectionRefusedError(), errors.DatabaseUnavailable),
        (asyncpg.TooManyConnectionsError("x"), errors.DatabaseUnavailable),
        (asyncpg.DeadlockDetectedError("x"), errors.DatabaseUnavailable),
        (asyncpg.UndefinedFunctionError("x"), errors.SchemaOutdated),
        (asyncpg.InvalidPasswordError("x"), errors.AccessDenied),
        (asyncpg.InvalidCatalogNameError("x"), errors.AccessDenied),
        (asyncpg.DataError("Jane"), errors.BadInput),
        (asyncpg.CheckViolationError("Failing row contains (Jane Roe)"), errors.CoordinationError),
    ],
)
async def test_the_drivers_errors_become_ours_without_their_text(raised: Exception, expected: type[Exception]) -> None:
    async def call() -> None:
        raise raised

    with pytest.raises(expected) as caught:
        await translated(call)
    assert type(caught.value) is expected
    assert isinstance(caught.value, errors.ExoraError)
    assert "Jane" not in caught.value.one_line()


@pytest.fixture
def log() -> io.StringIO:
    stream = io.StringIO()
    configure_logs("info", stream=stream, readable=False)
    return stream


def test_only_allowed_keys_get_into_a_line(log: io.StringIO) -> None:
    structlog.get_logger().info("job_started", job_id="1", patient_name="Jane Roe", text="asthma")
    line = json.loads(log.getvalue())
    assert (line["event"], line["job_id"], line["dropped_keys"]) == ("job_started", "1", 2)
    assert "Jane" not in log.getvalue()


def test_a_sentence_or_a_value_that_is_no_code_is_withheld(log: io.StringIO) -> None:
    logger = structlog.get_logger()
    logger.info("Jane Roe has asthma", job_id="1", error_code=ValueError("Jane Roe"))
    logger.info("job_ended", status="Jane Roe, 1970", outcome={"name": "Jane"}, count=3, job_id=UUID(int=5))
    logging.getLogger("some.library").error("cannot read: %s", "Jane Roe")
    first, second = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (first["event"], first["job_id"], first["dropped_keys"]) == ("event_withheld", "1", 2)
    assert (second["count"], second["job_id"], second["dropped_keys"]) == (3, str(UUID(int=5)), 2)
    assert "Jane" not in log.getvalue()


async def test_fifty_interleaved_jobs_keep_their_own_correlation(log: io.StringIO) -> None:
    jobs = {uuid4(): uuid4() for _ in range(50)}

    async def run(job_id: UUID, correlation_id: UUID) -> None:
        claimed = ClaimedJob(Fence(job_id, 1, uuid4()), "t", "l", {}, 0, 5, 5, correlation_id, 30, 120, 60)
        current_job.set(claimed)
        for _ in range(5):
            await asyncio.sleep(0)
            structlog.get_logger().info("step")

    await asyncio.gather(*(run(*ids) for ids in jobs.items()))
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert len(lines) == 250
    assert {line["job_id"] for line in lines} == {str(job_id) for job_id in jobs}
    assert all(line["correlation_id"] == str(jobs[UUID(line["job_id"])]) for line in lines)


@pytest.mark.parametrize(("level", "lines"), [("debug", 3), ("info", 2), ("warn", 1), ("error", 0)])
def test_the_level_is_obeyed(level: str, lines: int) -> None:
    stream = io.StringIO()
    configure_logs(level, stream=stream, readable=False)
    logger = structlog.get_logger()
    logger.debug("a")
    logger.info("b")
    logger.warning("c")
    assert len(stream.getvalue().splitlines()) == lines
