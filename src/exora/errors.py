"""The exception tree of Exora, and the table that maps SQLSTATEs to it.

    ExoraError
    ├── ConfigurationError         a setting is missing or wrong
    ├── BadInput                   PT400  the caller's data; names the field
    │   └── UnknownPatient         PT400  no such patient is registered
    ├── NotFound                   PT404  no such job, document or record
    ├── Conflict                   PT409  same idempotency key, other payload
    ├── Rejected                   PT429  a lane is over its depth; says when to retry
    │   └── UsageLimitReached      PT429  a patient is over a limit of usage; says when it is counted anew
    ├── LostClaim                  EX001  the fence is stale: another worker owns the job
    ├── CoordinationError          the database said no, or said nothing
    │   ├── DatabaseUnavailable    cannot connect
    │   ├── AccessDenied           the key, the password or the role is refused
    │   ├── OutcomeUnknown         the connection broke; repeat with the same request token
    │   ├── SchemaOutdated         run `exora migrate`
    │   └── SchemaTooNew           a newer Exora migrated this database and left this one behind
    ├── NoCapacity                 an API has none for this call within its patience; says when to come back
    ├── ProviderError              a provider said no, or nothing of use
    │   ├── RateLimited            429: too much at once
    │   ├── QuotaExhausted         429 insufficient_quota: until somebody pays
    │   ├── KeyRefused             401, 403: until somebody sets another key
    │   ├── ProviderUnavailable    5xx, a broken connection, no answer in time
    │   ├── RequestRefused         400: this request can never succeed
    │   ├── AnswerCutOff           the answer ended at its token limit
    │   ├── AnswerRefused          the model refused, or its filter did
    │   └── AnswerUnusable         the answer is not what was asked for
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

from typing import ClassVar, Literal


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


class UsageLimitReached(Rejected):
    """A patient has used what a day allows; ``retry_after_s`` is until midnight UTC, when it is counted anew."""

    code = "usage_limit_reached"


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
    """A newer version of Exora has migrated this database, and it no longer serves this one."""

    code = "schema_too_new"
    default_remedy = "Upgrade this installation of exora to the version that migrated the database"


class NoCapacity(ExoraError):
    """An API has no capacity for a call within its patience.

    Attributes:
        reason: ``provider.endpoint:why`` as a code.
        retry_after_s: when it is worth trying again.
    """

    code = "no_capacity"
    default_remedy = "See: exora capacity show"

    def __init__(self, reason: str, *, retry_after_s: float) -> None:
        super().__init__(f"no API capacity ({reason})")
        self.reason = reason
        self.retry_after_s = retry_after_s


class ProviderError(ExoraError):
    """A provider said no, or nothing of use; ``provider`` says which."""

    code = "provider"

    def __init__(self, provider: str, message: str, *, remedy: str | None = None) -> None:
        super().__init__(f"{provider}: {message}", remedy=remedy)
        self.provider = provider


class RateLimited(ProviderError):
    """Too much at once; ``retry_after_s`` is None when the provider does not say when to come back."""

    code = "provider_rate_limited"
    default_remedy = "It is retried by itself; lower the limits if it goes on: exora capacity set"

    def __init__(self, provider: str, message: str, *, retry_after_s: float | None) -> None:
        super().__init__(provider, message)
        self.retry_after_s = retry_after_s


class QuotaExhausted(ProviderError):
    """The account has no quota or credit left; waiting does not help."""

    code = "provider_quota_exhausted"
    default_remedy = "Check plan and billing at the provider, then: exora capacity open"


class KeyRefused(ProviderError):
    """The key is wrong, revoked, or lacks a permission; ``kind`` is invalid_key (401) or forbidden (403)."""

    code = "provider_key_refused"
    default_remedy = "Set a valid key with access to this API, then: exora capacity open"

    def __init__(self, provider: str, message: str, *, kind: Literal["invalid_key", "forbidden"]) -> None:
        super().__init__(provider, message)
        self.kind = kind


class ProviderUnavailable(ProviderError):
    """The provider failed, broke the connection or did not answer in time."""

    code = "provider_unavailable"
    default_remedy = "It is retried by itself; see the provider's status page if it goes on"


class RequestRefused(ProviderError):
    """The provider will never accept this request; ``reason`` is its own code, for example context_length_exceeded."""

    code = "provider_request_refused"
    default_remedy = "Check what this model or API accepts; another try would not help"

    def __init__(self, provider: str, message: str, *, reason: str, remedy: str | None = None) -> None:
        super().__init__(provider, message, remedy=remedy)
        self.reason = reason


class AnswerCutOff(ProviderError):
    """The answer ended at its limit of tokens."""

    code = "provider_answer_cut_off"
    default_remedy = "Use a model that can answer at greater length"


class AnswerRefused(ProviderError):
    """The model refused to answer, or a content filter withheld the answer."""

    code = "provider_answer_refused"
    default_remedy = "Check the content filter of the account or deployment"


class AnswerUnusable(ProviderError):
    """The answer is not of the form that was asked for."""

    code = "provider_answer_unusable"
    default_remedy = "Check the model and its base URL if it goes on"


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
