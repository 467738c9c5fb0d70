"""What may be asked for: rules on names, sizes and addresses, each with a sentence that says how it is broken."""

import re
from collections.abc import Iterable, Mapping, Sequence

from pods.errors import RefusedError

PROMPT_MAX = 64 * 1024  # bytes
NAME_MAX = 100
REF_MAX = 200  # bytes
URL_MAX = 500
ARGV_MAX_ITEMS = 256
ARGV_MAX = 128 * 1024  # bytes in all, as Linux takes in one argument
ENV_MAX_ITEMS = 100
ENV_MAX = 128 * 1024  # bytes in all
LABELS_MAX = 32
SIDE_MAX = 1000  # columns or rows; a screen of more would only cost memory

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED_ENV = re.compile(r"MESH_.*|HOME|TMPDIR")  # the Runner sets these
_REF_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_SCP_LIKE = re.compile(r"[\w.-]+@[\w.-]+:(?!//)[^\s]+")
_ADDRESS = re.compile(r"(?P<scheme>https?|ssh|git)://(?:(?P<user>[^@/\s]*)@)?[^\s@/]+/[^\s]*")


def check_ref(name: str, *, field: str) -> None:
    """The rules of `git check-ref-format --branch`."""
    parts = name.split("/")
    bad = (
        not name
        or len(name.encode()) > REF_MAX
        or name in {"@", "HEAD"}
        or name.startswith(("-", "/"))
        or name.endswith(("/", "."))
        or _REF_FORBIDDEN.search(name)
        or any(part.startswith(".") or part.endswith(".lock") for part in parts)
    )
    if bad:
        raise RefusedError(
            f"bad_{field}",
            f"“{name[:80]}” is not a name that git takes for a {field}.",
            field=field,
        )


def check_url(url: str) -> None:
    """An https, http, ssh or git address, `user@host:path`, or an absolute path on the Runner."""
    if len(url) > URL_MAX or " " in url or not url.isprintable():
        raise _bad_url(url)
    if url.startswith("/"):
        if ".." in url.split("/"):
            raise _bad_url(url)
        return
    if address := _ADDRESS.fullmatch(url):
        user = address["user"] or ""
        if user and (address["scheme"] != "ssh" or ":" in user):
            raise RefusedError(
                "secret_in_url",
                "Everybody in the organization can read this address: leave out the user and the "
                "secret, and give the Runner's machine access to the repository.",
                field="url",
            )
        return
    if "://" in url or "::" in url or url.startswith("-") or not _SCP_LIKE.fullmatch(url):
        raise _bad_url(url)


def check_env(env: Mapping[str, str]) -> None:
    for name in env:
        if not _ENV_NAME.fullmatch(name) or _RESERVED_ENV.fullmatch(name):
            raise RefusedError(
                "bad_env",
                f"“{name[:80]}” cannot be set: a name has letters, digits and _, and HOME, TMPDIR "
                "and MESH_… belong to Mesh.",
                field="env",
            )
    if (
        len(env) > ENV_MAX_ITEMS
        or _bytes([*env, *env.values()]) > ENV_MAX
        or _has_nul(env.values())
    ):
        raise RefusedError("bad_env", "The environment is too large or has NUL bytes.", field="env")


def check_argv(argv: Sequence[str]) -> None:
    if not argv or not argv[0]:
        raise RefusedError("bad_argv", "Say which program to run: argv is empty.", field="argv")
    if len(argv) > ARGV_MAX_ITEMS or _bytes(argv) > ARGV_MAX or _has_nul(argv):
        raise RefusedError(
            "bad_argv", "The command line is too long or has NUL bytes.", field="argv"
        )


def check_prompt(prompt: str) -> None:
    if _bytes([prompt]) > PROMPT_MAX:
        raise RefusedError(
            "prompt_too_long",
            f"A prompt has at most {PROMPT_MAX} bytes: put more into a file of the repository.",
            field="prompt",
        )


def check_path(path: str) -> None:
    """Of a file or folder in a Workspace."""
    if "\0" in path or path.startswith("/") or ".." in path.split("/"):
        raise RefusedError("bad_path", "path is below the Workspace.", field="path")


def check_size(cols: int, rows: int) -> None:
    if not (1 <= cols <= SIDE_MAX and 1 <= rows <= SIDE_MAX):
        raise RefusedError(
            "bad_size", f"A terminal has 1 to {SIDE_MAX} columns and rows.", field="cols"
        )


def check_name(name: str, *, field: str = "name") -> None:
    if len(name) > NAME_MAX or not name.isprintable():
        raise RefusedError(
            f"bad_{field}", f"A name has at most {NAME_MAX} characters on one line.", field=field
        )


def check_labels(labels: Mapping[str, str]) -> None:
    if len(labels) > LABELS_MAX or any(
        len(text) > NAME_MAX for pair in labels.items() for text in pair
    ):
        raise RefusedError(
            "bad_labels", f"At most {LABELS_MAX} labels of {NAME_MAX} characters.", field="labels"
        )


def _bad_url(url: str) -> RefusedError:
    return RefusedError(
        "bad_url",
        f"“{url[:80]}” is not an address of a repository: give an https, ssh or git address, "
        "user@host:path, or an absolute path on the Runner.",
        field="url",
    )


def _bytes(texts: Sequence[str]) -> int:
    return sum(len(text.encode(errors="surrogatepass")) for text in texts)


def _has_nul(texts: Iterable[str]) -> bool:
    return any("\0" in text for text in texts)
