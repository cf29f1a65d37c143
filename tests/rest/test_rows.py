"""Users and rows: two users, three patients, the official client with the anon key and a user's token."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from postgrest.exceptions import APIError
from storage3.exceptions import StorageApiError
from supabase import AsyncClient

from exora.app import Services, open_services
from exora.dev.gateway.local import LocalProject, local_project
from exora.domain.outcome import DONE, Settlement
from exora.sql.migrate import migrate
from tests.gateways import KEYS, official_client

CONTENT = b"%PDF-1.7 a document"


@dataclass
class Ward:
    """A project with patients of ``one``, of ``two``, of both, of neither."""

    local: LocalProject
    services: Services
    stack: contextlib.AsyncExitStack
    users: dict[str, UUID]
    patients: dict[str, UUID]

    async def client(self, user: str | None) -> AsyncClient:
        """The official client: the anon key, and the token of a user who signed in."""
        token = KEYS.user_token(self.users[user]) if user else None
        return await self.stack.enter_async_context(official_client(self.local.url, KEYS.anon_key, token))

    def document(self, patient: str, content: bytes = CONTENT) -> dict[str, Any]:
        """The arguments of submit_document_v3."""
        sha256 = hashlib.sha256(content).hexdigest()
        return {
            "p_patient_id": str(self.patients[patient]),
            "p_storage_path": f"{self.patients[patient]}/{sha256}",
            "p_sha256": sha256,
            "p_size_bytes": len(content),
            "p_media_type": "application/pdf",
        }


@pytest.fixture
async def ward(embedded_dsn: str) -> AsyncIterator[Ward]:
    """Two users and three patients: ``a`` is one's, ``b`` two's, ``c`` both's; a document and a record of each."""
    users, patients = {"one": uuid4(), "two": uuid4()}, {name: uuid4() for name in "abc"}
    async with (
        local_project(embedded_dsn, keys=KEYS) as local,
        open_services(local.project()) as services,
        contextlib.AsyncExitStack() as stack,
    ):
        ward = Ward(local, services, stack, users, patients)
        owner = await asyncpg.connect(embedded_dsn)
        for patient in patients.values():
            await services.coordinator.register_patient(patient)
        for user, whose in (("one", "a"), ("two", "b"), ("one", "c"), ("two", "c")):
            await owner.fetchval("select public.grant_access_v3($1, $2)", users[user], patients[whose])
        await owner.close()
        yield ward


async def stored(ward: Ward, patient: str) -> dict[str, Any]:
    """A document of a patient, processed; the ids."""
    coordinator = ward.services.coordinator
    arguments = ward.document(patient, patient.encode())
    answer = await coordinator.submit_document(
        patient_id=ward.patients[patient],
        storage_path=arguments["p_storage_path"],
        sha256=arguments["p_sha256"],
        size_bytes=arguments["p_size_bytes"],
        media_type="application/pdf",
    )
    types = ["shell_file_processing"]
    [job] = await coordinator.claim(
        worker_id="w", claim_token=uuid4(), job_types=types, lanes=None, limit=1, wait=False
    )
    await coordinator.store_record(
        job.fence, {"of": patient}, sha256=arguments["p_sha256"], size_bytes=1, media_type="application/pdf"
    )
    assert await coordinator.settle([Settlement(job.fence, DONE)]) == ["settled"]
    return {"p_job_id": str(answer.job.job_id), "p_document_id": str(answer.document_id)}


async def test_users_see_their_own_patients_and_no_others(ward: Ward) -> None:
    ids = {patient: await stored(ward, patient) for patient in "abc"}
    for user, own, other in (("one", "ac", "b"), ("two", "bc", "a")):
        client = await ward.client(user)
        for table, key in (("documents", "id"), ("records", "document_id")):
            rows: Any = (await client.table(table).select("*").execute()).data
            assert {row[key] for row in rows} == {ids[patient]["p_document_id"] for patient in own}
            assert {row["patient_id"] for row in rows} == {str(ward.patients[patient]) for patient in own}
        for patient in own:
            for name, value in ids[patient].items():
                record: Any = (await client.rpc("get_record_v3", {name: value}).execute()).data
                assert record[0]["record"] == {"of": patient}
        for name, value in ids[other].items():
            with pytest.raises(APIError) as caught:
                await client.rpc("get_record_v3", {name: value}).execute()
            assert caught.value.code == "PT404"
            unknown = await _refusal(client, "get_record_v3", {name: str(uuid4())})
            assert caught.value.message == unknown.message  # whether there is one is not told
        access: Any = (
            await client.rpc("has_profile_access", {"p_patient_id": str(ward.patients[other])}).execute()
        ).data
        assert access is False


async def _refusal(client: AsyncClient, function: str, arguments: dict[str, Any]) -> APIError:
    with pytest.raises(APIError) as caught:
        await client.rpc(function, arguments).execute()
    return caught.value


async def test_a_user_uploads_and_submits_for_an_own_patient_in_two_calls(ward: Ward) -> None:
    client, arguments = await ward.client("one"), ward.document("a")
    bucket = client.storage.from_(ward.local.bucket)
    await bucket.upload(arguments["p_storage_path"], CONTENT)
    answer: Any = (await client.rpc("submit_document_v3", arguments).execute()).data
    assert answer["outcome"] == "accepted"
    [job] = await ward.services.coordinator.get_jobs([UUID(answer["job_id"])])
    assert (job.patient_id, str(job.shell_file_id)) == (ward.patients["a"], answer["document_id"])
    assert await bucket.download(arguments["p_storage_path"]) == CONTENT
    again: Any = (await client.rpc("submit_document_v3", arguments).execute()).data
    assert (again["outcome"], again["job_id"]) == ("duplicate", answer["job_id"])


async def test_nothing_of_another_patient_can_be_submitted_uploaded_or_downloaded(ward: Ward) -> None:
    client, theirs = await ward.client("one"), ward.document("b")
    await ward.services.storage.put(theirs["p_storage_path"], CONTENT)
    assert (await _refusal(client, "submit_document_v3", theirs)).code == "PT403"
    bucket = client.storage.from_(ward.local.bucket)
    with pytest.raises(StorageApiError):
        await bucket.download(theirs["p_storage_path"])
    with pytest.raises(StorageApiError):
        await bucket.upload(f"{ward.patients['b']}/other", CONTENT)
    mine = ward.document("a") | {"p_storage_path": theirs["p_storage_path"]}
    assert (await _refusal(client, "submit_document_v3", mine)).code == "PT400"  # the path is another patient's
    ahead = ward.document("a") | {"p_priority": 1}
    assert (await _refusal(client, "submit_document_v3", ahead)).code == "PT403"


@pytest.mark.parametrize("user", ["one", None])
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("claim_next_job_v3", {"p_worker_id": "w"}),
        ("complete_job", {"p_job_id": str(uuid4()), "p_worker_id": "w"}),
        ("acquire_api_capacity", {"p_provider_name": "openai", "p_api_endpoint": "gpt-4o-mini"}),
        ("grant_access_v3", {"p_user_id": str(uuid4()), "p_patient_id": str(uuid4())}),
        ("schema_state_v3", {}),
    ],
)
async def test_the_door_is_closed_to_users_and_strangers(
    ward: Ward, user: str | None, function: str, arguments: dict[str, Any]
) -> None:
    assert (await _refusal(await ward.client(user), function, arguments)).code == "42501"


async def test_access_that_is_taken_away_is_gone_and_both_are_in_the_trail(ward: Ward, embedded_dsn: str) -> None:
    ids = await stored(ward, "a")
    owner = await asyncpg.connect(embedded_dsn)
    assert await owner.fetchval("select public.revoke_access_v3($1, $2)", ward.users["one"], ward.patients["a"])
    assert (await _refusal(await ward.client("one"), "get_record_v3", ids)).code == "PT404"
    events = await owner.fetch(
        "select event, detail->>'user_id' from exora.audit_events where event like 'access%' and patient_id = $1",
        ward.patients["a"],
    )
    await owner.close()
    who = str(ward.users["one"])
    assert [tuple(row) for row in events] == [("access_granted", who), ("access_revoked", who)]


async def test_claims_that_a_direct_user_sets_open_nothing(embedded_dsn: str) -> None:
    """Whoever can run SQL can set the claims; only the role counts."""
    db = await asyncpg.connect(embedded_dsn)
    await db.execute("""begin; set local role authenticated;
        select set_config('request.jwt.claims', '{"role": "service_role"}', true)""")
    arguments = (uuid4(), "x", "0" * 64, 1, "application/pdf")
    with pytest.raises(asyncpg.PostgresError) as caught:
        await db.fetch("select * from public.submit_document_v3($1, $2, $3, $4, $5)", *arguments)
    assert caught.value.sqlstate == "PT403"
    await db.close()


async def test_an_owner_who_is_no_superuser_is_not_locked_out_by_forced_policies(
    empty_dsn: str, db: asyncpg.Connection
) -> None:
    """``db`` is there for the three roles: they belong to the whole server, and this owner may not create any."""
    name = f"owner_{uuid4().hex[:12]}"
    admin = await asyncpg.connect(empty_dsn)
    database = await admin.fetchval("select current_database()")
    await admin.execute(f"create role {name}; alter database {database} owner to {name}; set role {name}")
    try:
        await migrate(admin)
        job_id = await admin.fetchval("select job_id from public.enqueue_job_v3('report_generation', 'r', '{}')")
        [claimed] = await admin.fetch("select * from public.claim_next_job_v3('w', array['report_generation'])")
        assert claimed["job_id"] == job_id
        assert await admin.fetchval("select public.complete_job($1, 'w', null)", job_id)
        assert await admin.fetchval("select status from public.list_jobs_v3()") == "completed"
    finally:
        await admin.execute(
            f"reset role; alter database {database} owner to current_user; drop owned by {name} cascade"
        )
        await admin.execute(f"drop role {name}")
        await admin.close()
