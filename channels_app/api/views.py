"""Channels by REST: access, shape, one service call."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import require
from accounts.actor import Scope
from accounts.models import User
from channels_app.access import Need, channel_for
from channels_app.api import shapes
from channels_app.models import Member, Message
from channels_app.services import channels, messages, presence
from channels_app.services.shown import message_shape
from pods.access import Need as PodNeed
from pods.access import pod_for
from pods.api.documented import PAGED, REPEATABLE, of, page_of, whole
from pods.api.door import Door
from pods.api.idempotency import once
from pods.errors import NotVisibleError, RefusedError


class Channels(Door):
    @extend_schema(
        operation_id="channels_list", parameters=PAGED, responses=page_of(shapes.ChannelShape)
    )
    def get(self, _request: Request) -> Response:
        require(self.actor, Scope.CHANNELS_READ)
        return self.page(presence.rooms_of(self.actor), shapes.ChannelShape)

    @extend_schema(
        operation_id="channels_create",
        parameters=REPEATABLE,
        request=shapes.NewChannel,
        responses={201: shapes.ChannelShape},
    )
    @once
    def post(self, _request: Request) -> Response:
        wanted = self.taken(shapes.NewChannel)
        channel = channels.create_channel(
            by=self.actor,
            name=wanted["name"],
            topic=wanted["topic"],
            is_private=wanted["private"],
        )
        return Response(shapes.ChannelShape(channel).data, status=201)


class OneChannel(Door):
    @extend_schema(operation_id="channels_read", responses=shapes.ChannelShape)
    def get(self, _request: Request, slug: str) -> Response:
        channel_for(self.actor, slug, Need.READ)
        return Response(shapes.ChannelShape(presence.rooms_of(self.actor).get(slug=slug)).data)


class ArchiveChannel(Door):
    @extend_schema(
        operation_id="channels_archive", parameters=REPEATABLE, request=None, responses={204: None}
    )
    def post(self, _request: Request, slug: str) -> Response:
        channels.archive(channel_for(self.actor, slug, Need.MANAGE), by=self.actor)
        return Response(status=204)


class UnarchiveChannel(Door):
    @extend_schema(
        operation_id="channels_unarchive",
        parameters=REPEATABLE,
        request=None,
        responses={204: None},
    )
    def post(self, _request: Request, slug: str) -> Response:
        channels.unarchive(channel_for(self.actor, slug, Need.MANAGE), by=self.actor)
        return Response(status=204)


class Members(Door):
    @extend_schema(
        operation_id="channels_members_list",
        parameters=PAGED,
        responses=page_of(shapes.MemberShape),
    )
    def get(self, _request: Request, slug: str) -> Response:
        channel = channel_for(self.actor, slug, Need.READ)
        return self.page(presence.members_of(channel), shapes.MemberShape, oldest_first=True)

    @extend_schema(
        operation_id="channels_members_add",
        parameters=REPEATABLE,
        request=shapes.NewMember,
        responses={201: shapes.MemberShape},
    )
    @once
    def post(self, _request: Request, slug: str) -> Response:
        wanted = self.taken(shapes.NewMember)
        return Response(shapes.MemberShape(self._add(slug, wanted)).data, status=201)

    def _add(self, slug: str, wanted: dict[str, str]) -> Member:
        if "pod" in wanted:
            channel = channel_for(self.actor, slug, Need.POST)
            pod = pod_for(self.actor, wanted["pod"], PodNeed.READ)
            return channels.add_pod(channel, pod, by=self.actor)
        if "user" in wanted:
            channel = channel_for(self.actor, slug, Need.MANAGE)
            return channels.add_person(channel, _person(wanted["user"]), by=self.actor)
        return channels.join(channel_for(self.actor, slug, Need.POST), by=self.actor)

    @extend_schema(
        operation_id="channels_members_leave",
        parameters=[
            OpenApiParameter("pod", str, description="Remove this Pod; without any, one leaves."),
            OpenApiParameter("user", str, description="Remove this person."),
        ],
        responses={204: None},
    )
    def delete(self, request: Request, slug: str) -> Response:
        named = {name: request.query_params.get(name, "") for name in ("pod", "user")}
        if not any(named.values()):
            channels.leave(channel_for(self.actor, slug, Need.READ), by=self.actor)
        else:
            channel = channel_for(self.actor, slug, Need.MANAGE)
            member = presence.member_named(channel, **named)
            channels.remove(channel, member, by=self.actor)
        return Response(status=204)


class Messages(Door):
    @extend_schema(
        operation_id="messages_list",
        parameters=[
            whole("after", say="Messages above this number, in order."),
            whole("limit", at_least=1, at_most=messages.PAGE, say="At most so many."),
            whole("wait", at_most=50, say="Seconds to hold the answer until there is one."),
            OpenApiParameter("q", str, description="Instead: those with all of these words."),
        ],
        responses=of("Messages", results=shapes.MessageShape(many=True)),
    )
    def get(self, request: Request, slug: str) -> Response:
        channel = channel_for(self.actor, slug, Need.READ)
        if words := request.query_params.get("q", ""):
            return _told(messages.search(channel, words))
        after = self._number("after", 0)
        limit = self._number("limit", messages.PAGE)
        if not 1 <= limit <= messages.PAGE:
            raise RefusedError("bad_limit", f"limit is 1 to {messages.PAGE}.", field="limit")
        found = messages.after(channel, after, limit)
        last = found[-1].number if found else after
        messages.mark(channel, by=self.actor, delivered=last, read=after)
        return _told(found)

    @extend_schema(
        operation_id="messages_post",
        parameters=REPEATABLE,
        request=shapes.NewMessage,
        responses={201: shapes.MessageShape},
    )
    @once
    def post(self, _request: Request, slug: str) -> Response:
        wanted = self.taken(shapes.NewMessage)
        channel = channel_for(self.actor, slug, Need.POST)
        message = messages.post(channel, by=self.actor, **wanted)
        return Response(message_shape(message), status=201)


class OneMessage(Door):
    @extend_schema(operation_id="messages_read", responses=shapes.MessageShape)
    def get(self, _request: Request, slug: str, number: int) -> Response:
        channel = channel_for(self.actor, slug, Need.READ)
        return Response(message_shape(messages.message_for(channel, number)))

    @extend_schema(
        operation_id="messages_edit", request=shapes.EditedMessage, responses=shapes.MessageShape
    )
    def patch(self, _request: Request, slug: str, number: int) -> Response:
        message = messages.message_for(channel_for(self.actor, slug, Need.POST), number)
        messages.edit(message, by=self.actor, **self.taken(shapes.EditedMessage))
        return Response(message_shape(messages.message_for(message.channel, number)))

    @extend_schema(operation_id="messages_delete", responses={204: None})
    def delete(self, _request: Request, slug: str, number: int) -> Response:
        message = messages.message_for(channel_for(self.actor, slug, Need.POST), number)
        messages.delete(message, by=self.actor)
        return Response(status=204)


class ReadMark(Door):
    @extend_schema(operation_id="channels_mark", request=shapes.Marked, responses={204: None})
    def post(self, _request: Request, slug: str) -> Response:
        channel = channel_for(self.actor, slug, Need.READ)
        messages.mark(channel, by=self.actor, **self.taken(shapes.Marked))
        return Response(status=204)


class ChannelDocument(Door):
    @extend_schema(operation_id="document_read", responses=shapes.DocumentShape)
    def get(self, _request: Request, slug: str) -> Response:
        channel = channel_for(self.actor, slug, Need.READ)
        return Response(shapes.DocumentShape(channel).data)

    @extend_schema(
        operation_id="document_write",
        request=shapes.NewDocument,
        responses=of("DocumentVersion", version=serializers.IntegerField()),
    )
    def put(self, _request: Request, slug: str) -> Response:
        channel = channel_for(self.actor, slug, Need.POST)
        version = channels.write_document(channel, by=self.actor, **self.taken(shapes.NewDocument))
        return Response({"version": version})


def _told(found: list[Message]) -> Response:
    return Response({"results": [message_shape(each) for each in found]})


def _person(username: str) -> User:
    user = User.objects.filter(username=username).first()
    if user is None:
        raise NotVisibleError("no_such_person", f"There is nobody called {username}.")
    return user
