"""Agent types and keys on their pages, and the choices in the form of a new Pod."""

import re

import pytest
from django.urls import reverse

from pods.lifecycle import PodState
from pods.models import AgentType, CredentialSet, Pod
from tests.builders import (
    built_in,
    make_agent_type,
    make_credentials,
    make_pod,
    make_runner,
)

pytestmark = pytest.mark.django_db

KEY = "sk-test-0123456789-wxyz"
TOML = 'slug = "mine"\nname = "Mine"\n[launch]\nargv = ["mine"]\n'


def text(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


# ---- Agent types


def test_the_list_says_what_each_runner_has_and_why_not(bob, cast):
    built_in("claude")
    has = {"slug": "claude", "version": "3.0.0", "path": "/usr/bin/claude", "problem": ""}
    make_runner(cast.organization, name="box", agents=[has])
    make_runner(cast.organization, name="bare", agents=[])
    shown = text(bob.get("/agent-types/"))
    assert "box 3.0.0" in shown
    assert "3.0.0 is not within the tested" in shown
    assert "bare does not have Claude Code: it does not install with npm" in shown


def test_an_owner_adds_one_and_edits_it(alice):
    assert alice.post("/agent-types/new/", {"declaration": TOML}).status_code == 302
    assert "Mine" in text(alice.get("/agent-types/"))
    changed = TOML.replace("Mine", "Ours")
    assert alice.post("/agent-types/mine/", {"declaration": changed}).status_code == 302
    assert AgentType.objects.get(slug="mine").name == "Ours"
    alice.post(reverse("switch-agent-type", args=["mine"]))
    assert AgentType.objects.get(slug="mine").enabled is False
    assert "off" in text(alice.get("/agent-types/"))


def test_what_is_wrong_is_said_in_place_and_nothing_written_is_lost(alice):
    wrong = 'slug = "mine"\nname = "Mine" # kept\n[lanch]\n'
    answer = alice.post("/agent-types/new/", {"declaration": wrong})
    assert answer.status_code == 422
    assert "Did you mean launch?" in text(answer)
    assert "# kept" in answer.content.decode()


@pytest.mark.parametrize("declaration", ["", "slug = "])
def test_what_is_no_declaration_is_said_in_place(alice, declaration):
    assert alice.post("/agent-types/new/", {"declaration": declaration}).status_code == 422


def test_a_built_in_one_is_shown_and_can_be_copied(alice):
    built_in("claude")
    content = alice.get("/agent-types/claude/").content.decode()
    assert "readonly" in content
    assert "npm" in content
    copied = alice.get("/agent-types/new/?from=claude").content.decode()
    assert "claude-code" in copied
    assert "readonly" not in copied
    assert alice.post("/agent-types/claude/", {"declaration": TOML}).status_code == 403


def test_a_member_looks_and_does_not_change(bob, cast):
    make_agent_type("ours", organization=cast.organization)
    assert "readonly" in bob.get("/agent-types/ours/").content.decode()
    assert bob.get("/agent-types/new/").status_code == 403
    assert bob.post("/agent-types/ours/", {"declaration": TOML}).status_code == 403
    assert bob.post(reverse("switch-agent-type", args=["ours"])).status_code == 403


def test_strangers_find_nothing_of_ours(charlie, cast):
    make_agent_type("ours", organization=cast.organization, name="Secret agent")
    made = make_credentials(cast.organization, name="Secret key")
    assert charlie.get("/agent-types/ours/").status_code == 404
    assert "Secret agent" not in text(charlie.get("/agent-types/"))
    assert "Secret key" not in text(charlie.get("/keys/")) + text(charlie.get("/pods/new/"))
    for name in ("credential-set", "delete-credential-set"):
        assert charlie.post(reverse(name, args=[made.pk])).status_code == 404


# ---- Keys


def test_a_key_is_added_and_only_its_end_is_seen_again(alice):
    given = {"name": "Team", "provider": "openai", "api_key": KEY, "owner": "all"}
    assert alice.post("/keys/", given).status_code == 302
    made = CredentialSet.objects.get()
    for path in ("/keys/", f"/keys/{made.pk}/"):
        content = alice.get(path).content.decode()
        assert "wxyz" in content
        assert KEY not in content
    assert "OpenAI · everybody's here" in text(alice.get(f"/keys/{made.pk}/"))


def test_what_is_wrong_is_said_beside_its_field_and_the_key_is_not_shown_again(alice):
    given = {"name": "", "provider": "openai", "api_key": KEY, "owner": "all"}
    answer = alice.post("/keys/", given)
    assert answer.status_code == 422
    assert "Give it a name" in text(answer)
    assert KEY not in answer.content.decode()
    given = {"name": "Team", "provider": "openai", "base_url": "nowhere", "owner": "all"}
    answer = alice.post("/keys/", given)
    assert "http or https address" in str(answer.context["form"].errors["base_url"])


def test_a_member_keeps_keys_for_himself(bob):
    given = {"name": "Mine", "provider": "google", "api_key": KEY, "owner": "me"}
    assert bob.post("/keys/", given).status_code == 302
    assert CredentialSet.objects.get().user.username == "bob"
    assert bob.post("/keys/", {**given, "owner": "all"}).status_code == 403


def test_a_key_is_changed_by_leaving_empty_what_stays(alice, cast):
    made = make_credentials(cast.organization, name="Team", api_key="sk-before-000000000")
    url = reverse("credential-set", args=[made.pk])
    assert alice.post(url, {"name": "Team", "model": "opus"}).status_code == 302
    made.refresh_from_db()
    assert (made.model, made.secrets.get().hint) == ("opus", "0000")
    alice.post(url, {"name": "Team", "api_key": KEY})
    assert made.secrets.get().hint == "wxyz"


def test_the_page_of_a_key_in_use_says_so_and_deletes_it_with_that_said(alice, cast):
    made = make_credentials(cast.organization)
    make_pod(cast.organization, credentials=made, state=PodState.RUNNING)
    content = alice.get(f"/keys/{made.pk}/").content.decode()
    assert "1 Pod now uses it" in content
    url = reverse("delete-credential-set", args=[made.pk])
    alice.post(url)
    assert CredentialSet.objects.exists()
    alice.post(url, {"detach": "yes"})
    assert not CredentialSet.objects.exists()


def test_a_viewer_is_offered_no_keys(viewer):
    assert viewer.get("/keys/").status_code == 403
    assert 'href="/keys/"' not in viewer.get("/agent-types/").content.decode()


# ---- A new Pod


def test_the_form_knows_what_goes_with_each_agent(bob, cast):
    built_in("claude")
    made = make_credentials(cast.organization, name="Team", slug="team", provider="anthropic")
    content = bob.get("/pods/new/").content.decode()
    option = re.search(r'<option value="claude"[^>]*>', content).group()
    assert 'data-permissions="ask edit auto bypass"' in option
    assert f'data-credentials="{made.slug} runner none"' in option
    assert "data-model" in option
    codex = re.search(r'<option value="codex"[^>]*>', content).group()
    assert 'data-credentials="runner none"' in codex
    shell = re.search(r'<option value="shell"[^>]*>', content).group()
    assert 'data-permissions=""' in shell


def test_what_was_chosen_last_is_chosen_again(bob, cast):
    built_in("claude")
    made = make_credentials(cast.organization, slug="team")
    chosen = {"permissions": "bypass", "model": "opus", "version": "2.1.300", "credentials": "team"}
    answer = bob.post("/pods/new/", {"agent_type": "claude", **chosen})
    assert answer.status_code == 302, text(answer)
    pod = Pod.objects.get()
    assert (pod.credentials, pod.spec["permissions"]) == (made, "bypass")
    initial = bob.get("/pods/new/").context["form"].initial
    assert {name: initial[name] for name in chosen} == chosen


def test_a_choice_that_cannot_be_is_said_beside_it(bob):
    built_in("gemini")
    answer = bob.post("/pods/new/", {"agent_type": "gemini", "permissions": "auto"})
    assert answer.status_code == 422
    assert "choose one of ask, edit, bypass" in str(answer.context["form"].errors["permissions"])


def test_a_pods_page_says_how_it_was_launched_and_warns_of_an_untested_version(bob, cast):
    built_in("claude")
    make_credentials(cast.organization, name="Team key", slug="team")
    bob.post("/pods/new/", {"agent_type": "claude", "version": "9.0.0", "permissions": "edit"})
    shown = text(bob.get(f"/pods/{Pod.objects.get().key}/"))
    assert "outside the tested" in shown
    assert "Edit files, ask for the rest" in shown
    assert "Team key" in shown
