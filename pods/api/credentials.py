"""Keys and settings of model providers. What came in as a secret never goes out."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from pods.access import Need, credential_set_for, credentials_for
from pods.api import asked
from pods.api.documented import PAGED, REPEATABLE, page_of
from pods.api.door import Door
from pods.api.idempotency import once
from pods.api.launch_shapes import CredentialSetShape
from pods.models import CredentialSet
from pods.services.credentials import (
    CredentialChanges,
    NewCredentials,
    change_credentials,
    create_credentials,
    delete_credentials,
    with_use,
)

DETACH = OpenApiParameter(
    "detach", bool, description="Also while Pods use it: they keep what they were given."
)


class Credentials(Door):
    @extend_schema(
        operation_id="credentials_list", parameters=PAGED, responses=page_of(CredentialSetShape)
    )
    def get(self, _request: Request) -> Response:
        return self.page(with_use(credentials_for(self.actor)), CredentialSetShape)

    @extend_schema(
        operation_id="credentials_create",
        parameters=REPEATABLE,
        request=asked.NewCredentials,
        responses={201: CredentialSetShape},
    )
    @once
    def post(self, _request: Request) -> Response:
        wanted = NewCredentials(**self.taken(asked.NewCredentials))
        return _shown(create_credentials(by=self.actor, request=wanted), status=201)


class OneCredentialSet(Door):
    @extend_schema(operation_id="credentials_read", responses=CredentialSetShape)
    def get(self, _request: Request, set_id: int) -> Response:
        return _shown(credential_set_for(self.actor, set_id))

    @extend_schema(
        operation_id="credentials_change",
        request=asked.ChangedCredentials,
        responses=CredentialSetShape,
    )
    def patch(self, _request: Request, set_id: int) -> Response:
        credentials = credential_set_for(self.actor, set_id, Need.MANAGE)
        changes = CredentialChanges(**self.taken(asked.ChangedCredentials))
        return _shown(change_credentials(credentials, by=self.actor, changes=changes))

    @extend_schema(operation_id="credentials_delete", parameters=[DETACH], responses={204: None})
    def delete(self, request: Request, set_id: int) -> Response:
        credentials = credential_set_for(self.actor, set_id, Need.MANAGE)
        detach = request.query_params.get("detach") == "true"
        delete_credentials(credentials, by=self.actor, detach=detach)
        return Response(status=204)


def _shown(credentials: CredentialSet, status: int = 200) -> Response:
    found = with_use(CredentialSet.objects.filter(pk=credentials.pk)).get()
    return Response(CredentialSetShape(found).data, status=status)
