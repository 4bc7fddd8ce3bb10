"""Messages and their contents as JSON values for a page."""

from agentkit.debug.facts import Facts
from agentkit.debug.words import content_text
from agentkit.messages import Content, Image, Message
from agentkit.viewer.texts import Texts

PICTURE = 2_000_000
"""Characters of the data of a picture that is shown; a larger one is named."""

PICTURES = ("data:image/png;base64,", "data:image/jpeg;base64,", "data:image/gif;base64,", "data:image/webp;base64,")
"""What is shown as a picture: no address is ever followed, and nothing that could hold a script."""


def message_as_json(message: Message, name: str, texts: Texts) -> Facts:
    """A message as the model sees it."""
    told: Facts = {"role": message.role, **content_as_json(message.content, name, texts)}
    if message.tool_calls:
        told["calls"] = [call.name for call in message.tool_calls]
    if message.call_id is not None:
        told["call_id"] = message.call_id
    return told


def content_as_json(content: Content, name: str, texts: Texts) -> Facts:
    """The words of a content, and its pictures where they are at hand."""
    told: Facts = {"text": texts.cut(name, content_text(content))}
    if not isinstance(content, str):
        told["pictures"] = [each.url for each in content if isinstance(each, Image) and _is_shown(each.url)]
    return told


def _is_shown(url: str) -> bool:
    return len(url) <= PICTURE and url.startswith(PICTURES)
