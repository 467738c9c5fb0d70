"""The fake model speaks each protocol as its agents read it, follows its script, and tells what it was asked."""

import json
import urllib.error
import urllib.request

import pytest

from tests.fake_models import FakeModels

TOOL = "mcp__mesh__create_pod"
SCRIPT = {
    "rules": [
        {
            "match": "make a pod",
            "steps": [
                {"text": "I make one. ", "tool": "create_pod", "args": {"name": "β"}},
                {"text": "It said {{result}}.", "usage": {"in": 120, "out": 7}},
            ],
        },
        {"match": "no such", "steps": [{"tool": "not_there"}]},
        {
            "match": "busy",
            "steps": [{"error": 529, "times": 2, "retry_after": 0}, {"text": "At last."}],
        },
        {"match": "refuse", "steps": [{"error": 401}]},
        {"match": "touch", "steps": [{"shell": "touch x"}]},
        {"match": "only", "offered": "^mcp", "steps": [{"text": "With tools."}]},
        {"match": "slowly", "steps": [{"text": "a" * 10, "chunk": 2, "chunk_delay": 0.02}]},
    ],
    "default": {"text": "Nothing to do."},
}


class Client:
    """Asks in one protocol, as far as these tests need."""

    def __init__(self, protocol, url):
        self.protocol, self.url = protocol, url

    def ask(self, *said, result=None, tools=(TOOL,), stream=True):
        path, body = getattr(self, self.protocol)(said, result, tools)
        if self.protocol == "gemini":
            path += ":streamGenerateContent?alt=sse" if stream else ":generateContent"
        else:
            body["stream"] = stream
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Authorization": "Bearer the-key"}
        )
        with urllib.request.urlopen(request) as answer:
            data = answer.read().decode()
        return self._events(data) if stream else [json.loads(data)]

    @staticmethod
    def _events(data):
        lines = [
            line.removeprefix("data: ") for line in data.splitlines() if line.startswith("data:")
        ]
        return [json.loads(line) for line in lines if line != "[DONE]"]

    @staticmethod
    def anthropic(said, result, tools):
        messages = [{"role": "user", "content": text} for text in said]
        if result is not None:
            messages.append(
                {"role": "user", "content": [{"type": "tool_result", "content": result}]}
            )
        return "/v1/messages", {
            "model": "m",
            "messages": messages,
            "tools": [{"name": t} for t in tools],
        }

    @staticmethod
    def responses(said, result, tools):
        items = [{"type": "message", "role": "user", "content": [{"text": text}]} for text in said]
        if result is not None:
            items.append({"type": "function_call_output", "output": result})
        return "/v1/responses", {
            "model": "m",
            "input": items,
            "tools": [{"name": t} for t in tools],
        }

    @staticmethod
    def chat(said, result, tools):
        messages = [{"role": "user", "content": text} for text in said]
        if result is not None:
            messages.append({"role": "tool", "content": result})
        listed = [{"type": "function", "function": {"name": t}} for t in tools]
        return "/v1/chat/completions", {"model": "m", "messages": messages, "tools": listed}

    @staticmethod
    def gemini(said, result, tools):
        contents = [{"role": "user", "parts": [{"text": text}]} for text in said]
        if result is not None:
            contents.append({"role": "user", "parts": [{"functionResponse": {"response": result}}]})
        listed = [{"functionDeclarations": [{"name": t} for t in tools]}]
        return "/v1beta/models/m", {"contents": contents, "tools": listed}


def anthropic_parts(events):
    if "content" in events[0]:
        parts, usage = events[0]["content"], events[0]["usage"]
        text = "".join(part.get("text", "") for part in parts)
        calls = [(part["name"], part["input"]) for part in parts if part["type"] == "tool_use"]
        return text, calls, (usage["input_tokens"], usage["output_tokens"])
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    starts = [event["content_block"] for event in events if event["type"] == "content_block_start"]
    names = [block["name"] for block in starts if block["type"] == "tool_use"]
    given = "".join(delta.get("partial_json", "") for delta in deltas)
    usage = next(event["usage"] for event in events if event["type"] == "message_delta")
    text = "".join(delta.get("text", "") for delta in deltas)
    return (
        text,
        [(name, json.loads(given)) for name in names],
        (usage["input_tokens"], usage["output_tokens"]),
    )


def responses_parts(events):
    response = events[-1].get("response", events[-1])
    deltas = [
        event["delta"] for event in events if event.get("type") == "response.output_text.delta"
    ]
    said = [item["content"][0]["text"] for item in response["output"] if item["type"] == "message"]
    assert not deltas or "".join(deltas) == "".join(said)
    calls = [item for item in response["output"] if item["type"] == "function_call"]
    usage = response["usage"]
    made = [(call["name"], json.loads(call["arguments"])) for call in calls]
    return "".join(said), made, (usage["input_tokens"], usage["output_tokens"])


def chat_parts(events):
    choices = [choice for event in events for choice in event["choices"]]
    said = [choice.get("delta") or choice.get("message") for choice in choices]
    calls = [call["function"] for each in said if each for call in each.get("tool_calls", ())]
    usage = events[-1]["usage"]
    text = "".join(each.get("content") or "" for each in said if each)
    made = [(call["name"], json.loads(call["arguments"])) for call in calls]
    return text, made, (usage["prompt_tokens"], usage["completion_tokens"])


def gemini_parts(events):
    parts = [part for event in events for part in event["candidates"][0]["content"]["parts"]]
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    usage = events[-1]["usageMetadata"]
    text = "".join(part.get("text", "") for part in parts)
    made = [(call["name"], call["args"]) for call in calls]
    return text, made, (usage["promptTokenCount"], usage["candidatesTokenCount"])


PARTS = {
    "anthropic": anthropic_parts,
    "responses": responses_parts,
    "chat": chat_parts,
    "gemini": gemini_parts,
}


@pytest.fixture
def models():
    with FakeModels(SCRIPT) as models:
        yield models


@pytest.fixture(params=PARTS)
def client(request, models):
    return Client(request.param, models.url)


@pytest.fixture
def parts(client):
    return PARTS[client.protocol]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_a_turn_is_a_tool_call_and_then_a_text_with_its_result(client, parts, stream):
    first = parts(client.ask("please make a pod", stream=stream))
    assert first[:2] == ("I make one. ", [(TOOL, {"name": "β"})])
    text, calls, usage = parts(client.ask("please make a pod", result="pod-1", stream=stream))
    assert (calls, usage) == ([], (120, 7))
    assert "pod-1" in text


def test_a_new_text_begins_a_new_turn_whatever_was_called_before(client, parts):
    events = client.ask("make a pod", "and now?", result=None)
    assert parts(events)[:2] == ("Nothing to do.", [])


def test_a_tool_that_is_not_offered_is_said_so(client, parts):
    text, calls, _ = parts(client.ask("use no such tool"))
    assert (text, calls) == ("[not_there is not among the 1 tools]", [])


def test_a_shell_step_calls_the_shell_tool_of_this_agent(client, parts):
    for name, arguments in {
        "Bash": {"command": "touch x", "description": "Run it"},
        "exec_command": {"cmd": "touch x"},
        "run_shell_command": {"command": "touch x", "description": "Run it"},
    }.items():
        assert parts(client.ask("touch", tools=(name,)))[1] == [(name, arguments)]


def test_a_rule_may_be_for_requests_that_offer_a_tool(client, parts):
    assert parts(client.ask("only with"))[0] == "With tools."
    assert parts(client.ask("only with", tools=()))[0] == "Nothing to do."


def test_what_was_asked_is_recorded_as_it_came(client, models):
    said = "make a pod\n\t“名前” \x1b[31m{x}"
    client.ask("before", said, tools=(TOOL, "other"))
    (recorded,) = models.requests
    assert recorded.asked.said == ["before", said]
    assert (recorded.asked.tools, recorded.key) == ({TOOL: None, "other": None}, "the-key")
    assert recorded.protocol == client.protocol
    assert models.wait_for(lambda each: each.asked.last == said) == recorded


@pytest.mark.parametrize(("prompt", "status"), [("refuse", 401), ("busy", 529)])
def test_an_error_is_an_http_status_with_a_reason(client, prompt, status):
    with pytest.raises(urllib.error.HTTPError) as refused:
        client.ask(prompt)
    with refused.value as answer:
        assert (answer.code, str(status) in answer.read().decode()) == (status, True)


def test_an_error_passes_after_the_times_that_the_script_names(client, parts):
    for _ in range(2):
        with pytest.raises(urllib.error.HTTPError) as refused:
            client.ask("busy")
        refused.value.close()
    assert parts(client.ask("busy"))[0] == "At last."


def test_another_key_than_the_scripts_is_refused(client, models):
    models.scenario.key = "another-key"
    with pytest.raises(urllib.error.HTTPError) as refused:
        client.ask("hello")
    with refused.value as answer:
        assert answer.code == 401


def test_a_slow_stream_comes_in_pieces(client, parts):
    events = client.ask("slowly")
    assert parts(events)[0] == "a" * 10
    said = [event for event in events if '"aa"' in json.dumps(event)]
    assert len(said) == 5


def test_an_agents_own_remarks_are_no_texts_of_the_person(models):
    client = Client("anthropic", models.url)
    client.ask("<system-reminder>today is</system-reminder>", "hello")
    client.ask("<environment_context>x</environment_context>")
    assert [each.asked.said for each in models.requests] == [["hello"], []]


def test_tools_in_a_namespace_are_called_in_it(models):
    body = {
        "input": "make a pod",
        "tools": [{"type": "namespace", "name": "mcp__mesh", "tools": [{"name": "create_pod"}]}],
    }
    request = urllib.request.Request(models.url + "/v1/responses", json.dumps(body).encode())
    with urllib.request.urlopen(request) as answer:
        call = json.loads(answer.read())["output"][1]
    assert (call["namespace"], call["name"]) == ("mcp__mesh", "create_pod")


def test_tokens_are_counted_and_models_listed(models):
    request = urllib.request.Request(models.url + "/v1/messages/count_tokens", b"{}" * 20)
    with urllib.request.urlopen(request) as answer:
        assert json.loads(answer.read())["input_tokens"] == 11
    with urllib.request.urlopen(models.url + "/v1/models") as answer:
        assert json.loads(answer.read())["data"][0]["id"] == "fake-model"
