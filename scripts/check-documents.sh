#!/usr/bin/env bash
# Files that the documents name in backticks must exist, and their links must lead somewhere. No network is needed.
#
# A name may be a part of a path: `chaos.rs`, `tests/chaos.rs`, `schema/`. Blocks of code, patterns (`css/*.html`),
# paths of the API (`/api/upload`) and placeholders (`<suite>`) are not looked at.
set -euo pipefail
cd "$(dirname "$0")/.."
exec python3 - README.md ARCHITECTURE.md CONTRIBUTING.md SECURITY.md docs/*.md <<'PYTHON'
import pathlib
import posixpath
import re
import subprocess
import sys

NAME = re.compile(r"[\w.][\w./-]*")
SOURCE = re.compile(r"\.(css|html|js|json|md|mjs|png|py|rs|sh|sql|svg|toml|xml|yml)$")
SOURCE_FOLDER = re.compile(r"(^|/)(src|tests|benches)(/|$)")

tree = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout.splitlines()
paths, parts_of_paths = set(), set()
for path in tree:
    parts = path.split("/")
    paths.update("/".join(parts[:end]) for end in range(1, len(parts) + 1))
    parts_of_paths.update("/".join(parts[start:end]) for start in range(len(parts)) for end in range(start + 1, len(parts) + 1))
top = {path.split("/")[0] for path in tree}


def prose(text):
    """A document without its blocks of code, fenced or indented."""
    lines, fenced, code_may_begin = [], False, True
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
            continue
        is_code = fenced or (line.startswith("    ") and code_may_begin)
        code_may_begin = is_code or not line.strip()
        lines.append("" if is_code else line)
    return "\n".join(lines)


def is_file_name(name):
    if not NAME.fullmatch(name):
        return False
    return bool(SOURCE.search(name) or SOURCE_FOLDER.search(name) or name.endswith("/")
                or "/" in name and name.split("/")[0] in top)


def anchors(text):
    """The anchors that a document's headings get."""
    titles = (re.sub(r"\]\([^)]*\)|[`\[]", "", title) for title in re.findall(r"^#+ (.*)$", text, re.M))
    return {re.sub(r"[^\w -]", "", title.strip().lower()).replace(" ", "-") for title in titles}


def mistakes(document, texts):
    text = texts[document]
    for name in sorted(set(re.findall(r"`([^`]+)`", text))):
        if is_file_name(name) and name.rstrip("/") not in parts_of_paths:
            yield f"`{name}` does not exist"
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(document), target)) if target else document
        if target not in paths:
            yield f"the link to {link} leads to no file"
        elif anchor and target in texts and anchor not in anchors(texts[target]):
            yield f"the link to {link} leads to no heading"


texts = {document: prose(pathlib.Path(document).read_text()) for document in sys.argv[1:]}
found = [f"{document}: {mistake}" for document in texts for mistake in mistakes(document, texts)]
if found:
    sys.exit("\n".join(found))
PYTHON
