"""What every page does first and last: who is asking, and how an answer or an error reaches the browser."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts.access import ORGANIZATION, actor_for_user
from accounts.actor import Actor
from accounts.errors import MeshError, NotAllowedError, NotAMemberError, NotVisibleError
from accounts.models import Organization, User

P = ParamSpec("P")


class PageRequest(HttpRequest):
    """A request whose login has been checked."""

    actor: Actor
    user: User


View = Callable[Concatenate[PageRequest, P], HttpResponse]


def page(view: View[P]) -> Callable[Concatenate[Any, P], HttpResponse]:
    """Sign-in first, then the view with `request.actor`; domain errors become pages or notices."""

    @wraps(view)
    def framed(request: Any, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        try:
            request.actor = _actor(request)
            return view(request, *args, **kwargs)
        except NotAMemberError:
            return render(request, "accounts/homeless.html", status=403)
        except MeshError as error:
            return _refused(request, error)

    return framed


def done(request: HttpRequest, *, to: str, said: str, changed: str = "") -> HttpResponse:
    """The answer to an action: a notice, and a fresh look at what changed (`changed`: a kind of news)."""
    if not is_htmx(request):
        if said:
            messages.success(request, said)
        return redirect(to)
    response = HttpResponse(status=204)
    response["HX-Trigger"] = json.dumps({"mesh:said": said, "mesh:changed": changed})
    return response


def go(request: HttpRequest, url: str) -> HttpResponse:
    """A redirect that htmx follows as a whole page."""
    if not is_htmx(request):
        return redirect(url)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = url
    return response


def is_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context of every template: who is here, and the Organizations they may switch to."""
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None:
        return {"actor": None}
    mine = Organization.objects.filter(memberships__user=actor.user_id).order_by("name")
    return {
        "actor": actor,
        "organizations": mine,
        "organization": next((o for o in mine if o.pk == actor.organization_id), None),
    }


def _actor(request: PageRequest) -> Actor:
    """In the login's current Organization; in the first of theirs if they have left that one."""
    try:
        return actor_for_user(request.user, request.session.get(ORGANIZATION))
    except NotAMemberError:
        request.session.pop(ORGANIZATION, None)
        return actor_for_user(request.user)


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    if is_htmx(request):
        return go(request, reverse("sign-in"))
    return redirect_to_login(request.get_full_path())


def _refused(request: HttpRequest, error: MeshError) -> HttpResponse:
    if is_htmx(request):
        response = HttpResponse(status=409)
        response["HX-Reswap"] = "none"
        response["HX-Trigger"] = json.dumps({"mesh:refused": error.message})
        return response
    if isinstance(error, NotVisibleError):
        raise Http404(error.message)
    if isinstance(error, NotAllowedError):
        raise PermissionDenied(error.message)
    return render(request, "refused.html", {"error": error}, status=409)
