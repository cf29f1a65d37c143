"""Which handler serves which job type, with typed arguments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from exora.domain.capacity import Need
from exora.domain.outcome import Outcome
from exora.errors import BadInput, ConfigurationError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from exora.worker.context import JobContext

#: A handler gets the context and its typed arguments; it returns an outcome, or a result dict, or None.
Handler = Callable[["JobContext", Any], Awaitable[Outcome | dict[str, Any] | None]]


class Registry:
    """Handlers by job type."""

    def __init__(self) -> None:
        self._handlers: dict[str, tuple[Handler, type[BaseModel] | None]] = {}
        self._needs: dict[str, tuple[Need, ...]] = {}

    def add(
        self,
        job_type: str,
        handler: Handler,
        arguments: type[BaseModel] | None = None,
        *,
        needs: Sequence[Need] = (),
    ) -> None:
        """Register a handler.

        Args:
            job_type: the type it serves.
            handler: an async callable.
            arguments: a pydantic model the payload is validated into; None hands over the dict.
            needs: the APIs it calls: its jobs are not claimed while one of them has no room.

        Raises:
            ConfigurationError: the type has a handler already.
        """
        if job_type in self._handlers:
            raise ConfigurationError(
                f"job type {job_type} has two handlers", remedy="Register one handler per job type"
            )
        self._handlers[job_type] = (handler, arguments)
        self._needs[job_type] = tuple(needs)

    def handler(
        self, job_type: str, arguments: type[BaseModel] | None = None, *, needs: Sequence[Need] = ()
    ) -> Callable[[Handler], Handler]:
        """``add`` as a decorator."""

        def register(function: Handler) -> Handler:
            self.add(job_type, function, arguments, needs=needs)
            return function

        return register

    def copy(self) -> Registry:
        """A registry of its own with the same handlers."""
        twin = Registry()
        twin._handlers = dict(self._handlers)
        twin._needs = dict(self._needs)
        return twin

    @property
    def job_types(self) -> tuple[str, ...]:
        """The types with a handler, sorted."""
        return tuple(sorted(self._handlers))

    @property
    def needs(self) -> Mapping[str, tuple[Need, ...]]:
        """The APIs that the jobs of each type call."""
        return self._needs

    def call(
        self, job_type: str, context: JobContext, payload: dict[str, Any]
    ) -> Awaitable[Outcome | dict[str, Any] | None]:
        """Call the handler of a job; what it returns is to be awaited.

        Raises:
            BadInput: the payload does not fit the handler's arguments; names the fields, not the values.
        """
        handler, model = self._handlers[job_type]
        if model is None:
            return handler(context, payload)
        from pydantic import ValidationError  # here: a worker without typed handlers does not pay its ten megabytes

        try:
            arguments = model.model_validate(payload)
        except ValidationError as error:
            fields = sorted({".".join(str(part) for part in item["loc"]) for item in error.errors(include_input=False)})
            raise BadInput(
                f"the payload does not fit the handler of {job_type}: {', '.join(fields)}",
                field=fields[0],
                remedy="Enqueue the job again with a correct payload",
            ) from None
        return handler(context, arguments)


#: Where ``@exora.handler`` registers.
default_registry = Registry()
handler = default_registry.handler
