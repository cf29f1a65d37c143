"""exora patients: register and list patients, by opaque id."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

import typer
from rich.table import Table

from exora.cli.database import ask
from exora.cli.output import JsonOption, out, parse_uuid, print_json

app = typer.Typer(help="Register and list patients. A patient is an opaque UUID; names live in the records.")


@app.command("add")
def add(
    patient: Annotated[str | None, typer.Argument(metavar="[UUID]", help="The id; a new one when left out.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Register a patient and print the id."""
    patient_id = uuid4() if patient is None else parse_uuid(patient, "UUID")
    added = ask(lambda verbs: verbs.register_patient(patient_id))
    print_json({"patient_id": patient_id, "added": added}) if as_json else typer.echo(str(patient_id))


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=10000, help="How many.")] = 50, as_json: JsonOption = False
) -> None:
    """List registered patients, newest first."""
    found = ask(lambda verbs: verbs.list_patients(limit))
    if as_json:
        print_json(found)
        return
    table = Table("patient", "registered", "documents")
    for patient in found:
        table.add_row(str(patient.patient_id), f"{patient.created_at:%Y-%m-%d %H:%M}", str(patient.documents))
    out.print(table)


PatientArgument = Annotated[str, typer.Argument(metavar="PATIENT", help="The patient's UUID.")]
UserArgument = Annotated[str, typer.Argument(metavar="USER", help="The user's UUID: auth.users.id in Supabase.")]


@app.command("grant")
def grant(patient: PatientArgument, user: UserArgument, as_json: JsonOption = False) -> None:
    """Let a signed-in user see a patient's documents and records, and submit documents."""
    _set_access(patient, user, True, as_json)


@app.command("revoke")
def revoke(patient: PatientArgument, user: UserArgument, as_json: JsonOption = False) -> None:
    """Take a user's access to a patient away."""
    _set_access(patient, user, False, as_json)


def _set_access(patient: str, user: str, allowed: bool, as_json: bool) -> None:
    patient_id, user_id = parse_uuid(patient, "PATIENT"), parse_uuid(user, "USER")
    changed = ask(lambda verbs: verbs.set_access(user_id, patient_id, allowed))
    if as_json:
        print_json({"patient_id": patient_id, "user_id": user_id, "access": allowed, "changed": changed})
    else:
        state = "has access" if allowed else "has no access"
        out.print(f"The user {state}." if changed else f"It was so already: the user {state}.")
