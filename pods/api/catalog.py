"""What Pods work on: repositories."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from pods.access import Need, repositories_for, repository_for
from pods.api import asked
from pods.api.documented import PAGED, REPEATABLE, page_of
from pods.api.door import Door
from pods.api.idempotency import once
from pods.api.shapes import RepositoryShape
from pods.services.repositories import (
    RepositorySettings,
    change_repository,
    create_repository,
    remove_repository,
)


class Repositories(Door):
    @extend_schema(
        operation_id="repositories_list", parameters=PAGED, responses=page_of(RepositoryShape)
    )
    def get(self, _request: Request) -> Response:
        return self.page(repositories_for(self.actor), RepositoryShape)

    @extend_schema(
        operation_id="repositories_create",
        parameters=REPEATABLE,
        request=asked.NewRepository,
        responses={201: RepositoryShape},
    )
    @once
    def post(self, _request: Request) -> Response:
        repository = create_repository(by=self.actor, **self.taken(asked.NewRepository))
        return Response(RepositoryShape(repository).data, status=201)


class OneRepository(Door):
    @extend_schema(operation_id="repositories_read", responses=RepositoryShape)
    def get(self, _request: Request, slug: str) -> Response:
        return Response(RepositoryShape(repository_for(self.actor, slug)).data)

    @extend_schema(
        operation_id="repositories_change",
        request=asked.ChangedRepository,
        responses=RepositoryShape,
    )
    def patch(self, _request: Request, slug: str) -> Response:
        repository = repository_for(self.actor, slug, Need.MANAGE)
        settings = RepositorySettings(**self.taken(asked.ChangedRepository))
        change_repository(repository, by=self.actor, settings=settings)
        return Response(RepositoryShape(repository).data)

    @extend_schema(operation_id="repositories_remove", responses={204: None})
    def delete(self, _request: Request, slug: str) -> Response:
        repository = repository_for(self.actor, slug, Need.MANAGE)
        remove_repository(repository, by=self.actor)
        return Response(status=204)
