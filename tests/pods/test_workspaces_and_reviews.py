"""Commit, push and remove as services; ticks and comments; merge requests at a forge."""

import http.server
import json
import threading

import pytest

from pods.commands import CommandKind
from pods.errors import (
    ConflictError,
    NotAllowedError,
    NotVisibleError,
    RefusedError,
    RunnerOfflineError,
)
from pods.lifecycle import PodState
from pods.models import Command, Prompt
from pods.services import merge_requests, reviews, vault, workspaces
from pods.services.repositories import RepositorySettings, change_repository
from pods.services.reviews import Remark
from tests import builders


@pytest.fixture
def bob(cast):
    return builders.actor_of(cast.bob)


@pytest.fixture
def alice(cast):
    return builders.actor_of(cast.alice)


@pytest.fixture
def pod(cast):
    runner = builders.make_runner(cast.organization)
    repository = builders.make_repository(cast.organization)
    return builders.make_pod(
        runner=runner,
        owner=cast.bob,
        workspace=builders.make_workspace(
            runner, repository=repository, branch="mesh/x", base="main"
        ),
    )


# ---- What is asked of the Runner


@pytest.mark.parametrize(
    ("message", "paths", "code"),
    [("", [], "bad_message"), ("x\0", [], "bad_message"), ("x", ["../y"], "bad_path")],
)
def test_a_commit_that_cannot_be(pod, bob, message, paths, code):
    with pytest.raises(RefusedError) as error:
        workspaces.commit_workspace(pod, by=bob, message=message, paths=paths)
    assert error.value.code == code
    assert not Command.objects.exists()


def test_a_runner_that_is_away_is_said_to_be(cast, bob):
    away = builders.make_runner(cast.organization, online=False)
    pod = builders.make_pod(runner=away, owner=cast.bob)
    with pytest.raises(RunnerOfflineError):
        workspaces.commit_workspace(pod, by=bob, message="x")


def test_a_push_carries_a_reference_to_the_repositorys_token_and_not_the_token(
    pod, alice, bob, monkeypatch
):
    give_token(pod, alice, "t0p-secret-token")
    monkeypatch.setattr(workspaces, "PUSH_S", 0.01)
    with pytest.raises(RunnerOfflineError):
        workspaces.push_workspace(pod, by=bob)
    payload = Command.objects.get(kind=CommandKind.PUSH).payload
    assert "t0p" not in json.dumps(payload)
    assert vault.reveal(payload["secrets"]) == {"git_token": "t0p-secret-token"}


def give_token(pod, alice, token, base_url=""):
    from pods.services.credentials import NewCredentials, create_credentials

    create_credentials(
        by=alice,
        request=NewCredentials(
            name="Forge", provider="other", api_key=token, base_url=base_url, slug="forge"
        ),
    )
    settings = RepositorySettings(credentials="forge")
    change_repository(pod.workspace.repository, by=alice, settings=settings)
    pod.workspace.refresh_from_db()


def test_work_is_removed_only_by_name(pod, bob):
    with pytest.raises(RefusedError) as error:
        workspaces.remove_workspace(pod, by=bob, confirm="yes")
    assert error.value.code == "bad_confirm"
    with pytest.raises(ConflictError) as error:
        workspaces.remove_workspace(pod, by=bob, confirm=pod.key)
    assert error.value.code == "workspace_in_use"


# ---- Repository settings


def test_settings_are_an_admins_and_change_only_what_is_given(pod, bob, alice):
    repository = pod.workspace.repository
    settings = RepositorySettings(
        copy_from="/srv/files", copy_globs=[".env"], setup_script="npm ci", setup_timeout_s=60
    )
    with pytest.raises(NotAllowedError):
        change_repository(repository, by=bob, settings=settings)
    change_repository(repository, by=alice, settings=settings)
    change_repository(repository, by=alice, settings=RepositorySettings(setup_timeout_s=90))
    repository.refresh_from_db()
    assert (repository.copy_from, repository.copy_globs) == ("/srv/files", [".env"])
    assert (repository.setup_script, repository.setup_timeout_s) == ("npm ci", 90)


def test_new_workspaces_get_what_their_repository_says(cast, alice):
    from pods.services.pods import PodRequest, create_pod

    builders.make_runner(cast.organization)
    repository = builders.make_repository(
        cast.organization, copy_from="/srv", copy_globs=[".env"], setup_script="make"
    )
    builders.built_in("shell")
    pod = create_pod(by=alice, request=PodRequest("shell", repository=repository.slug))
    asked = Command.objects.get(pod=pod).payload["workspace"]
    assert asked["copy"] == {"from": "/srv", "globs": [".env"]}
    assert asked["setup"] == {"script": "make", "timeout_s": 300}


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (RepositorySettings(copy_from="relative"), "copy_from"),
        (RepositorySettings(copy_from="/a/../b"), "copy_from"),
        (RepositorySettings(copy_globs=["../x"]), "copy_globs"),
        (RepositorySettings(copy_globs=["/"]), "copy_globs"),
        (RepositorySettings(copy_globs=["x"] * 51), "copy_globs"),
        (RepositorySettings(setup_script="x\0"), "setup_script"),
        (RepositorySettings(setup_timeout_s=0), "setup_timeout_s"),
        (RepositorySettings(setup_timeout_s=99999), "setup_timeout_s"),
        (RepositorySettings(credentials="nobody"), "credentials"),
        (RepositorySettings(default_branch="a..b"), "default_branch"),
    ],
)
def test_settings_that_cannot_be(pod, alice, settings, field):
    with pytest.raises(RefusedError) as error:
        change_repository(pod.workspace.repository, by=alice, settings=settings)
    assert error.value.detail["field"] == field


# ---- Ticks


def test_a_tick_is_a_persons_own_and_is_of_what_the_file_held(pod, alice, bob):
    reviews.tick(pod, by=bob, path="a.txt", blob="1" * 40)
    reviews.tick(pod, by=bob, path="b.txt", blob="")
    reviews.tick(pod, by=bob, path="a.txt", blob="2" * 40)
    assert reviews.ticks(pod, by=bob) == {"a.txt": "2" * 40, "b.txt": ""}
    assert reviews.ticks(pod, by=alice) == {}
    reviews.untick(pod, by=bob, path="a.txt")
    assert reviews.ticks(pod, by=bob) == {"b.txt": ""}


@pytest.mark.parametrize(("path", "blob"), [("/etc", ""), ("a", "x" * 65)])
def test_a_tick_that_cannot_be(pod, bob, path, blob):
    with pytest.raises(RefusedError):
        reviews.tick(pod, by=bob, path=path, blob=blob)


# ---- Comments


def test_comments_are_gathered_by_file_and_line_into_one_prompt(pod, alice, bob):
    reviews.comment(pod, Remark("b.py", 3, "Why?\nReally?", quoted="  x = 1"), by=bob)
    reviews.comment(pod, Remark("a.py", 9, "Too long."), by=bob)
    reviews.comment(pod, Remark("a.py", 2, "Keep this.", side="old", quoted="y"), by=bob)
    reviews.comment(pod, Remark("a.py", 1, "Mine."), by=alice)
    prompt = reviews.send(pod, by=bob)
    assert prompt.text == (
        "I have reviewed your changes. Please look at these comments:\n"
        "\na.py:\n- line 2 (before the change) `y`: Keep this.\n- line 9: Too long.\n"
        "\nb.py:\n- line 3 `x = 1`: Why?\n  Really?"
    )
    assert not reviews.waiting(pod, by=bob).exists()
    assert reviews.waiting(pod, by=alice).count() == 1
    with pytest.raises(ConflictError):
        reviews.send(pod, by=bob)


def test_comments_that_cannot_be_sent_stay(pod, bob):
    reviews.comment(pod, Remark("a.py", 1, "x"), by=bob)
    type(pod).objects.filter(pk=pod.pk).advance(PodState.COMPLETED)
    pod.refresh_from_db()
    with pytest.raises(ConflictError):
        reviews.send(pod, by=bob)
    assert reviews.waiting(pod, by=bob).count() == 1
    assert not Prompt.objects.exists()


def test_only_ones_own_comments_are_taken_back(pod, alice, bob):
    made = reviews.comment(pod, Remark("a.py", 1, "x"), by=bob)
    with pytest.raises(NotVisibleError):
        reviews.take_back(pod, made.pk, by=alice)
    reviews.take_back(pod, made.pk, by=bob)
    with pytest.raises(NotVisibleError):
        reviews.take_back(pod, made.pk, by=bob)


@pytest.mark.parametrize(
    "remark",
    [Remark("", 1, "x"), Remark("a", 0, "x"), Remark("a", 1, " "), Remark("a", 1, "x", "up")],
)
def test_a_comment_that_cannot_be(pod, bob, remark):
    with pytest.raises(RefusedError):
        reviews.comment(pod, remark, by=bob)


# ---- Merge requests


class Forge(http.server.BaseHTTPRequestHandler):
    """Answers as GitHub or GitLab do, and remembers what it was asked."""

    asked: list[tuple[str, dict[str, str], dict[str, str]]]
    status = 201
    answer: object = {}

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).asked.append((self.path, dict(self.headers), body))
        told = json.dumps(type(self).answer).encode()
        self.send_response(type(self).status)
        if type(self).status in {302, 307}:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def forge():
    class Mine(Forge):
        asked: list = []

    with http.server.HTTPServer(("127.0.0.1", 0), Mine) as server:
        Mine.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Mine
        server.shutdown()
        thread.join()


@pytest.fixture
def ready(pod, alice, bob, forge):
    """A Pod on a repository with a token for the forge, whose API is `below` its address."""

    def make(below: str):
        repository = pod.workspace.repository
        type(repository).objects.update(url="git@127.0.0.1:you/project.git")
        give_token(pod, alice, "t0p-secret-token", forge.url + below)
        repository.refresh_from_db()
        return pod, bob, forge

    return make


@pytest.mark.parametrize(
    ("below", "path", "header", "field"),
    [
        ("/api/v3", "/api/v3/repos/you/project/pulls", "Authorization", "html_url"),
        ("/api/v4", "/api/v4/projects/you%2Fproject/merge_requests", "Private-Token", "web_url"),
    ],
)
def test_a_merge_request_is_asked_for_in_the_forges_own_words(ready, below, path, header, field):
    pod, bob, forge = ready(below)
    forge.answer = {field: "https://forge.example/you/project/7"}
    address = merge_requests.open_merge_request(pod, by=bob, title="Fix it", body="Because.")
    assert address == "https://forge.example/you/project/7"
    ((asked, headers, body),) = forge.asked
    assert asked == path
    assert "t0p-secret-token" in {name.title(): value for name, value in headers.items()}[header]
    assert body["title"] == "Fix it"
    assert {"mesh/x", "main"} <= set(body.values())
    pod.workspace.refresh_from_db()
    assert pod.workspace.merge_url == address
    assert address in pod.events.last().text


@pytest.mark.parametrize(
    ("status", "answer", "code", "words"),
    [
        (
            422,
            {"message": "Validation Failed", "errors": [{"message": "exists already"}]},
            "forge_refused",
            "exists already",
        ),
        (409, {"message": ["Another open merge request"]}, "forge_refused", "Another open"),
        (401, {"message": "Bad credentials"}, "no_credentials", "Bad credentials"),
        (307, {}, "forge_refused", "307"),
        (201, {}, "forge_failed", "without an address"),
        (500, "boom", "forge_refused", "500"),
    ],
)
def test_why_there_is_no_merge_request_is_said(ready, status, answer, code, words):
    pod, bob, forge = ready("")
    forge.status, forge.answer = status, answer
    with pytest.raises(ConflictError) as error:
        merge_requests.open_merge_request(pod, by=bob, title="x")
    assert error.value.code == code
    assert words in error.value.message
    assert "t0p" not in error.value.message
    assert len(forge.asked) == 1


def test_without_a_token_there_is_none(pod, bob):
    with pytest.raises(ConflictError) as error:
        merge_requests.open_merge_request(pod, by=bob, title="x")
    assert error.value.code == "no_credentials"


@pytest.mark.parametrize(
    ("url", "api", "project"),
    [
        ("https://github.com/you/p.git", "https://api.github.com", "you/p"),
        ("git@github.com:you/p.git", "https://api.github.com", "you/p"),
        ("ssh://git@gitlab.com/a/b/c", "https://gitlab.com/api/v4", "a/b/c"),
        ("https://gitlab.example.org/a/b", "https://gitlab.example.org/api/v4", "a/b"),
    ],
)
def test_forges_are_known_by_their_address(url, api, project):
    forge = merge_requests.forge_of(url)
    assert (forge.api, forge.project) == (api, project)


def test_an_unknown_forge_is_asked_for():
    with pytest.raises(RefusedError):
        merge_requests.forge_of("https://code.example.com/a/b")
