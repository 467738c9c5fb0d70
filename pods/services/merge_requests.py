"""A pull request on GitHub or a merge request on GitLab, from a branch that was pushed: one request, by plain URL and token."""

import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from django.db import transaction

from accounts.actor import Actor
from accounts.audit import record
from pods.errors import ConflictError, RefusedError
from pods.models import Pod, PodEvent, Repository, Secret, Workspace
from pods.news import announce
from pods.services.vault import reference, reveal

WITHIN_S = 15.0
TITLE_MAX, BODY_MAX = 250, 60_000  # characters
ANSWER_MAX = 1 << 20  # bytes
GITLAB = "/api/v4"
_SCP = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w.-]+):(?P<path>[^/].*)")


@dataclass(frozen=True, slots=True)
class Forge:
    """Where the repository is asked about: `api` without a slash at its end; `project`: owner/name."""

    api: str
    project: str

    @property
    def is_gitlab(self) -> bool:
        return self.api.endswith(GITLAB)

    def request(self, title: str, body: str, branch: str, base: str) -> tuple[str, dict[str, str]]:
        """The URL and what is sent there."""
        if self.is_gitlab:
            url = f"{self.api}/projects/{quote(self.project, safe='')}/merge_requests"
            return url, {
                "title": title,
                "description": body,
                "source_branch": branch,
                "target_branch": base,
            }
        url = f"{self.api}/repos/{quote(self.project)}/pulls"
        return url, {"title": title, "body": body, "head": branch, "base": base}

    def headers(self, token: str) -> dict[str, str]:
        if self.is_gitlab:
            return {"PRIVATE-TOKEN": token}
        return {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}


def open_merge_request(pod: Pod, *, by: Actor, title: str, body: str = "", base: str = "") -> str:
    """Its address. The branch must have been pushed. Raises RefusedError, ConflictError with what the forge says."""
    workspace = pod.workspace
    if workspace is None or workspace.repository is None or not workspace.branch:
        raise ConflictError("no_git", f"{pod.key} works without a repository.")
    if not 1 <= len(title.strip()) <= TITLE_MAX or len(body) > BODY_MAX:
        raise RefusedError("bad_title", f"A title has 1 to {TITLE_MAX} characters.", field="title")
    secrets = _secrets(workspace.repository)
    forge = forge_of(workspace.repository.url, secrets.get("base_url", ""))
    target = base or workspace.base or workspace.repository.default_branch or "main"
    url, sent = forge.request(title.strip(), body, workspace.branch, target)
    made = _post(url, sent, forge.headers(secrets["api_key"]))
    address = str(made.get("html_url") or made.get("web_url") or "")
    if not address.startswith(("https://", "http://")):
        raise ConflictError("forge_failed", "The server answered without an address.")
    _note(pod, workspace, by, address[:500])
    return address[:500]


def forge_of(url: str, base_url: str = "") -> Forge:
    """From the repository's address; `base_url` is that of the API, for others than github.com and gitlab.com.

    Raises RefusedError.
    """
    host, path = _split(url)
    project = path.strip("/").removesuffix(".git")
    if base_url:
        return Forge(base_url.rstrip("/"), project)
    if host == "github.com":
        return Forge("https://api.github.com", project)
    if host == "gitlab.com" or host.startswith("gitlab."):
        return Forge(f"https://{host}{GITLAB}", project)
    raise RefusedError(
        "unknown_forge",
        f"{host or 'This address'} is neither github.com nor GitLab: give its API's address as the base "
        f"URL of the credential set, such as https://host/api/v3 or https://host{GITLAB}.",
    )


def _split(url: str) -> tuple[str, str]:
    if "://" in url:
        parts = urlsplit(url)
        return (parts.hostname or ""), parts.path
    if found := _SCP.fullmatch(url):
        return found["host"].lower(), found["path"]
    return "", "/".join(url.split("/")[-2:])


def _secrets(repository: Repository) -> dict[str, str]:
    mine = Secret.objects.filter(credentials=repository.git_credentials_id)
    references = {secret.part: reference(secret) for secret in mine}
    if repository.git_credentials_id is None or "api_key" not in references:
        raise ConflictError(
            "no_credentials",
            f"{repository.name} has no token: choose a credential set in its settings.",
        )
    return reveal(references)


class _Stay(urllib.request.HTTPRedirectHandler):
    """A token does not travel to where somebody else says."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _post(url: str, sent: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - the address is an admin's
        url,
        json.dumps(sent).encode(),
        {"Content-Type": "application/json", "User-Agent": "mesh", **headers},
    )
    try:
        opener = urllib.request.build_opener(_Stay)
        with opener.open(request, timeout=WITHIN_S) as answer:
            read: dict[str, Any] = json.loads(answer.read(ANSWER_MAX))
            return read
    except urllib.error.HTTPError as error:
        said = _said(error.read(ANSWER_MAX))
        raise ConflictError(
            "no_credentials" if error.code in {401, 403} else "forge_refused",
            f"The server answered {error.code}: {said or error.reason}"[:500],
        ) from error
    except (OSError, ValueError) as error:
        raise ConflictError("unreachable", f"The server cannot be asked: {error}"[:500]) from error


def _said(answer: bytes) -> str:
    """GitHub: message and errors; GitLab: message or error, as words or lists."""
    try:
        told = json.loads(answer)
    except ValueError:
        return ""
    if not isinstance(told, dict):
        return ""
    parts = [told.get("message"), told.get("error"), *(told.get("errors") or ())]
    words = [part.get("message", "") if isinstance(part, dict) else part for part in parts]
    return " ".join(", ".join(map(str, w)) if isinstance(w, list) else str(w) for w in words if w)


def _note(pod: Pod, workspace: Workspace, by: Actor, address: str) -> None:
    with transaction.atomic():
        Workspace.objects.filter(pk=workspace.pk).update(merge_url=address)
        record(by, "workspace.merge_request", pod.key, url=address)
        text = f"{by.name} opened {address}"
        PodEvent.objects.create(pod=pod, kind=PodEvent.Kind.NOTE, text=text[:500])
        announce(pod.organization_id, "workspace", pod.key)
