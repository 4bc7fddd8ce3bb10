"""The page as one file: its modules in one script, its style and its data within it, and a policy that allows these and nothing else.

The modules are written so that this needs no tool: they import each other by name, at their top, and never in a circle.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files
from urllib.parse import quote

from pydantic import JsonValue

from agentkit.codec import dumps

ENTRY = "app"

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([a-z]+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
_NOTHING = re.compile(r"^export \{\};\n", re.MULTILINE)

POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; img-src data:; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


def page_with(data: JsonValue) -> str:
    """The page, holding what it shows.

    Args:
        data: What the page is told of the run.
    """
    script, style = script_of(_texts(".js")), _text("style.css")
    icon = f"data:image/svg+xml,{quote(_text('icon.svg'))}"
    policy = POLICY.format(script=_fingerprint(script), style=_fingerprint(style))
    held = dumps(data).replace("<", "\\u003c")
    changes = {
        '<meta charset="utf-8">\n': '<meta charset="utf-8">\n'
        f'<meta http-equiv="content-security-policy" content="{policy}">\n<meta name="referrer" content="no-referrer">\n',
        'href="icon.svg"': f'href="{icon}"',
        '<link rel="stylesheet" href="style.css">': f"<style>{style}</style>",
        '<script type="module" src="app.js"></script>\n': "",
        "</body>": f'<script type="application/json" id="data">{held}</script>\n<script type="module">{script}</script>\n</body>',
    }
    text = _text("index.html")
    for old, new in changes.items():
        before, found, after = text.partition(old)
        assert found, old
        text = before + new + after
    return text


def script_of(modules: Mapping[str, str]) -> str:
    """Modules as one script: each a function that gives what it exports, after those that it imports from."""
    written: dict[str, str] = {}

    def write(name: str) -> None:
        if name in written:
            return
        source = modules[name]
        for _, other in _IMPORT.findall(source):
            write(other)
        written[name] = _as_function(name, source)

    write(ENTRY)
    script = "\n".join(written.values())
    # It would end the script that it stands in.
    assert "</script" not in script.lower()
    return script


def _as_function(name: str, source: str) -> str:
    exported = [found[1] for found in _EXPORT.finditer(source)]
    body = _IMPORT.sub(lambda found: f"const {{{found[1].replace(' as ', ': ')}}} = ${found[2]};\n", source)
    body = _NOTHING.sub("", _EXPORT.sub("", body))
    return f"const ${name} = (() => {{\n{body}return {{ {', '.join(exported)} }};\n}})();"


def _text(name: str) -> str:
    return files("agentkit.viewer").joinpath("static", name).read_text(encoding="utf-8")


def _texts(end: str) -> dict[str, str]:
    folder = files("agentkit.viewer").joinpath("static")
    return {
        each.name.removesuffix(end): each.read_text(encoding="utf-8")
        for each in folder.iterdir()
        if each.name.endswith(end)
    }


def _fingerprint(text: str) -> str:
    """How a policy names a text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
