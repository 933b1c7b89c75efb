"""Reads a report as a person does: words, tables by caption, pictures by title."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Reader(HTMLParser):
    """Collects every element with its attributes and text, and refuses tags that do not close."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[dict] = []
        self.elements: list[dict] = []
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {[one['tag'] for one in self.open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = {"tag": tag, "attributes": dict(attrs), "text": "", "inside": []}
        self.elements.append(element)
        if self.open:
            self.open[-1]["inside"].append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1]["tag"] == tag, f"</{tag}> closes <{self.open[-1]['tag']}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element["text"] += data

    def all(self, tag: str) -> list[dict]:
        return [one for one in self.elements if one["tag"] == tag]

    @property
    def words(self) -> str:
        return tidy(next(one for one in self.elements if one["tag"] == "body")["text"])

    def table(self, caption: str) -> list[list[str]]:
        """The cells of the one table whose caption contains the words."""
        found = [one for one in self.all("table") if caption in tidy(inner(one, "caption")[0]["text"])]
        assert len(found) == 1, [tidy(inner(one, "caption")[0]["text"]) for one in self.all("table")]
        return [[tidy(cell["text"]) for cell in row["inside"]] for row in inner(found[0], "tr")]

    def figures(self) -> dict[str, tuple[str, ...]]:
        """The key figures: name -> value and small print."""
        rows = next(one for one in self.all("dl") if one["attributes"]["class"] == "figures")["inside"]
        return {row["inside"][0]["text"]: tuple(tidy(one["text"]) for one in row["inside"][1:]) for row in rows}

    def pictures(self, title: str) -> list[dict]:
        return [one for one in self.all("svg") if one["inside"][0]["text"] == title]


def inner(element: dict, tag: str) -> list[dict]:
    """Elements of a kind anywhere inside, in order."""
    found = []
    for one in element["inside"]:
        found += ([one] if one["tag"] == tag else []) + inner(one, tag)
    return found


def tidy(text: str) -> str:
    return " ".join(text.split())
