"""Who is asking over REST: an API token, or the login of a page."""

from typing import cast

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.access import ORGANIZATION, actor_for_token, actor_for_user, bearer
from accounts.actor import Actor
from accounts.models import User


class ByToken(BaseAuthentication):
    """Asked first; when there is a Bearer token, cookies are not looked at."""

    def authenticate(self, request: Request) -> tuple[User | None, Actor] | None:
        secret = bearer(request.headers.get("Authorization", ""))
        if secret is None:
            return None
        actor = actor_for_token(secret)
        return User(pk=actor.user_id, username=actor.name), actor

    def authenticate_header(self, _request: Request) -> str:
        return "Bearer"


class ByLogin(SessionAuthentication):
    """A page's login; whatever changes something needs the CSRF token."""

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        user = cast("User", found[0])
        return user, actor_for_user(user, request.session.get(ORGANIZATION))


class SignedIn(BasePermission):
    def has_permission(self, request: Request, _view: APIView) -> bool:
        return isinstance(request.auth, Actor)
