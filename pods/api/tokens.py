"""Who am I, and my own API tokens."""

from datetime import timedelta

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import Actor, ActorKind
from accounts.models import ApiToken, Organization, User
from accounts.services import issue_api_token, revoke_api_token
from pods.api import asked
from pods.api.documented import PAGED, REPEATABLE, of, page_of
from pods.api.door import Door
from pods.api.idempotency import once
from pods.api.shapes import TokenShape
from pods.errors import NotAllowedError, NotVisibleError

ME = of(
    "Me",
    kind=serializers.CharField(help_text="person, token or pod"),
    name=serializers.CharField(),
    user=serializers.CharField(allow_null=True, help_text="The person; a token's is who made it."),
    organization=serializers.CharField(),
    role=serializers.CharField(),
    scopes=serializers.ListField(child=serializers.CharField()),
)


class NewTokenShape(TokenShape):
    token = serializers.CharField(help_text="Shown once.", read_only=True)

    class Meta:
        model = ApiToken
        fields = (*TokenShape.Meta.fields, "token")
        read_only_fields = fields


class Me(Door):
    @extend_schema(operation_id="me", responses=ME)
    def get(self, _request: Request) -> Response:
        organization = Organization.objects.get(pk=self.actor.organization_id)
        return Response(
            {
                "kind": self.actor.kind,
                "name": self.actor.name,
                "user": self._username(),
                "organization": organization.slug,
                "role": self.actor.role,
                "scopes": sorted(self.actor.scopes),
            }
        )

    def _username(self) -> str | None:
        people = User.objects.filter(pk=self.actor.user_id or 0)
        return people.values_list("username", flat=True).first()


class Tokens(Door):
    @extend_schema(operation_id="tokens_list", parameters=PAGED, responses=page_of(TokenShape))
    def get(self, _request: Request) -> Response:
        return self.page(_own(self), TokenShape)

    @extend_schema(
        operation_id="tokens_create",
        parameters=REPEATABLE,
        request=asked.NewToken,
        responses={201: NewTokenShape},
    )
    @once
    def post(self, _request: Request) -> Response:
        wanted = self.taken(asked.NewToken)
        token, secret = issue_api_token(
            organization=Organization.objects.get(pk=self.actor.organization_id),
            user=User.objects.get(pk=_person(self.actor)),
            name=wanted["name"],
            scopes=wanted["scopes"],
            expires_in=timedelta(days=wanted["expires_in_days"]),
            by=self.actor,
        )
        return Response({**TokenShape(token).data, "token": secret}, status=201)


class RevokeToken(Door):
    @extend_schema(operation_id="tokens_revoke", request=None, responses=TokenShape)
    def post(self, _request: Request, token_id: int) -> Response:
        token = _own(self).filter(pk=token_id).first()
        if token is None:
            raise NotVisibleError("no_such_token", f"You have no token {token_id}.")
        revoke_api_token(token, by=self.actor)
        token.refresh_from_db()
        return Response(TokenShape(token).data)


def _own(door: Door) -> QuerySet[ApiToken]:
    return ApiToken.objects.filter(
        user_id=_person(door.actor), organization_id=door.actor.organization_id
    )


def _person(actor: Actor) -> int:
    if actor.kind == ActorKind.POD or actor.user_id is None:
        raise NotAllowedError("not_a_person", "Only people have API tokens.")
    return actor.user_id
