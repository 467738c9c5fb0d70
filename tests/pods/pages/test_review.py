"""The review page and the acts on a Pod's page, with a Runner that answers from a real repository's diff."""

import json

import pytest
from django.urls import reverse

from pods.lifecycle import PodState
from pods.models import Command, Pod, Prompt, ReviewComment
from pods.pages.diff_rows import hunks, notes
from pods.services import reviews, terminals
from pods.services.reviews import Remark
from proto.mesh.v1 import runner_pb2
from tests import builders

PATCH = """\
diff --git a/a.py b/b.py
similarity index 50%
rename from a.py
rename to b.py
--- a/a.py
+++ b/b.py
@@ -1,4 +1,5 @@ def first():
 one
-two
-three
+TWO
+2.5
+THREE
 four
@@ -20 +21 @@
-last
\\ No newline at end of file
+LAST
"""


@pytest.fixture
def pod(cast):
    runner = builders.make_runner(cast.organization)
    repository = builders.make_repository(cast.organization)
    return builders.make_pod(
        runner=runner,
        owner=cast.bob,
        workspace=builders.make_workspace(runner, repository=repository, branch="mesh/x"),
    )


def page(name: str, *args: object) -> str:
    return reverse(name, args=args)


# ---- Rows


def test_lines_stand_one_under_the_other_with_both_numbers():
    first, second = hunks(PATCH)
    assert first.title == "def first():"
    rows = [
        (row.left.number, row.right.number, row.line.kind, row.line.text) for row in first.unified
    ]
    assert rows == [
        (1, 1, "", "one"),
        (2, 0, "del", "two"),
        (3, 0, "del", "three"),
        (0, 2, "add", "TWO"),
        (0, 3, "add", "2.5"),
        (0, 4, "add", "THREE"),
        (4, 5, "", "four"),
    ]
    assert [row.line.text for row in second.unified] == ["last", "LAST"]


def test_what_took_the_place_of_a_line_stands_beside_it():
    first, second = hunks(PATCH)
    beside = [(row.left.text, row.right.text) for row in first.split]
    assert beside == [
        ("one", "one"),
        ("two", "TWO"),
        ("three", "2.5"),
        ("", "THREE"),
        ("four", "four"),
    ]
    assert [(row.left.number, row.right.number) for row in second.split] == [(20, 21)]


def test_a_patch_says_what_else_changed():
    assert notes(PATCH) == ["similarity index 50%", "rename from a.py", "rename to b.py"]
    assert notes("") == []
    assert hunks("") == []


# ---- The page


class Answering:
    """The port to the Gateways, with a Runner behind it that has these files changed."""

    def __init__(self, *files: dict[str, object]) -> None:
        self.files, self.asked = list(files), []

    def ask(self, _pod: str, kind: str, args: dict[str, object]) -> runner_pb2.Answer:
        assert kind == "diff"
        self.asked.append(args)
        following = "" if args.get("cursor") or args.get("listed") else "b.t.1"
        told = {
            "base": "b", "tree": "t", "files": self.files, "next": following, "truncated": False,
            "total": {"files": len(self.files), "added": 3, "removed": 2},
        }  # fmt: skip
        return runner_pb2.Answer(body=json.dumps(told).encode())


def changed(path: str, **told: object) -> dict[str, object]:
    return {
        "path": path, "old": "", "status": "modified", "added": 3, "removed": 2, "blob": "1" * 40,
        "binary": False, "huge": False, "cut": False, "patch": PATCH, **told,
    }  # fmt: skip


@pytest.fixture
def answers(monkeypatch) -> Answering:
    answering = Answering(changed("a.py"), changed("<b>.py"))
    monkeypatch.setattr(terminals, "_relay", answering)
    return answering


@pytest.mark.parametrize("view", ["unified", "split"])
def test_files_are_shown_with_their_lines_and_nothing_of_theirs_is_markup(bob, pod, answers, view):
    answer = bob.get(page("review", pod.key), {"view": view})
    content = answer.content.decode()
    assert content.count("data-file") == 2
    assert "TWO" in content
    assert "&lt;b&gt;.py" in content
    assert "<b>.py" not in content
    assert answer.cookies["review-view"].value == view
    assert "cursor=b.t.1" in content
    later = bob.get(page("review", pod.key))
    assert f'class="rows {view}"' in later.content.decode()


def test_a_tick_shows_and_goes_stale_with_the_file(bob, pod, answers, viewer):
    url = page("review-tick", pod.key)
    given = {"path": "a.py", "blob": "1" * 40, "reviewed": "1"}
    assert bob.post(url, given, headers={"HX-Request": "true"}).status_code == 204
    assert '<section class="rfile is-reviewed"' in bob.get(page("review", pod.key)).content.decode()
    assert "is-reviewed" not in viewer.get(page("review", pod.key)).content.decode()
    answers.files[0] = changed("a.py", blob="2" * 40)
    content = bob.get(page("review", pod.key)).content.decode()
    assert '<section class="rfile is-stale"' in content
    bob.post(url, {**given, "reviewed": "0"})
    assert "is-stale" not in bob.get(page("review", pod.key)).content.decode()


def test_binary_and_huge_files_are_named_and_not_shown(bob, pod, answers):
    answers.files[:] = [
        changed("image", binary=True, patch=""),
        changed("large", huge=True, patch=""),
        changed("cut", huge=True, cut=True),
    ]
    content = bob.get(page("review", pod.key)).content.decode()
    assert "A binary file" in content
    assert "Too large to show" in content
    assert "Only the beginning is shown" in content


def test_following_files_come_by_cursor(bob, pod, answers):
    content = bob.get(page("review-more", pod.key), {"cursor": "b.t.1"}).content.decode()
    assert answers.asked == [{"cursor": "b.t.1"}]
    assert "data-file" in content
    assert 'id="more"' not in content


def test_a_moment_names_the_files_as_they_are(bob, pod, answers):
    assert bob.get(page("review-moment", pod.key)).json() == {"tree": "b.t"}


def test_a_runner_that_is_away_is_said_to_be(bob, cast):
    away = builders.make_runner(cast.organization, online=False)
    pod = builders.make_pod(runner=away, owner=cast.bob)
    content = bob.get(page("review", pod.key)).content.decode()
    assert "The changes cannot be shown" in content


def test_a_stranger_finds_no_review(charlie, pod):
    assert charlie.get(page("review", pod.key)).status_code == 404


# ---- Comments


def test_a_comment_is_added_taken_back_and_sent(bob, pod, answers):
    given = {"path": "a.py", "line": "2", "side": "new", "quoted": "TWO", "text": "<Why?>"}
    answer = bob.post(page("review-comment", pod.key), given)
    assert "&lt;Why?&gt;" in answer.content.decode()
    assert "&lt;Why?&gt;" in bob.get(page("review", pod.key)).content.decode()
    bob.post(page("review-comment", pod.key), {**given, "text": "Once more"})
    first = ReviewComment.objects.order_by("pk").first()
    bob.post(page("review-take-back", pod.key, first.pk))
    assert "Once more" in bob.get(page("review-preview", pod.key)).content.decode()
    answer = bob.post(
        page("review-send", pod.key), {"text": "My words"}, headers={"HX-Request": "true"}
    )
    assert "Sent as prompt 1" in json.loads(answer["HX-Trigger"])["mesh:said"]
    assert Prompt.objects.get().text == "My words"


@pytest.mark.parametrize("line", ["", "x", "0", "9" * 12])
def test_a_comment_on_no_line_is_refused(bob, pod, line):
    given = {"path": "a.py", "line": line, "text": "x"}
    answer = bob.post(page("review-comment", pod.key), given, headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert not ReviewComment.objects.exists()


def test_who_may_not_type_sends_nothing(viewer, cast, pod):
    vera = cast.organization.memberships.get(user__username="vera").user
    reviews.comment(pod, Remark("a", 1, "x"), by=builders.actor_of(vera))
    assert viewer.post(page("review-send", pod.key)).status_code == 403
    assert not Prompt.objects.exists()


# ---- Acts on the Pod's page


@pytest.mark.parametrize(
    "name",
    [
        "commit-workspace",
        "push-workspace",
        "merge-request",
        "archive-pod",
        "resume-pod",
        "fork-pod",
        "remove-workspace",
    ],
)
def test_acts_are_its_owners(viewer, charlie, pod, name):
    assert viewer.post(page(name, pod.key), {"message": "x", "title": "x"}).status_code == 403
    assert charlie.post(page(name, pod.key), {"message": "x", "title": "x"}).status_code == 404
    assert not Command.objects.exists()


def test_archiving_goes_to_the_board_with_an_undo(bob, cast):
    pod = builders.make_pod(cast.organization, owner=cast.bob, state=PodState.COMPLETED)
    answer = bob.post(page("archive-pod", pod.key), headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == page("pods")
    board = bob.get(page("pods")).content.decode()
    assert f'action="{page("unarchive-pod", pod.key)}"' in board
    assert f"card-{pod.key}" not in board
    assert f"card-{pod.key}" in bob.get(page("pods"), {"archived": "1"}).content.decode()
    bob.post(page("unarchive-pod", pod.key))
    assert f"card-{pod.key}" in bob.get(page("pods")).content.decode()


def test_an_ended_pod_offers_to_go_on_and_a_living_one_does_not(bob, cast, pod):
    living = bob.get(page("pod", pod.key)).content.decode()
    assert 'data-open="fork"' in living
    assert 'data-open="resume"' not in living
    Pod.objects.filter(pk=pod.pk).advance(PodState.COMPLETED)
    ended = bob.get(page("pod", pod.key)).content.decode()
    assert 'data-open="resume"' in ended
    assert page("archive-pod", pod.key) in ended


def test_resuming_goes_to_the_new_pod(bob, cast, pod):
    spec = {
        "argv": ["x"], "env": {}, "agent": {"launch": {"argv": ["x"], "resume": [], "fork": []}},
        "permissions": "", "model": "", "version": "", "session": "s", "conversation": "",
        "resume": False, "fork": False, "secrets": {}, "login": "",
    }  # fmt: skip
    Pod.objects.filter(pk=pod.pk).update(spec=spec)
    Pod.objects.filter(pk=pod.pk).advance(PodState.COMPLETED)
    answer = bob.post(page("resume-pod", pod.key), {"prompt": "Go on"})
    new = Pod.objects.get(resumed_from=pod)
    assert answer["Location"] == page("pod", new.key)
    assert page("pod", pod.key) in bob.get(page("pod", new.key)).content.decode()


# ---- Repository settings


def test_an_admin_changes_what_new_workspaces_get(alice, bob, pod):
    repository = pod.workspace.repository
    url = page("repository-settings", repository.slug)
    given = {
        "name": "Orders", "default_branch": "", "copy_from": "/srv/orders", "credentials": "",
        "copy_globs": ".env\r\n\r\nnode_modules/\r\n", "setup_script": "npm ci\r\nmake", "setup_timeout_s": "60",
    }  # fmt: skip
    assert bob.post(url, given).status_code == 403
    assert alice.get(url).status_code == 200
    assert alice.post(url, given).status_code == 302
    repository.refresh_from_db()
    assert repository.copy_globs == [".env", "node_modules/"]
    assert repository.setup_script == "npm ci\nmake"
    assert ".env\nnode_modules/" in alice.get(url).content.decode()
    wrong = alice.post(url, {**given, "copy_from": "relative"})
    assert wrong.status_code == 422
    assert "absolute path" in wrong.content.decode()
