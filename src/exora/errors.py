"""The exception tree of Exora, and the table that maps SQLSTATEs to it.

    ExoraError
    ├── ConfigurationError         a setting is missing or wrong
    ├── BadInput                   PT400  the caller's data; names the field
    │   └── UnknownPatient         PT400  no such patient is registered
    ├── NotFound                   PT404  no such job, document or record
    ├── Conflict                   PT409  same idempotency key, other payload
    ├── Rejected                   PT429  a lane is over its depth; says when to retry
    ├── LostClaim                  EX001  the fence is stale: another worker owns the job
    ├── CoordinationError          the database said no, or said nothing
    │   ├── DatabaseUnavailable    cannot connect
    │   ├── AccessDenied           the key, the password or the role is refused
    │   ├── OutcomeUnknown         the connection broke; repeat with the same request token
    │   ├── SchemaOutdated         run `exora migrate`
    │   └── SchemaTooNew           a newer Exora migrated this database
    └── DocumentError              this document can never be processed (dead letter, no retry)
        ├── EmptyDocument          zero bytes
        ├── UnsupportedFormat      the magic bytes are of no known document
        ├── CorruptDocument        truncated or damaged beyond repair
        ├── EncryptedDocument      needs a password
        ├── NoPages                opens, but has no page
        ├── DocumentTooLarge       bytes, pages or megapixels over the limit
        ├── ProcessingLimit        CPU, memory or wall clock of one page ran out
        └── ChecksumMismatch       the stored bytes are not the ones enqueued

A message says what happened; ``remedy`` says what to do next. Neither ever holds document text,
a file name, a patient's name or number, or a secret: both may be logged and stored in job rows.
"""

from __future__ import annotations

from typing import ClassVar


class ExoraError(Exception):
    """Base of every error Exora raises on purpose.

    Args:
        message: what happened, free of any content of documents.
        remedy: what the reader can do next; defaults to the class's own.
        field: the name of the input field or setting at fault, if one is.
    """

    code: ClassVar[str] = "error"
    default_remedy: ClassVar[str] = ""

    def __init__(self, message: str, *, remedy: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = self.default_remedy if remedy is None else remedy
        self.field = field

    def one_line(self) -> str:
        """The message and its remedy on one line, as the CLI prints it."""
        return f"{self.message}. {self.remedy}" if self.remedy else self.message


class ConfigurationError(ExoraError):
    """A setting is missing, malformed or contradicts another."""

    code = "configuration"


class BadInput(ExoraError):
    """The caller's data is wrong; ``field`` names the argument."""

    code = "bad_input"


class UnknownPatient(BadInput):
    """No patient of that id is registered."""

    code = "unknown_patient"
    default_remedy = "Register the patient first: exora patients add UUID"


class NotFound(ExoraError):
    """No job, document or record of that id."""

    code = "not_found"


class Conflict(ExoraError):
    """The idempotency key was used before with another payload."""

    code = "conflict"


class Rejected(ExoraError):
    """The lane is over its depth limit; try again after ``retry_after_s`` seconds."""

    code = "rejected"

    def __init__(self, message: str, *, retry_after_s: float, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class LostClaim(ExoraError):
    """The fence ``(job_id, attempt, claim_token)`` is stale; the work must stop and store nothing."""

    code = "lost_claim"


class CoordinationError(ExoraError):
    """The database refused a call for a reason that is not the caller's data."""

    code = "coordination"


class DatabaseUnavailable(CoordinationError):
    """No connection to the database could be made."""

    code = "database_unavailable"
    default_remedy = "Check DATABASE_URL and that the server accepts connections"


class AccessDenied(CoordinationError, ConfigurationError):
    """The key, the password or the role is refused. A worker that runs waits for a better one: keys are rotated."""

    code = "access_denied"


class OutcomeUnknown(CoordinationError):
    """The connection broke during a call; repeating it with the same token is safe."""

    code = "outcome_unknown"


class SchemaOutdated(CoordinationError):
    """The database lacks migrations this version needs."""

    code = "schema_outdated"
    default_remedy = "Run: exora migrate"


class SchemaTooNew(CoordinationError):
    """A newer version of Exora has migrated this database."""

    code = "schema_too_new"
    default_remedy = "Upgrade this installation of exora to the version that migrated the database"


class DocumentError(ExoraError):
    """This document can never be processed, however often it is tried."""

    code = "document"


class EmptyDocument(DocumentError):
    """The document has zero bytes."""

    code = "document_empty"
    default_remedy = "Upload the file again; the stored object is empty"


class UnsupportedFormat(DocumentError):
    """The magic bytes are those of no format Exora reads."""

    code = "document_unsupported"
    default_remedy = "Send a PDF, JPEG, PNG, TIFF, HEIC, WebP, BMP, GIF, DOCX, C-CDA or plain text"


class CorruptDocument(DocumentError):
    """The document is truncated or damaged beyond repair."""

    code = "document_corrupt"
    default_remedy = "Export or scan the document again"


class EncryptedDocument(DocumentError):
    """The document opens only with a password."""

    code = "document_encrypted"
    default_remedy = "Remove the password and send the document again"


class NoPages(DocumentError):
    """The document opens but holds no page."""

    code = "document_no_pages"
    default_remedy = "Check the file in a viewer; it shows no page"


class DocumentTooLarge(DocumentError):
    """Bytes, pages or megapixels are over the limit."""

    code = "document_too_large"
    default_remedy = "Split the document or scan it at a lower resolution"


class ProcessingLimit(DocumentError):
    """One page used up its CPU seconds, wall clock or address space."""

    code = "document_limit"
    default_remedy = "Export the document again from its source; this page cannot be rendered within the limits"


class ChecksumMismatch(DocumentError):
    """The stored bytes are not the ones whose checksum was enqueued."""

    code = "document_checksum"
    default_remedy = "Upload the document again"


#: SQLSTATE raised by our functions → exception. PTxyz is also the HTTP status over REST (PostgREST).
SQLSTATE_ERRORS: dict[str, type[ExoraError]] = {
    "PT400": BadInput,
    "PT403": AccessDenied,
    "PT404": NotFound,
    "PT409": Conflict,
    "PT429": Rejected,
    "EX001": LostClaim,
}
