"""The admin for operators: every list opens, and actions call services."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEvent, Membership, Role, User
from mesh.urls import admin  # with all of its pages
from pods.commands import CommandKind
from pods.lifecycle import PodState
from pods.models import AgentType
from pods.services.commands import queue_command
from tests.builders import Cast, built_in, make_credentials, make_pod, make_runner

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


def test_only_an_operator_adds_a_member(client: Client) -> None:
    staff = User.objects.create_user("staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename="add_membership"))
    client.force_login(staff)
    assert client.get(reverse("admin:accounts_membership_add")).status_code == 403


def test_terminating_in_the_admin_is_the_service(operator: Client) -> None:
    pod = make_pod(state=PodState.RUNNING)
    operator.post(
        reverse("admin:pods_pod_changelist"),
        {"action": "terminate", "_selected_action": [pod.pk]},
    )
    pod.refresh_from_db()
    assert pod.state == PodState.STOPPING
    assert AuditEvent.objects.filter(action="pod.terminate", target=pod.key).exists()


def test_members_in_the_admin_are_the_services(operator: Client, cast: Cast) -> None:
    def do(action: str, user: User) -> str:
        chosen = Membership.objects.get(user=user, organization=cast.organization).pk
        form = {"action": action, "_selected_action": [chosen]}
        url = reverse("admin:accounts_membership_changelist")
        return operator.post(url, form, follow=True).content.decode()

    assert "owner" in do("remove", cast.alice)  # the last one stays, and is told why
    assert Membership.objects.filter(user=cast.alice).exists()
    do("make_admin", cast.bob)
    assert Membership.objects.get(user=cast.bob).role == Role.ADMIN
    do("remove", cast.bob)
    assert not Membership.objects.filter(user=cast.bob).exists()
    form = {"organization": cast.organization.pk, "user": cast.bob.pk, "role": "viewer"}
    operator.post(reverse("admin:accounts_membership_add"), form)
    assert Membership.objects.get(user=cast.bob).role == Role.VIEWER
    assert AuditEvent.objects.filter(action="member.add", target=cast.bob.username).exists()


def test_draining_in_the_admin_is_the_service(operator: Client) -> None:
    runner = make_runner()
    operator.post(
        reverse("admin:pods_runner_changelist"),
        {"action": "drain", "_selected_action": [runner.pk]},
    )
    runner.refresh_from_db()
    assert runner.draining_since


def test_the_list_of_runners_says_how_their_sessions_are(operator: Client) -> None:
    runner = make_runner(
        attached_at=now(), round_trip_ms=17, clock_offset_ms=-45_000, unacknowledged_bytes=1234
    )
    queue_command(runner=runner, kind=CommandKind.EXECUTE, payload={})
    make_runner(online=False)
    shown = operator.get(reverse("admin:pods_runner_changelist")).content.decode()
    for said in ("17 ms", "-45.0 s", "1234", "0, 1"):
        assert said in shown


def test_a_pod_cannot_be_edited_past_its_services(operator: Client) -> None:
    pod = make_pod(state=PodState.RUNNING)
    answer = operator.post(reverse("admin:pods_pod_change", args=[pod.pk]), {"name": "renamed"})
    assert answer.status_code == 403


DECLARED = 'slug = "ours"\nname = "Ours"\n[launch]\nargv = ["ours"]\n'


def test_an_operator_adds_an_agent_type_as_toml_and_edits_it(operator: Client) -> None:
    add = reverse("admin:pods_agenttype_add")
    wrong = operator.post(add, {"toml": 'slug = "ours"\n', "enabled": "on"})
    assert "name: Give the name people read" in wrong.content.decode()
    assert operator.post(add, {"toml": DECLARED, "enabled": "on"}).status_code == 302
    made = AgentType.objects.get(slug="ours")
    assert (made.organization, made.declared["launch"]["argv"]) == (None, ["ours"])
    change = reverse("admin:pods_agenttype_change", args=[made.pk])
    assert "argv = [&quot;ours&quot;]" in operator.get(change).content.decode()
    operator.post(change, {"toml": DECLARED.replace("Ours", "Theirs"), "enabled": "on"})
    made.refresh_from_db()
    assert made.name == "Theirs"
    again = operator.post(add, {"toml": DECLARED, "enabled": "on"})
    assert "already is an agent type" in again.content.decode()


def test_a_built_in_agent_type_is_only_turned_on_and_off(operator: Client) -> None:
    shell = built_in("shell")
    change = reverse("admin:pods_agenttype_change", args=[shell.pk])
    assert "bash -l" in operator.get(change).content.decode()
    operator.post(change, {"toml": DECLARED})
    shell.refresh_from_db()
    assert (shell.slug, shell.enabled) == ("shell", False)


def test_credential_sets_are_seen_and_not_written(operator: Client) -> None:
    made = make_credentials(make_runner().organization, api_key="sk-not-to-be-seen-0000")
    change = reverse("admin:pods_credentialset_change", args=[made.pk])
    assert "not-to-be-seen" not in operator.get(change).content.decode()
    assert operator.post(change, {"name": "x"}).status_code == 403
    assert operator.get(reverse("admin:pods_credentialset_add")).status_code == 403


def test_lending_a_login_in_the_admin_is_the_service(operator: Client) -> None:
    runner = make_runner()
    for action, lent in (("lend_login", True), ("keep_login", False)):
        operator.post(
            reverse("admin:pods_runner_changelist"),
            {"action": action, "_selected_action": [runner.pk]},
        )
        runner.refresh_from_db()
        assert runner.lends_login is lent
