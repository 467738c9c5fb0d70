"""What an agent may leave behind to make the Runner remove, or change, something else."""

import os
import stat

import pytest

from runner_agent.workspaces.removal import remove


@pytest.fixture
def victim(tmp_path):
    path = tmp_path / "victim"
    path.mkdir()
    (path / "precious").write_text("precious")
    (path / "key").write_text("key")
    (path / "key").chmod(0o400)
    return path


@pytest.fixture
def tree(tmp_path):
    path = tmp_path / "workspaces" / "pod-a"
    path.mkdir(parents=True)
    (path / "file").write_text("x")
    return path


def gone(tree, tmp_path) -> bool:
    return not os.path.lexists(tree) and not list((tmp_path / "trash").iterdir())


def assert_unharmed(victim) -> None:
    assert (victim / "precious").read_text() == "precious"
    assert stat.S_IMODE((victim / "key").stat().st_mode) == 0o400


def test_links_in_the_tree_are_removed_and_not_followed(tree, victim, tmp_path):
    (tree / "directory").symlink_to(victim)
    (tree / "file-link").symlink_to(victim / "key")
    (tree / "sub").mkdir()
    (tree / "sub/up").symlink_to("../../../victim")
    os.link(victim / "precious", tree / "hard")
    remove(tree, tmp_path / "trash")
    assert gone(tree, tmp_path)
    assert_unharmed(victim)


def test_a_link_in_place_of_the_tree_is_removed_and_not_followed(tree, victim, tmp_path):
    tree.rename(tmp_path / "moved")
    tree.symlink_to(victim)
    remove(tree, tmp_path / "trash")
    assert gone(tree, tmp_path)
    assert_unharmed(victim)


def test_modes_that_forbid_everything_do_not_stop_it(tree, tmp_path):
    deep = tree / "a/b"
    deep.mkdir(parents=True)
    (deep / "file").write_text("x")
    for path in (deep, tree / "a", tree):
        path.chmod(0)
    remove(tree, tmp_path / "trash")
    assert gone(tree, tmp_path)


def test_a_tree_deeper_than_any_path_may_be(tree, tmp_path):
    here = os.open(tree, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d" * 100, dir_fd=here)
        below = os.open("d" * 100, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    remove(tree, tmp_path / "trash")
    assert gone(tree, tmp_path)


def test_pipes_sockets_and_odd_names(tree, tmp_path):
    os.mkfifo(tree / "pipe")
    for name in ("-rf", "new\nline", "\x1b[31m", b"\xff\xfe".decode("utf-8", "surrogateescape")):
        (tree / name).write_text("x")
        (tree / f"{name}.d").mkdir()
    remove(tree, tmp_path / "trash")
    assert gone(tree, tmp_path)


def test_what_is_not_there_is_removed_already(tmp_path):
    remove(tmp_path / "nowhere", tmp_path / "trash")
    remove(tmp_path / "no/where", tmp_path / "trash")
