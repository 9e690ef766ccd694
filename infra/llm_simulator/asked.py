"""A chat request as it came over the wire, read far enough to answer it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Literal

_NAMED = re.compile(r'Reply with JSON for the schema "([^"\n]{1,64})"')
_FENCED = re.compile(r"^<<<[0-9a-f]{16}$\n(.*?)\n^[0-9a-f]{16}>>>$", re.DOTALL | re.MULTILINE)

Style = Literal["openai", "groq", "deepseek"]


class NotUnderstoodError(ValueError):
    """The request breaks the protocol; the message goes into the reply with status 400."""


@dataclass(frozen=True)
class Asked:
    """One request. `content` names all that decides the answer, `subject` what it is about: the data
    in the first user message, so that a repair turn or another way of asking has the same subject."""

    style: Style
    model: str
    messages: list[dict[str, Any]]
    schema: dict[str, Any] | None
    schema_name: str
    described: bool
    """The prompt's own words name the schema."""
    way: Literal["schema", "json", "tool", "text"]
    temperature: float
    seed: int | None
    max_tokens: int | None
    content: str
    subject: str
    n_prompt_tokens: int


def read(body: bytes, style: Style) -> Asked:
    """The request in `body`. Raises NotUnderstoodError that says what is wrong."""
    try:
        told = json.loads(body)
    except ValueError as error:
        raise NotUnderstoodError(f"We could not parse the JSON body of your request ({error}).") from error
    if not isinstance(told, dict):
        raise NotUnderstoodError("The body must be a JSON object.")
    messages = told.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
        raise NotUnderstoodError("Missing required parameter: 'messages'.")
    if told.get("stream"):
        raise NotUnderstoodError('Streaming is not supported by this server: send "stream": false.')
    way, name, schema = _shape(told)
    texts = [_text(message) for message in messages]
    described = _described("\n".join(texts))
    if not name:
        # In JSON and text mode the client names the schema in the prompt.
        name, schema = described
    canonical = json.dumps(told, sort_keys=True, ensure_ascii=False).encode()
    return Asked(
        style=style,
        model=str(told.get("model", "")),
        messages=[{**m, "content": text} for m, text in zip(messages, texts, strict=True)],
        schema=schema,
        schema_name=name,
        described=described[0] != "",
        way=way,
        temperature=float(told.get("temperature") or 0.0),
        seed=told.get("seed"),
        max_tokens=told.get("max_completion_tokens") or told.get("max_tokens"),
        content=_digest(canonical),
        subject=_digest(_subject(messages, texts).encode()),
        n_prompt_tokens=sum(3 + len(text) // 4 for text in texts),
    )


def _shape(told: dict[str, Any]) -> tuple[Any, str, dict[str, Any] | None]:
    """How the answer's shape was asked for, the schema's name and the schema."""
    wanted, tools = told.get("response_format") or {}, told.get("tools") or []
    if (
        not isinstance(wanted, dict)
        or not isinstance(tools, list)
        or not all(isinstance(t, dict) for t in tools)
    ):
        raise NotUnderstoodError("'response_format' must be an object and 'tools' a list of objects.")
    if wanted.get("type") == "json_schema":
        described = wanted.get("json_schema") or {}
        if not isinstance(described.get("schema"), dict):
            raise NotUnderstoodError("Missing required parameter: 'response_format.json_schema.schema'.")
        if described.get("strict") and (complaint := _not_strict(described["schema"])):
            raise NotUnderstoodError(f"Invalid schema for response_format: {complaint}")
        return "schema", str(described.get("name", "")), described["schema"]
    if tools:
        function = tools[0].get("function") or {}
        return "tool", str(function.get("name", "")), function.get("parameters")
    if wanted.get("type") == "json_object":
        if "json" not in " ".join(_text(message) for message in told["messages"]).lower():
            raise NotUnderstoodError("'messages' must contain the word 'json' in some form.")
        return "json", "", None
    return "text", "", None


def _not_strict(schema: Any, where: str = "()") -> str:
    """What OpenAI would refuse about a strict schema, "" for nothing: objects are closed and complete.

    Source: OpenAI, Structured Outputs, "Supported schemas".
    """
    if not isinstance(schema, dict):
        return ""
    properties = schema.get("properties")
    if isinstance(properties, dict):
        if schema.get("additionalProperties") is not False:
            return f"In context={where}, 'additionalProperties' is required to be supplied and to be false."
        if set(schema.get("required") or ()) != set(properties):
            return f"In context={where}, 'required' must be an array that includes every key in properties."
    inner = {**(properties or {}), "items": schema.get("items"), **(schema.get("$defs") or {})}
    inner |= {f"anyOf{i}": one for i, one in enumerate(schema.get("anyOf") or [])}
    return next((told for name, one in inner.items() if (told := _not_strict(one, f"{where}.{name}"))), "")


def _described(prompt: str) -> tuple[str, dict[str, Any] | None]:
    """The name and the schema that the prompt's own words give, if they do."""
    named = _NAMED.search(prompt)
    if named is None:
        return "", None
    start = prompt.find("{", named.end())
    try:
        schema = json.JSONDecoder().raw_decode(prompt, start)[0] if start >= 0 else None
    except ValueError:
        schema = None
    return named[1], schema if isinstance(schema, dict) else None


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _subject(messages: list[dict[str, Any]], texts: list[str]) -> str:
    first = next((t for m, t in zip(messages, texts, strict=True) if m.get("role") == "user"), texts[0])
    fenced = _FENCED.search(first)
    return fenced[1] if fenced else first.split("Reply with JSON for the schema")[0].strip()


def fenced_data(messages: list[dict[str, Any]]) -> Any:
    """The JSON between the fences of the last message that has any; None where there is none."""
    for message in reversed(messages):
        found = list(_FENCED.finditer(message.get("content") or ""))
        if message.get("role") == "user" and found:
            try:
                return json.loads(found[-1][1])
            except ValueError:
                return None
    return None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
