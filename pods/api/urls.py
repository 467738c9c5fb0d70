"""The addresses of the API, below `/api/`."""

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from pods.api import (
    agent_types,
    answering,
    bindings,
    catalog,
    credentials,
    pods,
    prompts,
    runners,
    terminals,
    tokens,
)
from pods.api.door import Nowhere

_v1 = [
    path("me/", tokens.Me.as_view()),
    path("tokens/", tokens.Tokens.as_view()),
    path("tokens/<int:token_id>/revoke/", tokens.RevokeToken.as_view()),
    path("pods/", pods.Pods.as_view()),
    path("pods/<slug:key>/", pods.OnePod.as_view()),
    path("pods/<slug:key>/events/", pods.PodEvents.as_view()),
    path("pods/<slug:key>/terminate/", pods.TerminatePod.as_view()),
    path("pods/<slug:key>/execute/", pods.ExecuteInPod.as_view()),
    path("pods/<slug:key>/input/", terminals.TypeIntoPod.as_view()),
    path("pods/<slug:key>/resize/", terminals.ResizePod.as_view()),
    path("pods/<slug:key>/screen/", terminals.PodScreen.as_view()),
    path("pods/<slug:key>/output/", terminals.PodOutput.as_view()),
    path("pods/<slug:key>/workspace/", terminals.PodWorkspace.as_view()),
    path("pods/<slug:key>/workspace/log/", terminals.PodLog.as_view()),
    path("pods/<slug:key>/workspace/diff/", terminals.PodDiff.as_view()),
    path("pods/<slug:key>/input-records/", bindings.InputRecords.as_view()),
    path("pods/<slug:key>/answer/", answering.AnswerPod.as_view()),
    path("pods/<slug:key>/interrupt/", answering.InterruptPod.as_view()),
    path("pods/<slug:key>/prompts/", prompts.PodPrompts.as_view()),
    path("prompts/<int:prompt_id>/", prompts.OnePrompt.as_view()),
    path("prompts/<int:prompt_id>/move/", prompts.MovePrompt.as_view()),
    path("prompts/<int:prompt_id>/retry/", prompts.RetryPrompt.as_view()),
    path("bindings/", bindings.Bindings.as_view()),
    path("bindings/<int:binding_id>/", bindings.OneBinding.as_view()),
    path("bindings/<int:binding_id>/accept/", bindings.AcceptBinding.as_view()),
    path("bindings/<int:binding_id>/reject/", bindings.RejectBinding.as_view()),
    path("bindings/<int:binding_id>/release/", bindings.ReleaseBinding.as_view()),
    path("runners/", runners.Runners.as_view()),
    path("runners/enrollment-tokens/", runners.EnrollmentTokens.as_view()),
    path("runners/<int:runner_id>/", runners.OneRunner.as_view()),
    path("runners/<int:runner_id>/drain/", runners.DrainRunner.as_view()),
    path("runners/<int:runner_id>/resume/", runners.ResumeRunner.as_view()),
    path("runners/<int:runner_id>/revoke/", runners.RevokeRunner.as_view()),
    path("runners/<int:runner_id>/login/", runners.RunnersLogin.as_view()),
    path("agent-types/", agent_types.AgentTypes.as_view()),
    path("agent-types/<slug:agent_type>/", agent_types.OneAgentType.as_view()),
    path("credentials/", credentials.Credentials.as_view()),
    path("credentials/<int:set_id>/", credentials.OneCredentialSet.as_view()),
    path("repositories/", catalog.Repositories.as_view()),
    path("repositories/<slug:slug>/", catalog.OneRepository.as_view()),
    path("commands/<uuid:command_id>/", runners.OneCommand.as_view()),
]

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    path("v1/", include(_v1)),
    re_path(r"", Nowhere.as_view()),
]
