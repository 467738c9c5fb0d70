"""The people of the Organization, and inviting more of them."""

from django.conf import settings
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer

from accounts.access import invitation_for, invitations_for, member_for, members_for
from accounts.invitations import invite, withdraw_invitation
from accounts.models import Invitation, Membership, Role
from accounts.services import change_role, remove_member
from pods.api import asked
from pods.api.documented import PAGED, REPEATABLE, page_of
from pods.api.door import Door
from pods.api.idempotency import once


class RoleWanted(asked.Asked):
    role = serializers.ChoiceField(choices=Role.choices)


class OrganizationMemberShape(ModelSerializer[Membership]):
    user = serializers.CharField(source="user.username", help_text="User name.")
    name = serializers.CharField(source="user", help_text="As pages show them.")

    class Meta:
        model = Membership
        fields = ("id", "user", "name", "role", "created_at")
        read_only_fields = fields


class InvitationShape(ModelSerializer[Invitation]):
    invited_by = serializers.CharField(source="invited_by.username", help_text="User name.")

    class Meta:
        model = Invitation
        fields = ("id", "role", "invited_by", "created_at", "expires_at")
        read_only_fields = fields


class NewInvitationShape(InvitationShape):
    url = serializers.CharField(help_text="To be opened in a browser. Shown once.", read_only=True)

    class Meta:
        model = Invitation
        fields = (*InvitationShape.Meta.fields, "url")
        read_only_fields = fields


class Members(Door):
    @extend_schema(
        operation_id="members_list", parameters=PAGED, responses=page_of(OrganizationMemberShape)
    )
    def get(self, _request: Request) -> Response:
        return self.page(members_for(self.actor), OrganizationMemberShape)


class OneMember(Door):
    @extend_schema(
        operation_id="members_change", request=RoleWanted, responses=OrganizationMemberShape
    )
    def patch(self, _request: Request, member_id: int) -> Response:
        member = member_for(self.actor, member_id)
        change_role(member, Role(self.taken(RoleWanted)["role"]), by=self.actor)
        return Response(OrganizationMemberShape(member).data)

    @extend_schema(operation_id="members_remove", responses={204: None})
    def delete(self, _request: Request, member_id: int) -> Response:
        remove_member(member_for(self.actor, member_id), by=self.actor)
        return Response(status=204)


class Invitations(Door):
    @extend_schema(
        operation_id="invitations_list", parameters=PAGED, responses=page_of(InvitationShape)
    )
    def get(self, _request: Request) -> Response:
        return self.page(invitations_for(self.actor), InvitationShape)

    @extend_schema(
        operation_id="invitations_create",
        parameters=REPEATABLE,
        request=RoleWanted,
        responses={201: NewInvitationShape},
    )
    @once
    def post(self, _request: Request) -> Response:
        invitation, secret = invite(role=Role(self.taken(RoleWanted)["role"]), by=self.actor)
        url = settings.PUBLIC_URL + reverse("join", args=[secret])
        return Response({**InvitationShape(invitation).data, "url": url}, status=201)


class OneInvitation(Door):
    @extend_schema(operation_id="invitations_withdraw", responses={204: None})
    def delete(self, _request: Request, invitation_id: int) -> Response:
        withdraw_invitation(invitation_for(self.actor, invitation_id), by=self.actor)
        return Response(status=204)
