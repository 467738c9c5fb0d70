"""What is let go of, and what stays."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils.timezone import now

from accounts.models import AuditEvent, LoginLink
from pods.commands import OPEN, CommandKind, CommandState
from pods.models import Command, EnrollmentToken, IdempotentAnswer
from pods.periodic import place_waiting, prune
from pods.services import retention
from pods.services.commands import queue_command
from tests.builders import make_organization, make_pod, make_runner, make_user

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def test_commands_that_are_over_go_after_thirty_days_and_open_ones_never() -> None:
    runner = make_runner()
    for state in CommandState:
        for age in (timedelta(days=30) - MINUTE, timedelta(days=30) + MINUTE):
            command = queue_command(runner=runner, kind=CommandKind.EXECUTE, payload={})
            Command.objects.filter(pk=command.pk).update(state=state, created_at=now() - age)
    prune()
    left = [*Command.objects.values_list("state", flat=True)]
    assert sorted(left) == sorted([*CommandState, *OPEN])


def test_each_kind_of_row_goes_at_its_own_age() -> None:
    organization, user = make_organization(), make_user()
    for late in (-MINUTE, MINUTE):
        IdempotentAnswer.objects.create(
            owner="o", key=str(late), created_at=now() - timedelta(days=1) - late
        )
        AuditEvent.objects.create(action=str(late), at=now() - timedelta(days=365) - late)
        EnrollmentToken.objects.create(
            organization=organization,
            digest=str(late),
            expires_at=now() - timedelta(days=30) - late,
        )
        LoginLink.objects.create(
            user=user, digest=str(late), expires_at=now() - timedelta(days=7) - late
        )
        Session.objects.create(session_key=str(late), expire_date=now() - late)
    prune()
    for model in (IdempotentAnswer, AuditEvent, EnrollmentToken, LoginLink, Session):
        assert model.objects.count() == 1, model


def test_a_lot_is_let_go_of_in_batches(django_assert_max_num_queries: object) -> None:
    old = now() - timedelta(days=2)
    IdempotentAnswer.objects.bulk_create(
        IdempotentAnswer(owner="o", key=str(n), created_at=old)
        for n in range(2 * retention.BATCH + 1)
    )
    with django_assert_max_num_queries(12):
        assert retention.prune_answers() == 2 * retention.BATCH + 1


def test_beat_places_what_fell_between() -> None:
    organization = make_organization()
    runner = make_runner(organization)
    from pods.models import Workspace

    pod = make_pod(
        organization,
        state="pending",
        workspace=Workspace.objects.create(organization=organization),
        spec={"argv": ["sh"], "env": {}},
    )
    place_waiting()
    pod.refresh_from_db()
    assert pod.runner == runner


def test_beat_calls_only_tasks_that_exist() -> None:
    from mesh.celery import app

    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert scheduled <= set(app.tasks)
