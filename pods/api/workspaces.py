"""What a Pod's Workspace is asked to do, and its review: commit, push, remove, restore, ticks, comments."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer

from pods.access import Need, pod_for
from pods.api import asked
from pods.api.documented import FREE, REPEATABLE, of
from pods.api.door import Door
from pods.api.idempotency import once, once_on_a_runner
from pods.models import ReviewComment
from pods.services import merge_requests, reviews, workspaces
from pods.services.reviews import Remark

COMMITTED = of(
    "Committed",
    commit=serializers.CharField(),
    files=serializers.IntegerField(),
    branch=serializers.CharField(),
)
PUSHED = of(
    "Pushed",
    remote=serializers.CharField(),
    branch=serializers.CharField(),
    head=serializers.CharField(),
)


class CommentShape(ModelSerializer[ReviewComment]):
    class Meta:
        model = ReviewComment
        fields = ("id", "path", "line", "side", "quoted", "text", "created_at")
        read_only_fields = fields


class CommitWorkspace(Door):
    @extend_schema(
        operation_id="pods_workspace_commit",
        parameters=REPEATABLE,
        request=asked.Commit,
        responses=COMMITTED,
    )
    @once_on_a_runner
    def post(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.MANAGE)
        wanted = self.taken(asked.Commit)
        return Response(workspaces.commit_workspace(pod, by=self.actor, **wanted))


class PushWorkspace(Door):
    @extend_schema(
        operation_id="pods_workspace_push",
        parameters=REPEATABLE,
        request=asked.Push,
        responses=PUSHED,
    )
    @once_on_a_runner
    def post(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.MANAGE)
        return Response(workspaces.push_workspace(pod, by=self.actor, **self.taken(asked.Push)))


class RemoveWorkspace(Door):
    @extend_schema(
        operation_id="pods_workspace_remove",
        description="To its Runner's trash for 14 days. With work that is nowhere else only by name.",
        parameters=REPEATABLE,
        request=asked.RemoveWorkspace,
        responses=FREE,
    )
    @once_on_a_runner
    def post(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.MANAGE)
        wanted = self.taken(asked.RemoveWorkspace)
        return Response(workspaces.remove_workspace(pod, by=self.actor, **wanted))


class RestoreWorkspace(Door):
    @extend_schema(
        operation_id="pods_workspace_restore",
        parameters=REPEATABLE,
        request=None,
        responses=FREE,
    )
    @once_on_a_runner
    def post(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.MANAGE)
        return Response(workspaces.restore_workspace(pod, by=self.actor))


class OpenMergeRequest(Door):
    @extend_schema(
        operation_id="pods_workspace_merge_request",
        description="A pull or merge request from the pushed branch, with the repository's token.",
        parameters=REPEATABLE,
        request=asked.MergeRequest,
        responses={201: of("Merging", url=serializers.URLField())},
    )
    @once_on_a_runner
    def post(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.MANAGE)
        wanted = self.taken(asked.MergeRequest)
        url = merge_requests.open_merge_request(pod, by=self.actor, **wanted)
        return Response({"url": url}, status=201)


# ---- Review


class Ticks(Door):
    @extend_schema(operation_id="pods_review_ticks", responses=FREE)
    def get(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.READ)
        return Response(reviews.ticks(pod, by=self.actor))

    @extend_schema(
        operation_id="pods_review_tick",
        parameters=REPEATABLE,
        request=asked.Tick,
        responses=FREE,
    )
    @once
    def post(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.READ)
        wanted = self.taken(asked.Tick)
        if wanted["reviewed"]:
            blob = wanted.get("blob", "")
            reviews.tick(pod, by=self.actor, path=wanted["path"], blob=blob)
        else:
            reviews.untick(pod, by=self.actor, path=wanted["path"])
        return Response(reviews.ticks(pod, by=self.actor))


class Comments(Door):
    @extend_schema(operation_id="pods_review_comments", responses=CommentShape(many=True))
    def get(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.READ)
        return Response(CommentShape(reviews.waiting(pod, by=self.actor), many=True).data)

    @extend_schema(
        operation_id="pods_review_comment",
        parameters=REPEATABLE,
        request=asked.Comment,
        responses={201: CommentShape},
    )
    @once
    def post(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.READ)
        made = reviews.comment(pod, Remark(**self.taken(asked.Comment)), by=self.actor)
        return Response(CommentShape(made).data, status=201)


class OneComment(Door):
    @extend_schema(operation_id="pods_review_comment_remove", responses={204: None})
    def delete(self, _request: Request, key: str, comment_id: int) -> Response:
        pod = pod_for(self.actor, key, Need.READ)
        reviews.take_back(pod, comment_id, by=self.actor)
        return Response(status=204)


class SendComments(Door):
    @extend_schema(
        operation_id="pods_review_send",
        description="All of one's comments as one prompt.",
        parameters=REPEATABLE,
        request=asked.SendComments,
        responses=of(
            "CommentsSent", prompt=serializers.IntegerField(), text=serializers.CharField()
        ),
    )
    @once
    def post(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.TYPE)
        prompt = reviews.send(pod, by=self.actor, **self.taken(asked.SendComments))
        return Response({"prompt": prompt.pk, "text": prompt.text})
