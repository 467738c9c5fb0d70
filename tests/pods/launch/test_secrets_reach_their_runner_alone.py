"""A secret goes from who enters it to the Runner that starts the Pod, and is found nowhere else."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from pods.lifecycle import PodState
from pods.messages import RunnerHello
from pods.models import Command, CredentialSet, Pod, PodEvent, Runner
from pods.services.dispatch import take
from pods.services.sessions import attach
from proto.mesh.v1 import runner_pb2
from tests.builders import (
    built_in,
    make_cast,
    make_credentials,
    make_organization,
    make_runner,
    make_user,
)
from tests.pods.api.client import Caller
from tests.pods.gateway.rig import pod_is, running_gateway

KEY = "sk-find-me-if-you-can-4711"
URL = "https://find-me-if-you-can.example/v1"
MARK = b"find-me-if-you-can"


def everything_stored() -> bytes:
    """Each value of each row of each table, and what lies in MESH_HOME."""
    stored = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            stored += [bytes(v) if isinstance(v, memoryview) else v for r in cursor for v in r]
    kept = [v if isinstance(v, bytes) else str(v).encode() for v in stored]
    home = Path(settings.HOME.root)
    return b"\n".join(kept + [file.read_bytes() for file in home.rglob("*") if file.is_file()])


@pytest.mark.django_db(transaction=True)
async def test_it_is_in_the_command_the_runner_gets_and_nowhere_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running_gateway() as rig:
        cast = await rig.rows(make_cast)
        runner = await rig.rows(make_runner, cast.organization, online=False)
        alice, told = await rig.rows(Caller, cast.alice), []
        wanted = {"name": "Team", "provider": "anthropic", "api_key": KEY, "base_url": URL}
        await rig.rows(built_in, "claude")
        told.append(await rig.rows(alice.post, "credentials/", wanted))
        agents = [runner_pb2.InstalledAgent(slug="install:npm")]
        async with rig.session(runner, agents=agents, capacity=4) as link:
            made = await rig.rows(alice.post, "pods/", {"agent_type": "claude"})
            command = await link.next("command")
            assert dict(command.secrets) == {"api_key": KEY, "base_url": URL}
            payload = json.loads(command.payload_json)
            assert payload["secrets"].keys() == {"api_key", "base_url"}
            assert MARK not in command.payload_json
            await link.ack(command)
            await link.result(command.id, "failed", error_code="x", error="It did not start.")
            pod = await rig.rows(Pod.objects.get, key=made.json()["key"])
            await rig.until(pod_is, pod, PodState.FAILED)
        told += await rig.rows(_all_that_is_shown, cast, alice, made.json()["key"], command.id)
        assert [answer.status_code for answer in told] == [201, *[200] * (len(told) - 1)]
        assert not [answer.request["PATH_INFO"] for answer in told if MARK in answer.content]
        stored = await rig.rows(everything_stored)
        assert made.json()["key"].encode() in stored  # it is looked for where things are
        assert MARK not in stored
        assert caplog.records
        assert MARK.decode() not in caplog.text


def _all_that_is_shown(cast: Any, alice: Caller, key: str, command: str) -> list[Any]:
    made = CredentialSet.objects.get()
    paths = ("credentials/", f"credentials/{made.pk}/", f"pods/{key}/", f"pods/{key}/events/")
    shown = [alice.get(path) for path in (*paths, f"commands/{command}/")]
    operator = make_user("operator", organization=cast.organization, role="owner")
    type(operator).objects.filter(pk=operator.pk).update(is_staff=True, is_superuser=True)
    operator.refresh_from_db()
    page = Client()
    page.force_login(operator)
    pages = ("/keys/", f"/keys/{made.pk}/", f"/pods/{key}/", "/pods/new/")
    admin = (
        "/admin/pods/credentialset/",
        f"/admin/pods/credentialset/{made.pk}/change/",
        f"/admin/pods/command/{command}/change/",
        f"/admin/pods/pod/{Pod.objects.get(key=key).pk}/change/",
        "/admin/accounts/auditevent/",
    )
    return shown + [page.get(path) for path in (*pages, *admin)]


# ---- A set that is gone


def waiting(runner: Runner, credentials: CredentialSet) -> tuple[Pod, Command]:
    alice = Caller(make_user(organization=runner.organization, role="owner"))
    wanted = {"agent_type": "claude", "credentials": credentials.slug}
    key = alice.post("pods/", wanted).json()["key"]
    pod = Pod.objects.get(key=key)
    return pod, Command.objects.get(pod=pod)


@pytest.fixture
def runner(db: None) -> Runner:
    built_in("claude")
    return make_runner(make_organization(), online=False, attached_at="2026-01-01T00:00Z")


def session(runner: Runner) -> Any:
    agents = ({"slug": "install:npm", "problem": ""},)
    return attach(
        runner.pk,
        gateway_id="here",
        hello=RunnerHello(speaks=(1, 1), capacity=9, agents=agents),
    )


@pytest.mark.sqlite
def test_a_set_that_was_deleted_before_the_start_fails_it_with_the_reason(runner: Runner) -> None:
    made = make_credentials(runner.organization, api_key=KEY)
    attached = session(runner)
    pod, command = waiting(runner, made)
    made.delete()
    assert take(attached, 10) == []
    pod.refresh_from_db()
    command.refresh_from_db()
    assert pod.state == PodState.FAILED
    assert "credential set it was to have is deleted" in pod.reason
    assert (command.state, command.error_code) == ("failed", "no_secret")
    assert PodEvent.objects.filter(pod=pod, state="failed").exists()


@pytest.mark.sqlite
def test_a_start_that_is_sent_again_leaves_it_to_the_runner(runner: Runner) -> None:
    """It may have been done already: its Runner knows."""
    made = make_credentials(runner.organization, api_key=KEY)
    first = session(runner)
    pod, command = waiting(runner, made)
    (sent,) = take(first, 10)
    assert sent.secrets == {"api_key": KEY}
    assert KEY not in repr(sent)
    made.delete()
    (again,) = take(session(runner), 10)
    assert (again.id, again.secrets) == (str(command.pk), {})
    pod.refresh_from_db()
    assert pod.state == PodState.STARTING
