#!/usr/bin/env python3
"""Renders conversations through chat templates with jinja2, in the settings of Transformers.

  make_goldens.py [FOLDER]

FOLDER holds templates/*.jinja and gets goldens/*.json; left out, it is the folder of this script,
and java/chat's own templates are rendered, too.
Needs Python's jinja2 (Debian: python3-jinja2). The settings are those of apply_chat_template:
trim_blocks and lstrip_blocks, the sandbox, loop controls, a block named generation, tojson without
HTML escapes, raise_exception and strftime_now; the clock stands still. Calls' arguments are passed on
as values, and as JSON text to templates that fail on those; an answer that is nothing but calls has
the content none if the template asks for that, else an empty one.
"""

import datetime
import json
import pathlib
import re
import sys

import jinja2
import jinja2.ext
import jinja2.sandbox

HERE = pathlib.Path(__file__).resolve().parent
BUILT_IN = HERE.parents[1] / "java/chat/src/main/resources/org/coreinfer/chat/templates"
NOW = datetime.datetime(2026, 7, 6, 9, 5, 3)
CONTENT_IS_NONE = re.compile(r"content['\"]?\s*\]?\s+is\s+(not\s+)?none")


class Generation(jinja2.ext.Extension):
    """A block whose text is as any other: Transformers marks it for training."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def environment():
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


def messages(conversation, source, arguments_as_text):
    result = []
    for message in conversation["messages"]:
        message = json.loads(json.dumps(message))
        calls = message.get("tool_calls", [])
        if calls and not message["content"] and CONTENT_IS_NONE.search(source):
            message["content"] = None
        for call in calls:
            if not arguments_as_text:
                call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        result.append(message)
    return result


def render(env, source, conversation, special_tokens, arguments_as_text):
    return env.from_string(source).render(
        messages=messages(conversation, source, arguments_as_text),
        tools=conversation.get("tools") or None,
        documents=None,
        add_generation_prompt=conversation.get("add_generation_prompt", True),
        **special_tokens,
        **conversation.get("extra", {}),
    )


def golden(env, source, conversation, special_tokens):
    has_calls = any("tool_calls" in message for message in conversation["messages"])
    for arguments_as_text in [False, True] if has_calls else [False]:
        try:
            return {"text": render(env, source, conversation, special_tokens, arguments_as_text)}
        except (jinja2.exceptions.TemplateError, TypeError, ValueError, AttributeError) as error:
            last = str(error)
    return {"error": last}


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    data = json.loads((HERE / "conversations.json").read_text(encoding="utf-8"))
    (folder / "goldens").mkdir(exist_ok=True)
    env = environment()
    sources = {path.stem: path for path in (folder / "templates").glob("*.jinja")}
    if folder == HERE:
        sources.update({"built-in-" + path.stem: path for path in BUILT_IN.glob("*.jinja")})
    for name, path in sorted(sources.items()):
        source = path.read_text(encoding="utf-8")
        goldens = {
            conversation["name"]: golden(env, source, conversation, data["special_tokens"])
            for conversation in data["conversations"]
        }
        text = json.dumps(goldens, ensure_ascii=False, indent=1) + "\n"
        (folder / "goldens" / (name + ".json")).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
