"""What a note is encoded in, and the text that is in it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from html.entities import html5
from typing import Any

HTML = re.compile(
    r"<!doctype html|</?(html|head|title|meta|body|div|p|br|hr|span|font|center|pre|blockquote|img|h[1-6]"
    r"|table|thead|tbody|tfoot|tr|td|th|caption|ul|ol|li|dl|dt|dd|b|i|strong|em|small|big|strike|del|ins|sub|sup"
    # A letter alone with words behind it may be a comparison.
    r"|[aqsu](?=\s*/?>|\s+[\w:-]+\s*=))(\s[^<>]*)?/?>",
    re.I,
)
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
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
# Tags of a text that is laid out by them alone: elsewhere its lines are its writer's.
LAID_OUT = re.compile(r"<(html|body|div|p|br|tr|li)[\s/>]", re.IGNORECASE)
UNSEEN = frozenset({"head", "script", "style", "title"})
# The code page of rich text whose header names it by a word.
PAGES = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
# What may stand behind rich text and says nothing: white space, padding, a brace too many.
PADDING = "\ufeff \t\r\n\x00}"


def unescaped(text: str) -> str:
    """A text with its entities resolved, once; what is no entity of HTML stays."""
    return ENTITY.sub(
        lambda found: html.unescape(found[0]) if found[0][1] == "#" else html5.get(found[0][1:], found[0]), text
    )


def decided(text: str) -> tuple[str, str]:
    """What a note is encoded in, and the text to read so. Markup may have been escaped as if it were plain text."""
    encoding = encoding_of(text)
    if encoding == "utf" and (again := encoding_of(plainer := unescaped(text))) != "utf":
        return again, plainer
    return encoding, text


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
        pieces.append(str(rtf_to_text(in_its_font(rest[:end]), page_of(rest[:end]), "strict")))
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


def page_of(text: str) -> str:
    """The code page that the header of rich text names: of its characters, and of fonts without one of their own."""
    header = text[: text.find("{", 1)]
    if number := re.search(r"\\ansicpg(\d+)", header):
        return f"cp{number[1]}"
    named = re.search(r"\\(mac|pca?)(?![a-z])", header)
    return PAGES[named[1]] if named else "cp1252"


def in_its_font(text: str) -> str:
    """Rich text that says where its default font holds: from its start, and after a return to plain characters.

    The font says which letters bytes are; its reader asks for a font by name only.
    """
    default = re.search(r"\\deff(\d+)", text[: text.find("{", 1)])
    if default is None:
        return text
    font = f"\\f{default[1]} "
    return re.sub(r"\\\\|(?:\\deff\d+|\\plain(?![a-z])) ?", lambda found: found[0] + font * (found[0] != "\\\\"), text)


def of_html(text: str) -> str:
    """The visible text of HTML, blocks on lines of their own."""
    from lxml import etree

    # Bytes: a declared encoding speaks of the file it once was, not of this text.
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    root = etree.fromstring(CLOSED.sub("", text).encode(), parser)
    if any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log):
        raise OverflowError("the reader stopped before the end: elements within elements beyond its limit")
    return "" if root is None else "".join(visible(root, one_line=bool(LAID_OUT.search(text))))


def visible(root: Any, *, one_line: bool) -> Iterator[str]:
    """The text of HTML in order. Not by recursion: tags that nobody closed lie a thousand deep in one another.

    one_line: a line that ends within the text of an element goes on, but for `pre`.
    """
    from lxml import etree

    unseen = as_written = 0

    def shown(text: str | None) -> str:
        if unseen or not text:
            return ""
        return re.sub(r"\s+", " ", text) if one_line and not as_written else text

    for event, element in etree.iterwalk(root, events=("start", "end")):
        edge = "\n" if element.tag in BLOCKS else " " if element.tag in CELLS else ""
        if event == "start":
            unseen += element.tag in UNSEEN
            as_written += element.tag == "pre"
            yield ("" if unseen else edge) + shown(element.text)
        else:
            yield "" if unseen or element.tag == "br" else edge
            unseen -= element.tag in UNSEEN
            as_written -= element.tag == "pre"
            # What follows an element belongs to its parent.
            yield shown(element.tail)


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
    return "\n".join(inner(piece.strip()) for piece in root.itertext() if piece.strip())


def of_sop(text: str) -> str:
    """The text between tags that need not match: a tag ends a line, `<S:` is the heading `S:`."""
    return "\n".join(inner(HEADING.sub("", piece)) for piece in TAG.split(text))


def inner(text: str) -> str:
    """The text of an element, which may hold a page of HTML, as character data or escaped once more."""
    if HTML.search(text):
        return of_html(text)
    return of_html(plainer) if HTML.search(plainer := unescaped(text)) else text


def of_utf(text: str) -> str:
    """Text as it is."""
    return text


TEXT_OF: dict[str, Callable[[str], str]] = {
    "utf": of_utf, "rtf": of_rtf, "html": of_html, "xml": of_xml, "sop": of_sop,
}  # fmt: skip
