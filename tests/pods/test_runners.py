"""Letting machines in, resting them, sending them away."""

import hashlib
from collections.abc import Callable

import pytest
from celery import current_app
from django.conf import settings
from django.utils.timezone import now

from accounts.models import AuditEvent
from pods.errors import ConflictError, NotAllowedError
from pods.lifecycle import PodState
from pods.models import Certificate, EnrollmentToken, Runner
from pods.services import runners
from pods.services.authority import authority
from pods.tasks import wake
from tests.builders import Cast, actor_of, make_pod, make_runner

pytestmark = pytest.mark.django_db

VERBS = [
    runners.drain_runner,
    runners.resume_runner,
    runners.disable_runner,
    runners.enable_runner,
    runners.revoke_runner,
    runners.retire_runner,
]


def make_certificate(runner: Runner, serial: str) -> Certificate:
    return Certificate.objects.create(
        runner=runner, serial=serial, fingerprint=serial, not_before=now(), not_after=now()
    )


def test_an_enrollment_token_names_the_ca_and_is_kept_as_a_hash(cast: Cast) -> None:
    token, secret = runners.create_enrollment_token(
        organization=cast.organization, by=actor_of(cast.alice)
    )
    assert secret.rpartition(".")[2] == authority().ca_hash
    assert secret not in str(EnrollmentToken.objects.values().get())
    assert token.digest == hashlib.sha256(secret.encode()).hexdigest()
    assert (token.expires_at - now()).total_seconds() <= 24 * 3600
    line = runners.enrollment_line(secret)
    assert secret in line
    assert settings.PUBLIC_URL in line
    assert "\n" not in line


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_members_do_none_of_it(cast: Cast, verb: Callable[..., Runner]) -> None:
    runner = make_runner(cast.organization)
    certificate = make_certificate(runner, "1")
    before = Runner.objects.values().get()
    with pytest.raises(NotAllowedError):
        verb(runner, by=actor_of(cast.bob))
    assert Runner.objects.values().get() == before
    certificate.refresh_from_db()
    assert certificate.revoked_at is None
    with pytest.raises(NotAllowedError):
        runners.create_enrollment_token(organization=cast.organization, by=actor_of(cast.bob))


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_each_is_recorded(cast: Cast, verb: Callable[..., Runner]) -> None:
    verb(make_runner(cast.organization), by=actor_of(cast.alice))
    assert AuditEvent.objects.get().action == f"runner.{verb.__name__.removesuffix('_runner')}"


def test_a_revoked_runner_has_no_valid_certificate_and_keeps_its_pods(cast: Cast) -> None:
    runner = make_runner(cast.organization)
    make_certificate(runner, "1")
    make_certificate(runner, "2")
    pod = make_pod(runner=runner)
    runners.revoke_runner(runner, by=actor_of(cast.alice))
    assert not Certificate.objects.filter(revoked_at=None).exists()
    pod.refresh_from_db()
    assert pod.state == PodState.RUNNING


def test_a_disabled_runner_comes_back_when_enabled(cast: Cast) -> None:
    runner, by = make_runner(cast.organization), actor_of(cast.alice)
    runners.disable_runner(runner, by=by)
    assert not Runner.objects.usable().exists()
    runners.enable_runner(runner, by=by)
    assert Runner.objects.usable().exists()


def test_a_runner_with_pods_is_not_retired(cast: Cast) -> None:
    runner, by = make_runner(cast.organization), actor_of(cast.alice)
    make_pod(runner=runner)
    with pytest.raises(ConflictError):
        runners.retire_runner(runner, by=by)
    assert Runner.objects.usable().exists()


def test_a_retired_runner_leaves_no_queue_behind(cast: Cast) -> None:
    runner = make_runner(cast.organization)
    name = f"runner.{runner.pk}"
    with current_app.connection_for_write() as connection:
        wake.apply_async(args=[runner.pk], queue=name)
        assert connection.default_channel._size(name) == 1
        runners.retire_runner(runner, by=actor_of(cast.alice))
        assert connection.default_channel._size(name) == 0
