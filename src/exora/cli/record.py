"""exora record: the record a job made, as JSON or as a FHIR bundle."""

from __future__ import annotations

from typing import Annotated

import typer

from exora.cli.database import ask
from exora.cli.output import JsonOption, out, parse_uuid, print_json
from exora.cli.show import print_record
from exora.documents.fhir import to_bundle
from exora.domain.record import Record


def record(
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")],
    fhir: Annotated[bool, typer.Option("--fhir", help="Print a FHIR R4 Bundle.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the record of a completed job. The reading is audited."""
    job_id = parse_uuid(job, "JOB")
    stored = ask(lambda verbs: verbs.get_record(job_id))
    found = Record.model_validate(stored.record)
    if fhir:
        print_json(
            to_bundle(
                found,
                document_id=stored.document_id,
                patient_id=stored.patient_id,
                created=stored.stored_at,
                content_type=stored.media_type,
            )
        )
    elif as_json:
        typer.echo(found.to_json(indent=2))
    else:
        print_record(out, found)
