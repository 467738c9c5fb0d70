"""What a Pod changed, as the server gets to see it: files, counts, patches page by page."""

import asyncio
import json

import pytest

from runner_agent.workspaces import git_diff, git_tree
from runner_agent.workspaces.git_status import read
from tests.runner_agent.pods.rig import git, supervised
from tests.runner_agent.pods.test_questions import asked, pod_in


def text_of(diff) -> str:
    return "".join(file["patch"] for file in diff["files"])


def statuses(diff) -> dict[str, str]:
    return {file["path"]: file["status"] for file in diff["files"]}


async def test_the_diff_shows_committed_changed_and_new_files(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        (tree / "a.txt").write_text("changed\n")
        git(tree, "commit", "-q", "-a", "-m", "mine")
        (tree / "b.txt").write_text("changed too\n")
        (tree / "new.txt").write_text("new\n")
        diff = await asked(rig, "diff", pod)
        assert diff["truncated"] is False
        assert diff["total"] == {"files": 3, "added": 3, "removed": 2}
        for line in ("-a.txt", "+changed", "+changed too", "+new", "new file mode 100644"):
            assert line in text_of(diff).splitlines()
        only = await asked(rig, "diff", pod, path="new.txt")
        assert statuses(only) == {"new.txt": "added"}
        for base in (f"mesh/{pod}", "HEAD"):
            since = await asked(rig, "diff", pod, base=base)
            assert statuses(since) == {"b.txt": "modified", "new.txt": "added"}
        assert git(tree, "status", "--porcelain").splitlines() == ["M b.txt", "?? new.txt"]


async def test_each_file_is_named_by_what_it_holds(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        (tree / "a.txt").write_text("changed\n")
        (tree / "b.txt").unlink()
        files = {f["path"]: f for f in (await asked(rig, "diff", pod))["files"]}
        assert files["a.txt"]["blob"] == git(tree, "hash-object", "a.txt")
        assert files["b.txt"]["blob"] == ""
        assert (files["a.txt"]["added"], files["a.txt"]["removed"]) == (1, 1)


async def test_renames_links_modes_binaries_and_odd_names(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        git(tree, "mv", "a.txt", "deep ünï.txt")
        (tree / "image").write_bytes(bytes(range(256)) * 10)
        (tree / "b.txt").chmod(0o755)
        (tree / "link").symlink_to("/etc/passwd")
        (tree / b"latin-\xe9".decode("utf-8", "surrogateescape")).write_text("x\n")
        (tree / 'quo"te\nline').write_text("y\n")
        diff = await asked(rig, "diff", pod)
        files = {f["path"]: f for f in diff["files"]}
        assert (files["deep ünï.txt"]["status"], files["deep ünï.txt"]["old"]) == (
            "renamed",
            "a.txt",
        )
        assert files["image"]["binary"] is True
        assert files["image"]["patch"] == ""
        assert "old mode 100644\nnew mode 100755" in files["b.txt"]["patch"]
        assert "+/etc/passwd" in files["link"]["patch"]
        assert "root:" not in text_of(diff)
        assert "+x" in files["latin-\N{REPLACEMENT CHARACTER}"]["patch"]
        assert "+y" in files['quo"te\nline']["patch"]


async def test_a_file_that_becomes_a_directory_or_a_link_keeps_to_its_own_patch(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        (tree / "a.txt").unlink()
        (tree / "a.txt").mkdir()
        (tree / "a.txt/inner").write_text("inner\n")
        (tree / "b.txt").unlink()
        (tree / "b.txt").symlink_to("nowhere")
        files = {f["path"]: f["patch"] for f in (await asked(rig, "diff", pod))["files"]}
        assert "+inner" in files["a.txt/inner"]
        assert "-a.txt" in files["a.txt"]
        assert "-b.txt" in files["b.txt"]
        assert "+nowhere" in files["b.txt"]


async def pages(rig, pod, **args) -> list[dict]:
    found = [await asked(rig, "diff", pod, **args)]
    while found[-1]["next"]:
        found.append(await asked(rig, "diff", pod, cursor=found[-1]["next"], **args))
    return found


async def test_a_large_diff_comes_in_pages_that_belong_to_one_moment(
    config, repository, monkeypatch
):
    monkeypatch.setattr(git_diff, "PAGE_FILES", 3)
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        for number in range(8):
            (tree / f"new-{number}.txt").write_text(f"before {number}\n")
        first = await asked(rig, "diff", pod)
        assert first["truncated"] is True
        assert first["total"]["files"] == 8
        (tree / "new-7.txt").write_text("after\n")
        git(tree, "add", "-A")
        git(tree, "commit", "-q", "-m", "meanwhile")
        found = [first]
        while found[-1]["next"]:
            found.append(await asked(rig, "diff", pod, cursor=found[-1]["next"]))
        assert [len(page["files"]) for page in found] == [3, 3, 2]
        assert [page["start"] for page in found] == [0, 3, 6]
        assert "+before 7" in text_of(found[-1])
        assert "+after" in "".join(map(text_of, await pages(rig, pod)))


async def test_a_page_ends_before_the_patch_that_does_not_fit(config, repository, monkeypatch):
    monkeypatch.setattr(git_diff, "PAGE_BYTES", 4000)
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        for number in range(4):
            (tree / f"new-{number}.txt").write_text("0123456789\n" * 120)
        found = await pages(rig, pod)
        assert [file["path"] for page in found for file in page["files"]] == [
            f"new-{number}.txt" for number in range(4)
        ]
        assert all(f["patch"].count("+0123456789") == 120 for p in found for f in p["files"])
        assert len(found) == 2


async def test_a_patch_larger_than_a_page_is_cut_at_a_line_and_marked(
    config, repository, monkeypatch
):
    monkeypatch.setattr(git_diff, "PAGE_BYTES", 2000)
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        (tree / "c.txt").write_text("0123456789\n" * 1000)
        (tree / "d.txt").write_text("d\n")
        first, second = await pages(rig, pod)
        (large,) = first["files"]
        assert large["huge"] is True
        assert large["cut"] is True
        assert large["patch"].endswith("+0123456789\n")
        assert first["truncated"] is True
        assert "+d" in text_of(second)


async def test_huge_files_are_named_and_not_read(config, repository, monkeypatch):
    monkeypatch.setattr(git_tree, "HUGE", 1000)
    monkeypatch.setattr(git_diff, "FILE_LINES", 20)
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        (tree / "large.bin").write_text("x" * 1001)
        (tree / "long.txt").write_text("\n" * 21)
        diff = await asked(rig, "diff", pod)
        files = {f["path"]: f for f in diff["files"]}
        assert files["large.bin"]["huge"] is True
        assert files["long.txt"]["huge"] is True
        assert text_of(diff) == ""
        before = files["large.bin"]["blob"]
        (tree / "large.bin").write_text("y" * 1002)
        again = await asked(rig, "diff", pod, path="large.bin")
        assert [f["path"] for f in again["files"]] == ["large.bin"]
        assert again["files"][0]["blob"] != before


async def test_the_list_names_every_file_without_patches(config, repository, monkeypatch):
    monkeypatch.setattr(git_diff, "PAGE_FILES", 2)
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        for number in range(5):
            (tree / f"new-{number}.txt").write_text("x\n")
        diff = await asked(rig, "diff", pod, listed=True)
        assert len(diff["files"]) == 5
        assert text_of(diff) == ""
        assert all(file["blob"] for file in diff["files"])
        assert diff["truncated"] is False


async def test_a_change_shows_in_the_next_look(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        assert (await asked(rig, "diff", pod))["files"] == []
        for content in ("one\n", "two\n", "three\n"):
            (tree / "a.txt").write_text(content)
            assert f"+{content}" in text_of(await asked(rig, "diff", pod))
        git(tree, "checkout", "-q", "a.txt")
        assert (await asked(rig, "diff", pod))["files"] == []


async def test_a_conflict_is_shown_as_the_file_stands(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        git(tree, "switch", "-q", "-c", "other")
        (tree / "a.txt").write_text("theirs\n")
        git(tree, "commit", "-q", "-a", "-m", "theirs")
        git(tree, "switch", "-q", "-")
        (tree / "a.txt").write_text("mine\n")
        git(tree, "commit", "-q", "-a", "-m", "mine")
        with pytest.raises(Exception, match="non-zero"):
            git(tree, "merge", "other")
        state = await asked(rig, "workspace", pod)
        assert {"path": "a.txt", "status": "conflicted"} in state["changes"]
        assert "+<<<<<<<" in text_of(await asked(rig, "diff", pod))


async def test_what_earlier_looks_left_is_let_go_of(config, repository, monkeypatch):
    monkeypatch.setattr(git_tree, "OBJECTS_MAX", 50_000)
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        objects = rig.supervisor._records.places(pod).git_view / "objects"
        for number in range(6):
            (tree / "new").write_bytes(bytes(f"{number}", "ascii") + _noise(30_000))
            await asked(rig, "diff", pod)
        assert sum(f.stat().st_size for f in objects.glob("??/*")) < 100_000
        diff = await asked(rig, "diff", pod)
        assert [f["path"] for f in diff["files"]] == ["new"]


def _noise(size: int) -> bytes:
    """What does not compress."""
    return b"".join((n * 2654435761 % 2**32).to_bytes(4, "big") for n in range(size // 4))


async def test_several_questions_at_once_agree(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        (tree / "new.txt").write_text("x\n")
        async with asyncio.TaskGroup() as group:
            asking = [
                group.create_task(rig.ask(kind, pod)) for kind in ("diff", "workspace", "log") * 3
            ]
        answers = [task.result() for task in asking]
        assert not [answer.error for answer in answers if answer.error_code]
        assert {json.loads(a.body)["head"] for a in answers} == {git(tree, "rev-parse", "HEAD")}


def test_the_words_of_git_become_changes():
    text = "\0".join(
        [
            "# branch.oid (initial)",
            "# branch.head (detached)",
            "1 .M N... 100644 100644 100644 aa bb with space.txt",
            "2 R. N... 100644 100644 100644 aa bb R100 new name",
            "old name",
            "u UU N... 100644 100644 100644 100644 aa bb cc both",
            "? sub/",
            "",
        ]
    )
    found = read(text)
    assert (found.head, found.branch) == ("", "")
    assert [(c.path, c.status, c.old) for c in found.changes] == [
        ("with space.txt", "modified", ""),
        ("new name", "renamed", "old name"),
        ("both", "conflicted", ""),
        ("sub/", "untracked", ""),
    ]
