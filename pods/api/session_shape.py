"""How the Session of a Runner is, as JSON."""

from rest_framework import serializers
from rest_framework.serializers import Serializer

from pods.services.session_health import SessionHealth


class SessionShape(Serializer[SessionHealth]):
    """Of a Runner that is online. Bytes are those of terminals somebody looks at."""

    since = serializers.DateTimeField()
    heard_at = serializers.DateTimeField()
    epoch = serializers.IntegerField()
    gateway = serializers.CharField()
    round_trip_ms = serializers.FloatField(allow_null=True)
    clock_offset_ms = serializers.FloatField(
        allow_null=True, help_text="How far the Runner's clock is ahead of the server's."
    )
    clock_is_off = serializers.BooleanField(help_text="By more than 30 s.")
    unacknowledged_bytes = serializers.IntegerField()
    unacknowledged_commands = serializers.IntegerField(help_text="Sent; not in its ledger yet.")
    waiting_commands = serializers.IntegerField(help_text="Not sent yet.")
