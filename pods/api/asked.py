"""What comes in: the bodies of POSTs. Meaning is judged by the services."""

from typing import Any

from rest_framework import serializers

from accounts.actor import Scope
from pods.declarations import PERMISSIONS, PROVIDERS
from pods.services.execute import TIMEOUT_DEFAULT_S


class Asked(serializers.Serializer[Any]):
    """Null means: not given. A field nobody knows is an error, so that a typing mistake is no silent default."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            data = {name: value for name, value in data.items() if value is not None}
            if unknown := sorted(data.keys() - self.fields.keys()):
                raise serializers.ValidationError(dict.fromkeys(unknown, "There is no such field."))
        return super().to_internal_value(data)


def verbatim(*, required: bool = False, **options: Any) -> serializers.CharField:
    """As it was written: spaces at its ends and an empty one are what somebody asked for."""
    options.setdefault("allow_blank", not required)
    return serializers.CharField(required=required, trim_whitespace=False, **options)


class NewPod(Asked):
    agent_type = verbatim(required=True, help_text="Slug of an agent type.")
    repository = verbatim(help_text="Slug of a repository. Without one the Workspace is empty.")
    base = verbatim(
        help_text="Branch, tag or commit to start from; the repository's default if empty."
    )
    branch = verbatim(help_text="Name of the new branch; mesh/<key> if empty.")
    prompt = verbatim(help_text="Typed into the agent once it is ready.")
    runner = verbatim(help_text="Name or id of the Runner it must run on.")
    labels = serializers.DictField(
        child=verbatim(), required=False, help_text="Labels its Runner must have."
    )
    name = serializers.CharField(required=False, allow_blank=True)
    env = serializers.DictField(child=verbatim(), required=False)
    argv = serializers.ListField(
        child=verbatim(),
        required=False,
        help_text="Command line, for agent types without their own.",
    )
    permissions = serializers.ChoiceField(
        choices=PERMISSIONS,
        required=False,
        help_text="What the agent may do unasked. Default: the organization's.",
    )
    model = verbatim(help_text="Default: the credential set's, else the agent's own.")
    version = verbatim(help_text="Of the agent. Default: as its type declares.")
    credentials = verbatim(
        help_text="Slug of a credential set, or “runner” for the login of the Runner's own user, or "
        "“none”. Default: your own set that fits, else the organization's, else the Runner's login "
        "where it is lent."
    )
    cols = serializers.IntegerField(required=False)
    rows = serializers.IntegerField(required=False)


class Terminate(Asked):
    grace_s = serializers.FloatField(
        required=False, help_text="Seconds between asking the agent to end and ending it."
    )


class Execute(Asked):
    argv = serializers.ListField(child=verbatim(), required=False)
    shell = verbatim(help_text="A line for sh, instead of argv.")
    timeout_s = serializers.FloatField(default=TIMEOUT_DEFAULT_S)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("argv" in attrs) == ("shell" in attrs):
            raise serializers.ValidationError("Give either argv or shell.")
        if "shell" in attrs:
            attrs["argv"] = ["sh", "-c", attrs.pop("shell")]
        return attrs


class Input(Asked):
    text = verbatim(help_text="Typed as a paste if the program asked for that.")
    keys = serializers.ListField(child=verbatim(), required=False, max_length=1000)
    submit = serializers.BooleanField(default=False, help_text="Enter at the end.")


class Resize(Asked):
    cols = serializers.IntegerField()
    rows = serializers.IntegerField()


class NewRepository(Asked):
    name = serializers.CharField()
    url = serializers.CharField()
    default_branch = verbatim()


class ChangedRepository(Asked):
    name = serializers.CharField(required=False)
    default_branch = verbatim()
    copy_from = verbatim(help_text="Directory on the Runner; its operator allows it.")
    copy_globs = serializers.ListField(
        child=verbatim(), required=False, help_text='Ignored files, such as [".env"].'
    )
    setup_script = verbatim(help_text="For sh, in each new Workspace before the agent.")
    setup_timeout_s = serializers.IntegerField(required=False)
    credentials = verbatim(help_text="Slug of a credential set: its key is the token for pushes.")


class Commit(Asked):
    message = verbatim(required=True)
    paths = serializers.ListField(
        child=verbatim(),
        required=False,
        help_text="These alone; all that is not ignored if left out.",
    )


class Push(Asked):
    remote = verbatim(help_text="origin if left out.")
    branch = verbatim(help_text="Under its own name if left out.")


class RemoveWorkspace(Asked):
    confirm = verbatim(help_text="The Pod's key, to remove it with work that is nowhere else.")


class MergeRequest(Asked):
    title = serializers.CharField()
    body = verbatim()
    base = verbatim(help_text="Where it is to go; the Workspace's base if left out.")


class Resume(Asked):
    prompt = verbatim(help_text="Given to the agent once it is ready.")


class Fork(Resume):
    branch = verbatim(help_text="Name of the new branch; mesh/<key> if left out.")
    name = serializers.CharField(required=False, allow_blank=True)


class Tick(Asked):
    path = verbatim(required=True)
    blob = verbatim(help_text="What the file holds, as the diff names it.")
    reviewed = serializers.BooleanField(default=True)


class Comment(Asked):
    path = verbatim(required=True)
    line = serializers.IntegerField(min_value=1)
    side = serializers.ChoiceField(choices=["old", "new"], default="new")
    quoted = verbatim()
    text = verbatim(required=True)


class SendComments(Asked):
    text = verbatim(help_text="Instead of what is made of the comments.")


class NewAgentType(Asked):
    """A declaration, or a command line and no more."""

    slug = serializers.CharField(required=False, max_length=40)
    name = serializers.CharField(required=False, max_length=80)
    declaration = serializers.JSONField(
        required=False,
        help_text="A table as docs/agent-types.md describes it, or its TOML as text.",
    )
    description = serializers.CharField(required=False, allow_blank=True, max_length=300)
    argv = serializers.ListField(child=verbatim(), required=False)
    env = serializers.DictField(child=verbatim(), required=False)
    detect = serializers.CharField(required=False, allow_blank=True, max_length=100)


class ChangedAgentType(Asked):
    declaration = serializers.JSONField(
        required=False, help_text="The whole of it, as a table or as TOML. Its slug stays."
    )
    enabled = serializers.BooleanField(required=False)


class NewCredentials(Asked):
    """What is given here as a secret is never shown again."""

    name = serializers.CharField(max_length=80)
    slug = serializers.CharField(required=False, allow_blank=True, max_length=40)
    provider = serializers.ChoiceField(choices=list(PROVIDERS))
    api_key = verbatim(write_only=True)
    base_url = verbatim(write_only=True)
    model = verbatim(help_text="For Pods that name none.")
    personal = serializers.BooleanField(
        required=False, help_text="For yourself alone; else for the organization."
    )


class ChangedCredentials(Asked):
    name = serializers.CharField(required=False, max_length=80)
    api_key = verbatim(write_only=True, help_text="A new key in place of the old one.")
    base_url = verbatim(write_only=True, help_text="Empty: none any more.")
    model = verbatim(help_text="Empty: none any more.")


class RunnersLogin(Asked):
    lent = serializers.BooleanField(
        help_text="Whether Pods may use the logins that the Runner's own user has."
    )


class NewToken(Asked):
    name = serializers.CharField(max_length=100)
    scopes = serializers.MultipleChoiceField(choices=[*Scope])
    expires_in_days = serializers.IntegerField(default=90, min_value=1, max_value=366)
