"""One reply in each of the four protocols: as one answer, and as the events of a stream."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

from tests.fake_models.scenario import Reply

PAUSE = object()
"""In a stream of events: wait `chunk_delay_s`."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Event:
    data: Json | str
    name: str = ""

    def __bytes__(self) -> bytes:
        text = self.data if isinstance(self.data, str) else json.dumps(self.data)
        named = f"event: {self.name}\n" if self.name else ""
        return f"{named}data: {text}\n\n".encode()


Events = Iterator[Event | object]


def _id(kind: str) -> str:
    return f"{kind}_{uuid4().hex[:20]}"


def _streamed(reply: Reply, text: str) -> Iterator[str | object]:
    for at, piece in enumerate(reply.pieces(text)):
        if at:
            yield PAUSE
        yield piece


class Anthropic:
    """Messages."""

    @staticmethod
    def whole(body: Mapping[str, Any], reply: Reply) -> Json:
        content: list[Json] = []
        if reply.thinking and body.get("thinking"):
            content.append(
                {"type": "thinking", "thinking": reply.thinking, "signature": "ZmFrZQ=="}
            )
        if reply.text or not reply.calls:
            content.append({"type": "text", "text": reply.text})
        content += [
            {
                "type": "tool_use",
                "id": f"toolu_{call.id}",
                "name": call.name,
                "input": call.arguments,
            }
            for call in reply.calls
        ]
        return {
            "id": _id("msg"),
            "type": "message",
            "role": "assistant",
            "model": body.get("model", "fake"),
            "content": content,
            "stop_reason": "tool_use" if reply.calls else "end_turn",
            "stop_sequence": None,
            "usage": {
                "input_tokens": reply.tokens_in,
                "output_tokens": reply.tokens_out,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
            },
        }

    @classmethod
    def events(cls, body: Mapping[str, Any], reply: Reply) -> Events:
        message = cls.whole(body, reply)
        begun = {**message["usage"], "output_tokens": 1}
        started = {**message, "content": [], "stop_reason": None, "usage": begun}
        yield cls._event("message_start", message=started)
        for index, block in enumerate(message["content"]):
            yield cls._event("content_block_start", index=index, content_block=cls._empty(block))
            for delta in cls._deltas(block, reply):
                if delta is PAUSE:
                    yield PAUSE
                else:
                    yield cls._event("content_block_delta", index=index, delta=delta)
            yield cls._event("content_block_stop", index=index)
        end = {"stop_reason": message["stop_reason"], "stop_sequence": None}
        yield cls._event("message_delta", delta=end, usage=message["usage"])
        yield cls._event("message_stop")

    @staticmethod
    def _event(kind: str, **data: Any) -> Event:
        return Event({"type": kind, **data}, kind)

    @staticmethod
    def _empty(block: Json) -> Json:
        match block["type"]:
            case "tool_use":
                return {**block, "input": {}}
            case "thinking":
                return {"type": "thinking", "thinking": "", "signature": ""}
        return {"type": "text", "text": ""}

    @staticmethod
    def _deltas(block: Json, reply: Reply) -> Iterator[Json | object]:
        match block["type"]:
            case "tool_use":
                for piece in reply.pieces(json.dumps(block["input"])):
                    yield {"type": "input_json_delta", "partial_json": piece}
            case "thinking":
                yield {"type": "thinking_delta", "thinking": block["thinking"]}
                yield {"type": "signature_delta", "signature": block["signature"]}
            case _:
                for piece in _streamed(reply, block["text"]):
                    yield PAUSE if piece is PAUSE else {"type": "text_delta", "text": piece}

    @staticmethod
    def error(status: int) -> Json:
        kinds = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}
        kind = kinds.get(status, "api_error")
        return {
            "type": "error",
            "error": {"type": kind, "message": f"The fake model says {status}."},
        }


class Responses:
    """OpenAI Responses."""

    @staticmethod
    def whole(body: Mapping[str, Any], reply: Reply) -> Json:
        output: list[Json] = []
        if reply.text or not reply.calls:
            said = {"type": "output_text", "text": reply.text, "annotations": []}
            message = {"type": "message", "id": _id("msg"), "role": "assistant"}
            output.append({**message, "status": "completed", "content": [said]})
        for call in reply.calls:
            item = {
                "type": "function_call",
                "id": f"fc_{call.id}",
                "call_id": f"call_{call.id}",
                "name": call.name,
                "arguments": json.dumps(call.arguments),
                "status": "completed",
            }
            output.append(item | ({"namespace": call.namespace} if call.namespace else {}))
        return {
            "id": _id("resp"),
            "object": "response",
            "created_at": int(time.time()),
            "model": body.get("model"),
            "status": "completed",
            "output": output,
            "usage": {
                "input_tokens": reply.tokens_in,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": reply.tokens_out,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": reply.tokens_in + reply.tokens_out,
            },
        }

    @classmethod
    def events(cls, body: Mapping[str, Any], reply: Reply) -> Events:
        numbers = count()

        def event(kind: str, **data: Any) -> Event:
            return Event({"type": kind, "sequence_number": next(numbers), **data}, kind)

        response = cls.whole(body, reply)
        begun = {**response, "status": "in_progress", "output": [], "usage": None}
        yield event("response.created", response=begun)
        for index, item in enumerate(response["output"]):
            empty = {"content": []} if item["type"] == "message" else {"arguments": ""}
            added = {**item, **empty, "status": "in_progress"}
            yield event("response.output_item.added", output_index=index, item=added)
            for kind, data in cls._parts(item, reply):
                yield event(kind, item_id=item["id"], output_index=index, **data) if kind else PAUSE
            yield event("response.output_item.done", output_index=index, item=item)
        yield event("response.completed", response=response)

    @staticmethod
    def _parts(item: Json, reply: Reply) -> Iterator[tuple[str, Json]]:
        """Without a kind: a pause."""
        if item["type"] == "function_call":
            yield "response.function_call_arguments.delta", {"delta": item["arguments"]}
            yield "response.function_call_arguments.done", {"arguments": item["arguments"]}
            return
        text = item["content"][0]["text"]
        empty = {"type": "output_text", "text": "", "annotations": []}
        yield "response.content_part.added", {"content_index": 0, "part": empty}
        for piece in _streamed(reply, text):
            if piece is PAUSE:
                yield "", {}
            else:
                yield "response.output_text.delta", {"content_index": 0, "delta": piece}
        yield "response.output_text.done", {"content_index": 0, "text": text}

    @staticmethod
    def error(status: int) -> Json:
        return _openai_error(status)


class Chat:
    """OpenAI Chat Completions."""

    @staticmethod
    def whole(body: Mapping[str, Any], reply: Reply) -> Json:
        calls = Chat._calls(reply)
        message = {"role": "assistant", "content": reply.text or None}
        choice = {
            "index": 0,
            "finish_reason": "tool_calls" if calls else "stop",
            "message": message | ({"tool_calls": calls} if calls else {}),
        }
        head = Chat._head(body, "chat.completion")
        return {**head, "choices": [choice], "usage": Chat._usage(reply)}

    @classmethod
    def events(cls, body: Mapping[str, Any], reply: Reply) -> Events:
        head = cls._head(body, "chat.completion.chunk")

        def event(delta: Json, finish: str | None = None) -> Event:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            return Event({**head, "choices": [choice]})

        yield event({"role": "assistant", "content": ""})
        for piece in _streamed(reply, reply.text):
            yield PAUSE if piece is PAUSE else event({"content": piece})
        calls = cls._calls(reply)
        if calls:
            yield event({"tool_calls": calls})
        yield event({}, "tool_calls" if calls else "stop")
        yield Event({**head, "choices": [], "usage": cls._usage(reply)})
        yield Event("[DONE]")

    @staticmethod
    def _head(body: Mapping[str, Any], kind: str) -> Json:
        created = int(time.time())
        return {
            "id": _id("chatcmpl"),
            "object": kind,
            "created": created,
            "model": body.get("model"),
        }

    @staticmethod
    def _calls(reply: Reply) -> list[Json]:
        return [
            {
                "index": index,
                "id": f"call_{call.id}",
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for index, call in enumerate(reply.calls)
        ]

    @staticmethod
    def _usage(reply: Reply) -> Json:
        return {
            "prompt_tokens": reply.tokens_in,
            "completion_tokens": reply.tokens_out,
            "total_tokens": reply.tokens_in + reply.tokens_out,
        }

    @staticmethod
    def error(status: int) -> Json:
        return _openai_error(status)


class Gemini:
    """generateContent and streamGenerateContent."""

    @staticmethod
    def whole(body: Mapping[str, Any], reply: Reply) -> Json:
        said = [{"text": reply.text}] if reply.text else []
        return Gemini._chunk(reply, [*said, *Gemini._calls(reply)], "STOP")

    @classmethod
    def events(cls, body: Mapping[str, Any], reply: Reply) -> Events:
        for piece in _streamed(reply, reply.text):
            yield PAUSE if piece is PAUSE else Event(cls._chunk(reply, [{"text": piece}]))
        yield Event(cls._chunk(reply, cls._calls(reply) or [{"text": ""}], "STOP"))

    @staticmethod
    def _calls(reply: Reply) -> list[Json]:
        return [
            {"functionCall": {"name": call.name, "args": call.arguments, "id": call.id}}
            for call in reply.calls
        ]

    @staticmethod
    def _chunk(reply: Reply, parts: list[Json], finish: str = "") -> Json:
        candidate = {"index": 0, "content": {"role": "model", "parts": parts}}
        usage = {
            "promptTokenCount": reply.tokens_in,
            "candidatesTokenCount": reply.tokens_out,
            "totalTokenCount": reply.tokens_in + reply.tokens_out,
        }
        candidate |= {"finishReason": finish} if finish else {}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "fake"}

    @staticmethod
    def error(status: int) -> Json:
        kinds = {401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
        told = {"code": status, "message": f"The fake model says {status}."}
        return {"error": told | {"status": kinds.get(status, "INTERNAL")}}


def _openai_error(status: int) -> Json:
    code = {401: "invalid_api_key", 429: "rate_limit_exceeded"}.get(status, "server_error")
    return {"error": {"message": f"The fake model says {status}.", "type": code, "code": code}}
