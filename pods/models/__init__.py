"""The rows. Each file is one idea; state has one writer (`advance`)."""

from pods.models.agent_type import AgentType
from pods.models.binding import Binding
from pods.models.command import Command
from pods.models.credential import CredentialSet, Secret
from pods.models.gateway import Gateway
from pods.models.idempotency import IdempotentAnswer
from pods.models.input_record import InputRecord
from pods.models.pod import KeptScreen, Pod, PodEvent
from pods.models.prompt import Prompt, Receipt
from pods.models.release import Release, Rollout, UpdateAttempt
from pods.models.repository import Repository
from pods.models.review import ReviewComment, ReviewedFile
from pods.models.runner import Certificate, EnrollmentToken, Runner
from pods.models.workspace import Workspace

__all__ = [
    "AgentType",
    "Binding",
    "Certificate",
    "Command",
    "CredentialSet",
    "EnrollmentToken",
    "Gateway",
    "IdempotentAnswer",
    "InputRecord",
    "KeptScreen",
    "Pod",
    "PodEvent",
    "Prompt",
    "Receipt",
    "Release",
    "Repository",
    "ReviewComment",
    "ReviewedFile",
    "Rollout",
    "Runner",
    "Secret",
    "UpdateAttempt",
    "Workspace",
]
