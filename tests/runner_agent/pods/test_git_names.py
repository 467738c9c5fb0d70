from pathlib import Path

import pytest

from runner_agent.messages import CommandError
from runner_agent.workspaces.git_names import check_ref, source_of

BAD = [
    *("", "ext::sh -c touch% /tmp/PWN", "ext::sh", "fd::3", "../x", "x", "C:\\x"),
    *("-uevil", "--upload-pack=touch /tmp/PWN", "ssh://-oProxyCommand=touch${IFS}PWN/x"),
    *("ssh://u@-oProxyCommand=x/y", "git@-oProxyCommand=x:y", "git@h:-x", "git@h:/-x"),
    *("http://h/x", "git://h/x", "ftp://h/x", "https://2130706433/x", "https://0x7f.1/x"),
    *("https://127.1/x", "https://0/x", "https://017700000001/x", "https://[::1]/x"),
    *("https://u:p@h/x", "https://u@h/x", "ssh://u:p@h/x", "https://h/x\nHost: y", "https://h/a b"),
    *("https://h/a/../../b", "https://h/%2e%2e/b", "transport::https://h/x", "https://ho st/x"),
    *("https://", "https://h", "https://h/", "ssh://h", "https://h/" + "a" * 3000, "https://h:0/x"),
    *("https://h:99999/x", "https://h/a.git/b", "https://h/a//b", "https://h/./b", "https://h/-x"),
    *("file://host/x", "file://../x", "git@h:a:b", "https://h/a;b", "https://h/$(x)", "a" * 3000),
]
GOOD = {
    "https://github.com/a/b.git": "github.com/a/b.git",
    "https://GitHub.com/a/b": "github.com/a/b.git",
    "https://github.com/a/b/": "github.com/a/b.git",
    "ssh://git@github.com/a/b": "github.com/a/b.git",
    "git@github.com:a/b.git": "github.com/a/b.git",
    "ssh://git@host.example:2222/x/y.git": "host.example_2222/x/y.git",
    "https://gitlab.example.com:8443/g/s/p.git": "gitlab.example.com_8443/g/s/p.git",
    "ssh://host/~me/x.git": "host/~me/x.git",
    "https://10.1.2.3/x": "10.1.2.3/x.git",
}
BAD_REFS = [
    *(
        "-x",
        "--upload-pack=x",
        "a..b",
        "a.lock",
        "a.lock/b",
        "@{1}",
        "a@{1}",
        "a b",
        "HEAD",
        "head",
    ),
    *(
        "a/.b",
        "/a",
        "a/",
        "a\n",
        "refs/heads/x^",
        "a~1",
        "a:b",
        "x" * 300,
        "",
        ".",
        "a.",
        "FETCH_HEAD",
    ),
]


@pytest.mark.parametrize("url", BAD)
def test_an_address_that_could_do_harm_is_refused(url, tmp_path):
    with pytest.raises(CommandError) as refused:
        source_of(url, (tmp_path,))
    assert refused.value.code in ("bad_url", "unreachable")


@pytest.mark.parametrize(("url", "place"), GOOD.items())
def test_one_repository_has_one_place_whatever_way_it_is_named(url, place):
    source = source_of(url, ())
    assert (source.url, source.place) == (url, place)
    assert source.protocol == ("https" if url.startswith("https") else "ssh")


def test_a_path_on_this_machine_only_below_a_listed_root(tmp_path):
    (tmp_path / "in/repo").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "in/link").symlink_to(tmp_path / "out")
    roots = (tmp_path / "in",)
    for url in (f"{tmp_path}/in/repo", f"file://{tmp_path}/in/repo", f"{tmp_path}/in/../in/repo"):
        source = source_of(url, roots)
        assert source.url == f"{tmp_path}/in/repo"
        assert source.is_local
    for url in (f"{tmp_path}/out", f"{tmp_path}/in/../out", f"{tmp_path}/in/link", "/", "/etc"):
        with pytest.raises(CommandError) as refused:
            source_of(url, roots)
        assert refused.value.code == "bad_url"
    assert Path(tmp_path / "in/repo").exists()


@pytest.mark.parametrize("name", BAD_REFS)
def test_a_name_that_git_could_take_for_more_than_a_name_is_refused(name):
    with pytest.raises(CommandError) as refused:
        check_ref(name)
    assert refused.value.code == "bad_branch"


@pytest.mark.parametrize(
    "name", ["main", "feature/a-1", "mesh/pod-7f3k2q", "v1.2.3", "u_x/y", "a1b2"]
)
def test_a_plain_name_is_taken(name):
    assert check_ref(name) == name
