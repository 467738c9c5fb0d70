"""What may be asked for: checked against git itself where git is the judge."""

import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pods.errors import RefusedError
from pods.services import inputs

AWKWARD = st.lists(st.sampled_from([*"ab./-@{}~^:?*[\\ \t\x7fé", "lock", "HEAD"]), max_size=8).map(
    "".join
)


def takes(check: object, *args: object, **kwargs: object) -> bool:
    try:
        check(*args, **kwargs)
    except RefusedError:
        return False
    return True


@settings(max_examples=150)
@given(AWKWARD)
@example("a..b")
@example("a.lock/b")
@example("-x")
@example("@a")
@example("feature/übung")
@example("a@{b")
@example("refs//x")
def test_a_branch_is_what_git_says_it_is(name: str) -> None:
    git = subprocess.run(
        ["git", "check-ref-format", "--branch", name], capture_output=True, check=False
    )
    if git.returncode == 0 and git.stdout.decode().strip() != name:
        return  # @{-1}: a name for another branch
    if name in {"HEAD", "@"}:
        return  # git takes them here and refuses to make them branches
    assert takes(inputs.check_ref, name, field="branch") == (git.returncode == 0)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a/b.git",
        "http://localhost:3000/b",
        "ssh://git@example.com:22/a/b.git",
        "git@example.com:a/b.git",
        "git://example.com/b.git",
        "/srv/git/b.git",
    ],
)
def test_a_repository_may_be_at(url: str) -> None:
    assert takes(inputs.check_url, url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ext::sh -c id",
        "ext::sh",
        "fd::17",
        "file:///etc",
        "-uupload-pack=id",
        "--upload-pack=id",
        "relative/path",
        "/srv/../etc",
        "https://",
        "ftp://example.com/x",
        "javascript:alert",
        "https://example.com/a b",
        "https://example.com/a\nb",
        "x" * 501,
    ],
)
def test_a_repository_is_not_at(url: str) -> None:
    assert not takes(inputs.check_url, url)


@pytest.mark.parametrize(
    "url", ["https://token@example.com/b", "https://a:b@example.com/b", "ssh://a:b@example.com/b"]
)
def test_a_secret_in_an_address_is_pointed_out(url: str) -> None:
    with pytest.raises(RefusedError) as refused:
        inputs.check_url(url)
    assert refused.value.code == "secret_in_url"


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A=B", "HOME", "TMPDIR", "MESH_TOKEN", "Ä"])
def test_an_environment_name_is_refused(name: str) -> None:
    assert not takes(inputs.check_env, {name: "x"})


@pytest.mark.parametrize("value", ["a\0b", "x" * (inputs.ENV_MAX + 1)])
def test_an_environment_value_is_refused(value: str) -> None:
    assert takes(inputs.check_env, {"LANG": "C"})
    assert not takes(inputs.check_env, {"LANG": value})


@pytest.mark.parametrize(
    "argv", [[], [""], ["a\0"], ["x"] * 257, ["x" * (inputs.ARGV_MAX + 1)]], ids=len
)
def test_a_command_line_is_refused(argv: list[str]) -> None:
    assert takes(inputs.check_argv, ["sh", ""])
    assert not takes(inputs.check_argv, argv)


@pytest.mark.parametrize(("cols", "rows"), [(0, 24), (80, 0), (1001, 24), (80, -1)])
def test_a_size_is_refused(cols: int, rows: int) -> None:
    assert not takes(inputs.check_size, cols, rows)
