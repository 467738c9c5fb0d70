"""Rooms: make, join, leave, archive, and the shared document."""

import re

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.timezone import now

from accounts.actor import Actor, ActorKind
from accounts.audit import record
from accounts.models import User
from channels_app import rules
from channels_app.access import check_may_create, membership_of
from channels_app.models import Channel, DocumentVersion, Member
from pods.errors import ConflictError, RefusedError
from pods.lifecycle import ENDED
from pods.models import Pod
from pods.news import announce


def slug_of(name: str) -> str:
    """`Fix the Parser!` → `fix-the-parser`; raises RefusedError where nothing is left."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50].strip("-")
    if not rules.SLUG.fullmatch(slug):
        raise RefusedError(
            "bad_name", "A Channel's name needs a letter or a digit, such as “fix-the-parser”."
        )
    return slug


def create_channel(*, by: Actor, name: str, topic: str = "", is_private: bool = False) -> Channel:
    """Its maker is its first member. Raises NotAllowedError, RefusedError, ConflictError for a name that is taken."""
    check_may_create(by)
    slug = slug_of(name)
    try:
        with transaction.atomic():
            channel = Channel.objects.create(
                organization_id=by.organization_id,
                slug=slug,
                topic=" ".join(rules.cleaned(topic).split())[:300],
                is_private=is_private,
                created_by_user_id=None if by.kind is ActorKind.POD else by.user_id,
                created_by_pod_id=by.pod_id,
            )
            join(channel, by=by)
            record(by, "channel.create", f"#{slug}")
    except IntegrityError as error:
        raise ConflictError("name_taken", f"There is a Channel #{slug} already.") from error
    announce(by.organization_id, "channel", slug)
    return channel


def join(channel: Channel, *, by: Actor) -> Member:
    """Idempotent. A newcomer's cursors start at the present: earlier messages can be read, they do not wait.

    Raises RefusedError for whom is neither a person nor a Pod.
    """
    if by.pod_id is not None:
        return _add(channel, pod_id=by.pod_id)
    if by.user_id is None:
        raise RefusedError("not_a_member", "Only people and Pods are in Channels.")
    return _add(channel, user_id=by.user_id)


def add_person(channel: Channel, user: User, *, by: Actor) -> Member:
    """Somebody of the same Organization; the caller has checked that `by` may manage."""
    if not user.memberships.filter(organization_id=channel.organization_id).exists():
        raise RefusedError("not_a_member", f"{user.username} is not in this organization.")
    record(by, "channel.add_member", f"#{channel.slug}", member=user.username)
    return _add(channel, user_id=user.pk)


def add_pod(channel: Channel, pod: Pod, *, by: Actor) -> Member:
    if pod.organization_id != channel.organization_id:
        raise RefusedError("not_a_member", f"{pod.key} is not in this organization.")
    if pod.state in ENDED:
        raise ConflictError("pod_ended", f"{pod.key} has ended.")
    record(by, "channel.add_member", f"#{channel.slug}", member=pod.key)
    return _add(channel, pod_id=pod.pk)


def _add(channel: Channel, **who: int) -> Member:
    """`who`: a `pod_id` or a `user_id`."""
    last = Channel.objects.values_list("last_number", flat=True).get(pk=channel.pk)
    start = {"delivered": last, "read": last}
    member, is_new = Member.objects.get_or_create(channel=channel, **who, defaults=start)
    if is_new:
        announce(channel.organization_id, "channel", channel.slug)
    return member


def leave(channel: Channel, *, by: Actor) -> None:
    Member.objects.filter(membership_of(by), channel=channel).delete()
    announce(channel.organization_id, "channel", channel.slug)


def remove(channel: Channel, member: Member, *, by: Actor) -> None:
    """Somebody else; the caller has checked that `by` may manage."""
    record(by, "channel.remove_member", f"#{channel.slug}", member=str(member.pod or member.user))
    member.delete()
    announce(channel.organization_id, "channel", channel.slug)


def archive(channel: Channel, *, by: Actor) -> None:
    """Nothing is lost: it can be read and taken back, not posted in."""
    if Channel.objects.filter(pk=channel.pk, archived_at=None).update(archived_at=now()):
        record(by, "channel.archive", f"#{channel.slug}")
        announce(channel.organization_id, "channel", channel.slug)


def unarchive(channel: Channel, *, by: Actor) -> None:
    if Channel.objects.filter(pk=channel.pk).exclude(archived_at=None).update(archived_at=None):
        record(by, "channel.unarchive", f"#{channel.slug}")
        announce(channel.organization_id, "channel", channel.slug)


def write_document(channel: Channel, *, by: Actor, text: str, version: int) -> int:
    """The new version. `version` is the one the writer has read; a newer one is a ConflictError with it."""
    if len(text) > rules.MAX_DOCUMENT:
        raise RefusedError("too_long", f"A document may have {rules.MAX_DOCUMENT:,} characters.")
    with transaction.atomic():
        written = Channel.objects.filter(
            pk=channel.pk, document_version=version, archived_at=None
        ).update(document=rules.cleaned(text), document_version=F("document_version") + 1)
        if not written:
            raise _document_conflict(channel)
        DocumentVersion.objects.create(
            channel=channel, version=version + 1, text=rules.cleaned(text), author_name=by.name
        )
    announce(channel.organization_id, "channel", channel.slug)
    return version + 1


def _document_conflict(channel: Channel) -> ConflictError:
    channel.refresh_from_db(fields=["document", "document_version", "archived_at"])
    if channel.archived_at:
        return ConflictError("archived", f"#{channel.slug} is archived.")
    return ConflictError(
        "newer_version",
        f"The document is at version {channel.document_version}. Read it, then write again.",
        version=channel.document_version,
        text=channel.document,
    )
