#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""arcentra lsp, as an editor speaks to it: a scripted client over pipes."""
import json
import os
import pathlib
import select
import subprocess
import tempfile
import time

from harness import PATIENCE, case, check, program, run_cases, same

GOOD = """namespace: demo.editor
variables:
  target: staging
jobs:
- name: build
  description: Makes it.
  steps:
  - name: make
    run: make
- name: test
  dependsOn: [build]
  when: variables.target == "staging"
  steps:
  - name: check
    run: make check
    env:
      RESULT: ${{ needs.build.result }}
"""


class Editor:
    def __init__(self, encodings=None):
        env = {key: value for key, value in os.environ.items() if not key.startswith("ARCENTRA_")}
        self.process = subprocess.Popen([program("arcentra"), "lsp"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
        self.number = 0
        self.buffer = b""
        self.version = 0
        self.notices = []
        general = {"positionEncodings": encodings} if encodings else {}
        self.abilities = self.ask("initialize", {"capabilities": {"general": general}})
        self.tell("initialized", {})

    def write(self, message):
        text = json.dumps(dict(message, jsonrpc="2.0")).encode()
        self.raw(b"Content-Length: %d\r\n\r\n%s" % (len(text), text))

    def raw(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def more(self, end):
        ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
        check(ready, "the server says nothing")
        data = os.read(self.process.stdout.fileno(), 65536)
        check(data, "the server is gone")
        self.buffer += data

    def message(self):
        end = time.monotonic() + PATIENCE
        while b"\r\n\r\n" not in self.buffer:
            self.more(end)
        head, _, rest = self.buffer.partition(b"\r\n\r\n")
        length = int(head.split(b":")[1])
        while len(rest) < length:
            self.more(end)
            rest = self.buffer.partition(b"\r\n\r\n")[2]
        self.buffer = rest[length:]
        return json.loads(rest[:length].decode())

    def answer(self, number):
        while True:
            message = self.message()
            if message.get("id") == number:
                return message
            self.notices.append(message)

    def ask(self, method, params, number=None):
        self.number += 1
        number = self.number if number is None else number
        self.write({"id": number, "method": method, "params": params})
        message = self.answer(number)
        check("error" not in message, "%s: %r" % (method, message))
        return message["result"]

    def tell(self, method, params):
        self.write({"method": method, "params": params})

    def open(self, text, uri="file:///project/pipeline.yaml"):
        """Opens or changes the document; its findings."""
        self.version += 1
        self.uri = uri
        if self.version == 1:
            self.tell("textDocument/didOpen", {"textDocument": {
                "uri": uri, "languageId": "yaml", "version": self.version, "text": text}})
        else:
            self.tell("textDocument/didChange", {
                "textDocument": {"uri": uri, "version": self.version},
                "contentChanges": [{"text": text}]})
        message = self.message()
        same(message["method"], "textDocument/publishDiagnostics", "what comes of a change")
        same(message["params"]["version"], self.version, "its version")
        return message["params"]["diagnostics"]

    def at(self, method, line, character):
        return self.ask("textDocument/" + method, {"textDocument": {"uri": self.uri},
                                                   "position": {"line": line,
                                                                "character": character}})

    def labels(self, line, character):
        return [item["label"] for item in self.at("completion", line, character)["items"]]

    def close(self, code=0, polite=True):
        if polite:
            same(self.ask("shutdown", None), None, "shutdown")
            self.tell("exit", None)
        self.process.stdin.close()
        same(self.process.wait(PATIENCE), code, "exit code")
        err = self.process.stderr.read().decode()
        check("Sanitizer" not in err and "runtime error" not in err, err)
        self.process.stdout.close()
        self.process.stderr.close()


def place(text, part, behind=0):
    """Line and character of the first place of `part`, from 0; `behind` characters further."""
    offset = text.index(part) + behind
    line = text.count("\n", 0, offset)
    return line, offset - (text.rfind("\n", 0, offset) + 1)


INCLUDING = """namespace: demo.editor
include:
- template: part
  params: {word: hello}
- template: broken
jobs:
- name: own
  dependsOn: [say]
  steps: [{name: s, run: echo own}]
"""
PART = """params: [{name: word}]
jobs:
- name: say
  steps: [{name: s, run: "echo ${{ params.word }}"}]
"""


@case("templates beside a definition are merged in; what is wrong in one is said at its include")
def includes():
    editor = Editor()
    with tempfile.TemporaryDirectory(prefix="arc editor-") as folder:
        uri = pathlib.Path(folder, "pipeline.yaml").as_uri()
        check("%20" in uri, uri)
        for name, text in (("part", PART), ("broken", PART.replace("run:", "rum:"))):
            with open(os.path.join(folder, name + ".yaml"), "w", encoding="utf-8") as file:
                file.write(text.replace("say", name if name == "broken" else "say"))
        found = editor.open(INCLUDING, uri)
        check(found and all(row["range"]["start"] == {"line": 4, "character": 12}
                            for row in found), found)
        check(any("broken.yaml:4: " in row["message"] and "`rum`" in row["message"]
                  for row in found), found)
        same(editor.open(INCLUDING.replace("- template: broken\n", ""), uri), [],
             "findings of one whose templates are fine")
        found = editor.open(INCLUDING.replace("broken", "nowhere"), uri)
        same([(row["code"], row["range"]["start"]["line"]) for row in found], [("ARC0701", 4)],
             "a template that is not there")
    editor.close()


@case("a template that is open by itself is told from a pipeline")
def template_alone():
    editor = Editor()
    found = editor.open("params: [{name: who, default: you}]\njobs:\n- name: a\n"
                        "  steps: [{name: s, run: \"echo ${{ params.who }}\"}]\n")
    same([(row["code"], row["severity"]) for row in found], [("ARC0717", 2)], "what is found")
    editor.close()


@case("findings follow what one types, and go when it is mended")
def diagnostics():
    editor = Editor()
    same(editor.open(GOOD), [], "findings of a good definition")
    bad = GOOD.replace("dependsOn: [build]", "dependsOn: [biuld]")
    finding = [each for each in editor.open(bad) if each["severity"] == 1][0]
    line, character = place(bad, "biuld")
    same(finding["range"]["start"], {"line": line, "character": character}, "where it starts")
    same(finding["range"]["end"], {"line": line, "character": character + 5}, "where it ends")
    check("`build`" in finding["message"], finding["message"])
    check(finding["code"].startswith("ARC") and finding["source"] == "arcentra", repr(finding))
    same(editor.open(GOOD), [], "findings once it is mended")
    editor.close()


@case("a second place of a finding is told with its line")
def related():
    editor = Editor()
    text = GOOD.replace("- name: test", "- name: build")
    findings = editor.open(text)
    places = [info["location"]["range"]["start"]["line"] for each in findings
              for info in each["relatedInformation"]]
    check(4 in places, repr(findings))
    editor.close()


@case("keys are offered that fit the place and are not there yet")
def keys():
    editor = Editor()
    editor.open(GOOD + "  \n")
    line = GOOD.count("\n")
    labels = editor.labels(line, 2)
    check("timeout" in labels and "retry" in labels, repr(labels))
    check("steps" not in labels and "namespace" not in labels, repr(labels))
    labels = editor.labels(line + 1, 0)
    check("stages" in labels and "timeout" in labels and "steps" not in labels, repr(labels))
    editor.open("namespace: d\njobs:\n- name: a\n  steps:\n  - name: s\n    ti\n")
    items = editor.at("completion", 5, 6)["items"]
    (item,) = [item for item in items if item["label"] == "timeout"]
    same(item["textEdit"], {"range": {"start": {"line": 5, "character": 4},
                                      "end": {"line": 5, "character": 6}},
                            "newText": "timeout: "}, "what is put in")
    check(item["documentation"] and item["detail"] == "duration", repr(item))
    editor.close()


@case("words, truths and names of jobs are offered as values")
def values():
    editor = Editor()
    text = ("namespace: d\njobs:\n- name: a\n  steps: [{name: s, run: x}]\n- name: b\n"
            "  dependsOn: [\n  continueOnError: \n  retry: {maxAttempts: 2, backoff: }\n"
            "  steps:\n  - {name: s, r}\n")
    editor.open(text)
    same(editor.labels(*place(text, "[\n", 1)), ["a"], "jobs to depend on")
    same(editor.labels(*place(text, "Error: ", 7)), ["true", "false"], "truths")
    same(editor.labels(*place(text, "backoff: ", 9)), ["fixed", "linear", "exponential"], "words")
    labels = editor.labels(*place(text, "s, r}", 4))
    check("run" in labels and "retry" in labels and "name" not in labels, repr(labels))
    editor.close()


@case("inside an expression contexts, functions and names are offered")
def expressions():
    editor = Editor()
    text = GOOD.replace("needs.build.result", "nee")
    editor.open(text)
    labels = editor.labels(*place(text, "{ nee", 5))
    check("needs" in labels and "startsWith" in labels and "success()" in labels, repr(labels))
    text = GOOD.replace("needs.build.result", "needs.")
    editor.open(text)
    same(editor.labels(*place(text, "needs.", 6)), ["build"], "jobs")
    text = GOOD.replace("needs.build.result", "needs.build.")
    editor.open(text)
    same(editor.labels(*place(text, "needs.build.", 12)), ["result", "outputs"], "of a job")
    text = GOOD.replace('variables.target == "staging"', "trigger.b")
    editor.open(text)
    check("branch" in editor.labels(*place(text, "trigger.b", 9)), "members of trigger")
    editor.close()


@case("hovering tells what a key and a function are for")
def hovering():
    editor = Editor()
    text = GOOD.replace('variables.target == "staging"', 'startsWith(trigger.ref, "v")')
    editor.open(text)
    said = editor.at("hover", *place(text, "dependsOn", 3))
    check("dependsOn" in said["contents"]["value"], repr(said))
    same(said["range"]["end"]["character"] - said["range"]["start"]["character"], 9, "its range")
    check("startsWith(" in editor.at("hover", *place(text, "startsWith", 2))["contents"]["value"],
          "a function")
    check("ref" in editor.at("hover", *place(text, "trigger.ref", 9))["contents"]["value"],
          "a member")
    same(editor.at("hover", *place(text, "make check", 2)), None, "of a script")
    editor.close()


@case("the definition of a job, a step and a variable is found")
def definitions():
    editor = Editor()
    text = GOOD + "      FIRST: ${{ steps.check.outputs.x }}\n"
    editor.open(text)
    for part, behind, target in (("[build]", 2, "name: build"), ("needs.build", 8, "name: build"),
                                 ("steps.check", 7, "name: check")):
        found = editor.at("definition", *place(text, part, behind))
        line, character = place(text, target, 6)
        same(found["range"]["start"], {"line": line, "character": character}, part)
        same(found["uri"], editor.uri, "the document")
    found = editor.at("definition", *place(text, "variables.target", 12))
    same(found["range"]["start"], {"line": 2, "character": 2}, "the variable")
    same(editor.at("definition", *place(text, "make check", 6)), None, "of a script")
    editor.close()


@case("stages, jobs and steps are the outline of a document")
def symbols():
    editor = Editor()
    editor.open(GOOD)
    found = editor.ask("textDocument/documentSymbol", {"textDocument": {"uri": editor.uri}})
    same([(each["name"], [step["name"] for step in each["children"]]) for each in found],
         [("build", ["make"]), ("test", ["check"])], "the outline")
    editor.close()


@case("JSON is helped with as well")
def json_text():
    editor = Editor()
    text = '{"namespace": "d", "jobs": [{"name": "a", "steps": [{"name": "s", "run": "x"}]},\n' \
           '{"name": "b", "dependsOn": ["a"], "ti": 1}]}'
    editor.open(text)
    found = editor.at("definition", *place(text, '["a"]', 2))
    same(found["range"]["start"], {"line": 0, "character": text.index('"a"') + 0}, "the job")
    labels = editor.labels(*place(text, '"ti"', 3))
    check("timeout" in labels and "name" not in labels, repr(labels))
    editor.close()


@case("positions are counted in UTF-16, or in characters for those who can")
def encodings():
    text = 'namespace: d\njobs:\n- {name: a, description: "\U0001F600\U0001F600", zz: 1}\n'
    line = "- {name: a, description: \"\U0001F600\U0001F600\", zz: 1}"
    at = line.index("zz")
    editor = Editor()
    same(editor.abilities["capabilities"]["positionEncoding"], "utf-16", "the default")
    (finding,) = [each for each in editor.open(text) if "`zz`" in each["message"]]
    same(finding["range"]["start"], {"line": 2, "character": at + 2}, "in UTF-16 units")
    editor.close()
    editor = Editor(["utf-32", "utf-16"])
    same(editor.abilities["capabilities"]["positionEncoding"], "utf-32", "what was offered")
    (finding,) = [each for each in editor.open(text) if "`zz`" in each["message"]]
    same(finding["range"]["start"], {"line": 2, "character": at}, "in characters")
    editor.close()


@case("help is given at every place of a text cut anywhere")
def everywhere():
    editor = Editor()
    for cut in range(0, len(GOOD), 7):
        text = GOOD[:cut]
        editor.open(text)
        line = text.count("\n")
        editor.at("completion", line, len(text) - (text.rfind("\n") + 1))
        editor.at("hover", line, 0)
        editor.at("definition", line + 3, 99)
    editor.close()


@case("what a server does not know is refused and ends nothing")
def unknown():
    editor = Editor()
    editor.write({"id": "text-id", "method": "textDocument/foldingRange", "params": {}})
    message = editor.answer("text-id")
    same(message["error"]["code"], -32601, "an unknown method")
    editor.tell("$/setTrace", {"value": "off"})
    editor.write({"id": 77, "method": "textDocument/hover", "params": {
        "textDocument": {"uri": "file:///none"}, "position": {"line": 0, "character": 0}}})
    same(editor.answer(77)["error"]["code"], -32602, "a document that is not open")
    editor.raw(b"Content-Length: 5\r\n\r\n{\"a\":")
    same(editor.message()["error"]["code"], -32700, "broken JSON")
    same(editor.open(GOOD), [], "it still works")
    editor.tell("textDocument/didClose", {"textDocument": {"uri": editor.uri}})
    same(editor.message()["params"]["diagnostics"], [], "findings of a closed document")
    editor.close()


@case("an editor that goes without a word leaves no server behind")
def gone():
    editor = Editor()
    editor.open(GOOD)
    editor.close(code=1, polite=False)


run_cases()
