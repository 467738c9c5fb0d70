"""The admin for operators: every list opens, and actions call services."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from pods.lifecycle import PodState
from tests.builders import make_pod, make_runner

pytestmark = pytest.mark.django_db

OURS = sorted(
    (model._meta.app_label, model._meta.model_name)
    for model in admin.site._registry
    if model._meta.app_label in {"accounts", "pods", "channels_app"}
)


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("operator", password="a-long-password"))
    return client


@pytest.mark.parametrize("label", OURS, ids="/".join)
def test_every_list_opens(operator: Client, label: tuple[str, str]) -> None:
    make_pod(state=PodState.RUNNING)
    assert operator.get(reverse("admin:{}_{}_changelist".format(*label))).status_code == 200


def test_a_person_without_staff_rights_is_sent_away(client: Client) -> None:
    client.force_login(User.objects.create_user("somebody"))
    assert client.get(reverse("admin:pods_pod_changelist")).status_code == 302


def test_terminating_in_the_admin_is_the_service(operator: Client) -> None:
    pod = make_pod(state=PodState.RUNNING)
    operator.post(
        reverse("admin:pods_pod_changelist"),
        {"action": "terminate", "_selected_action": [pod.pk]},
    )
    pod.refresh_from_db()
    assert pod.state == PodState.STOPPING
    assert AuditEvent.objects.filter(action="pod.terminate", target=pod.key).exists()


def test_draining_in_the_admin_is_the_service(operator: Client) -> None:
    runner = make_runner()
    operator.post(
        reverse("admin:pods_runner_changelist"),
        {"action": "drain", "_selected_action": [runner.pk]},
    )
    runner.refresh_from_db()
    assert runner.draining_since


def test_a_pod_cannot_be_edited_past_its_services(operator: Client) -> None:
    pod = make_pod(state=PodState.RUNNING)
    answer = operator.post(reverse("admin:pods_pod_change", args=[pod.pk]), {"name": "renamed"})
    assert answer.status_code == 403
