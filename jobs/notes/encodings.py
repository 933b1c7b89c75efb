"""What a note is encoded in, and the text that is in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

HTML = re.compile(
    r"<!doctype html|</?(html|body|div|p|br|span|table|tr|td|ul|ol|li|b|i|font|pre|h[1-6])(\s[^<>]*)?/?>", re.I
)
# What closes a document. A reader of HTML loses what stands behind it: a signature, an addendum, a second page.
CLOSED = re.compile(r"</(html|body)\s*>", re.I)
XHTML = re.compile(r"<!doctype html|<html", re.IGNORECASE)
SOP = re.compile(r"<SOA|<S:", re.I)
XML = re.compile(r"<\?xml|<CHRT|<Care", re.I)
TAG = re.compile(r"</?[A-Za-z][\w:.-]*(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*/?>")
HEADING = re.compile(r"<(?=[A-Za-z]{1,3}:)")
# Elements whose content stands on lines of its own; between table cells there is a space.
BLOCKS = frozenset({
    "address", "article", "blockquote", "body", "br", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "html", "li", "ol", "p", "pre", "section", "table", "tr", "ul",
})  # fmt: skip
CELLS = frozenset({"td", "th"})
UNSEEN = frozenset({"head", "script", "style", "title"})
# What may stand behind rich text and says nothing: white space, padding, a brace too many.
PADDING = "\ufeff \t\r\n\x00}"


def encoding_of(text: str) -> str:
    """What a note is encoded in: decided by how it begins, for HTML by any of its tags."""
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith("{\\rtf"):
        return "rtf"
    if SOP.match(start):
        return "sop"
    if XML.match(start) and not XHTML.search(start[:500]):
        return "xml"
    return "html" if HTML.search(start) else "utf"


def of_rtf(text: str) -> str:
    """The text of rich text: of every document in it, and of plain text behind one."""
    from striprtf.striprtf import rtf_to_text

    pieces = []
    while rest := text.lstrip(PADDING):
        if not rest.startswith("{\\rtf"):
            if re.search(r"[\\{}]", rest):
                raise ValueError("rich text goes on behind its end")
            pieces.append(rest)
            break
        end = end_of(rest)
        pieces.append(str(rtf_to_text(rest[:end], errors="strict")))
        text = rest[end:]
    return "\n".join(pieces)


def end_of(text: str) -> int:
    """Where the group that rich text begins with is closed; its length where it is not."""
    depth = 0
    for found in re.finditer(r"\\.|[{}]", text, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0 and found[0] == "}":
            return found.end()
    return len(text)


def of_html(text: str) -> str:
    """The visible text of HTML, blocks on lines of their own."""
    from lxml import etree

    # Bytes: a declared encoding speaks of the file it once was, not of this text.
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    root = etree.fromstring(CLOSED.sub("", text).encode(), parser)
    if any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log):
        raise OverflowError("the reader stopped before the end: elements within elements beyond its limit")
    return "" if root is None else "".join(visible(root))


def visible(root: Any) -> Iterator[str]:
    """The text of HTML in order. Not by recursion: tags that nobody closed lie a thousand deep in one another."""
    from lxml import etree

    unseen = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        edge = "\n" if element.tag in BLOCKS else " " if element.tag in CELLS else ""
        if event == "start":
            unseen += element.tag in UNSEEN
            yield "" if unseen else edge + (element.text or "")
        else:
            yield "" if unseen or element.tag == "br" else edge
            unseen -= element.tag in UNSEEN
            # What follows an element belongs to its parent.
            yield "" if unseen else element.tail or ""


def of_xml(text: str) -> str:
    """The text of XML's elements, each on a line of its own; no entity is expanded and nothing is fetched."""
    from lxml import etree

    declared = re.sub(r"^\s*<\?xml[^>]*\?>", "", text.lstrip("\ufeff"))
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(declared.strip().encode(), parser)
    except etree.XMLSyntaxError:
        # A parser that repairs drops what it does not understand.
        return of_sop(declared)
    return "\n".join(piece.strip() for piece in root.itertext() if piece.strip())


def of_sop(text: str) -> str:
    """The text between tags that need not match: a tag ends a line, `<S:` is the heading `S:`."""
    return HEADING.sub("", TAG.sub("\n", text))


def of_utf(text: str) -> str:
    """Text as it is."""
    return text


TEXT_OF: dict[str, Callable[[str], str]] = {
    "utf": of_utf, "rtf": of_rtf, "html": of_html, "xml": of_xml, "sop": of_sop,
}  # fmt: skip
