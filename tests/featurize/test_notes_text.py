"""Notes as text: encodings, the one form of a text, and sentences whose offsets are exact."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs.notes.clean import cleaned, normalised, words
from jobs.notes.encodings import encoding_of
from jobs.notes.sentences import LONGEST, TOKEN, Span, sentences
from synthetic import notes as synthetic

DIALOGUES = Path(__file__).resolve().parents[3] / "shared" / "data" / "notes_mtsdialog"


def lost(text: str, spans: Iterable[Span]) -> str:
    """What of a text is in none of its sentences."""
    kept, rest = 0, []
    for begin, end in spans:
        rest.append(text[kept:begin])
        kept = end
    return "".join([*rest, text[kept:]])


def tokens(text: str) -> int:
    return len(TOKEN.findall(text))


ENCODED = [
    # text, what it is encoded in, its clean text
    ("Plain\u00a0text,  two   spaces.", "utf", "Plain text, two spaces."),
    ("\ufeffBP <120 and >80, a < b", "utf", "BP <120 and >80, a < b"),
    ("A &amp;amp; B,, ,C | D", "utf", "A & B,C D"),
    ("One line\nthat goes on.\nAnother.\n\n\n\nA paragraph.", "utf", "One line that goes on.\nAnother.\n\nA paragraph."),
    ("Cafe\u0301\r\nau lait\x00\x0b", "utf", "Caf\u00e9 au lait"),
    ("Assessment: stable\x0cPlan: rest.\x85Next &#12;Page.", "utf", "Assessment: stable\nPlan: rest.\nNext\nPage."),
    ("<html><body><p>Seen by\nDr. Ames and given\n25 mg.</p><pre>A\nB</pre></body></html>", "html",
     "Seen by Dr. Ames and given 25 mg.\n\nA\nB"),
    ("No <b>fever</b>.\nNo rash.", "html", "No fever.\nNo rash."),
    ("<?xml version='1.0'?><CHRT><T>&lt;p&gt;Stable.&lt;/p&gt;&lt;p&gt;No\nFever.&lt;/p&gt;</T><U><![CDATA[<b>Done</b>]]></U></CHRT>",
     "xml", "Stable.\n\nNo Fever.\n\nDone"),
    ("<?xml version='1.0'?><CHRT><T><![CDATA[<p>If glucose &lt;LLN then hold until &gt;100. Dr. Smith &lt;s@h&gt;.</p>]]></T></CHRT>",
     "xml", "If glucose <LLN then hold until >100. Dr. Smith <s@h>."),
    ("<SOAP><S>&lt;p&gt;Headache.&lt;/p&gt;<O>BP &lt; 120", "sop", "Headache.\n\nBP < 120"),
    (r"{\rtf1\ansi {\fonttbl{\f0 Arial;}}\f0 Chest pain.\par No fever, caf\'e9.}", "rtf", "Chest pain.\nNo fever, caf\u00e9."),
    ("<html><head><title>x</title></head><body><p>Pain&nbsp;&amp; fever</p><script>x=1</script></body></html>", "html", "Pain & fever"),
    ("Seen today.<br>No change.<BR/>Done.", "html", "Seen today.\nNo change.\nDone."),
    ("<table><tr><td>BP</td><td>120</td></tr><tr><td>HR</td><td>80</td></tr></table>", "html", "BP 120\n\nHR 80"),
    ("<?xml version='1.0'?><!DOCTYPE html><html><body>One<b>Two</b></body></html>", "html", "OneTwo"),
    ("<?xml version='1.0' encoding='utf-16'?><Care><a>One.</a><b>Two &amp; three.</b></Care>", "xml", "One.\nTwo & three."),
    ("<CHRT><T>One</T>", "xml", "One"),
    ("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>x&e;y</a>", "xml", "x\n&e; y"),
    ("<SOAP><S>Headache.<O>BP < 120", "sop", "Headache.\nBP < 120"),
    ("<S: Headache.\n<O: Fine.", "sop", "S: Headache.\nO: Fine."),
]  # fmt: skip


@pytest.mark.clause("F2")
@pytest.mark.parametrize(("text", "encoding", "wanted"), ENCODED)
def test_the_encoding_of_a_note_is_decided_and_its_text_extracted(text, encoding, wanted):
    found = cleaned(text)
    assert (found.encoding, found.text, found.reason) == (encoding, wanted, None)


WHOLE = [
    # HTML behind what closes the document, and deeper than a reader's first limit of 256; rich text behind its brace
    ("<html><body><p>One.</p></body></html>\n<html><body><p>Two.</p></body></html>", "One.\n\nTwo."),
    ("<HTML><BODY><p>One.</p></BODY ></HTML> signed by Dr. A <br>", "One. signed by Dr. A"),
    ("<p>Start</p>" + "<div>" * 1_500 + "Text" + "<p>End</p>", "Start\n\nText\nEnd"),
    ("".join(f"<font size=2>Line {line}.<br>" for line in range(400)), "\n".join(f"Line {line}." for line in range(400))),
    ("<p>One.<?page 2?> Two.<!-- x --> Three.</p>", "One. Two. Three."),
    ("{\\rtf1\\ansi Plan.\\par}\r\nAddendum: MRSA.", "Plan.\n\nAddendum: MRSA."),
    ("{\\rtf1\\ansi One.\\par}\n{\\rtf1\\ansi Two, caf\\'e9.}}\x00\r\n", "One.\n\nTwo, caf\u00e9."),
    ("{\\rtf1 A \\{ b \\} c.}", "A { b } c."),
]  # fmt: skip


@pytest.mark.clause("F2")
@pytest.mark.parametrize(("text", "wanted"), WHOLE, ids=range(len(WHOLE)))
def test_the_text_of_a_note_is_read_to_its_end_or_not_at_all(text, wanted):
    assert cleaned(text).text == wanted


MARKUP = [
    ("<strong>Allergies</strong>: <em>none</em>", "html", "Allergies: none"),
    ("<u>A</u> <a href='x'>b</a><hr noshade>C", "html", "A b\n\nC"),
    ("&lt;p&gt;Stable, &amp;lt;38 &amp;deg;C.&lt;/p&gt;", "html", "Stable, <38 \u00b0C."),
    ("&lt;?xml version='1.0'?&gt;&lt;a&gt;One.&lt;/a&gt;", "xml", "One."),
    ("T 37&deg;C, caf&eacute;, it&rsquo;s, &#150;", "utf", "T 37\u00b0C, caf\u00e9, it\u2019s, \u2013"),
    ("<?xml version='1.0'?><CHRT><T>37&deg;C</CHRT>", "xml", "37\u00b0C"),
    # a comparison is no tag, and a word behind & no entity
    ("BP <a 5> <u and >5, R&ampere; &copy 5 &lt;a 7", "utf", "BP <a 5> <u and >5, R&ampere; &copy 5 <a 7"),
]  # fmt: skip


@pytest.mark.clause("F2")
@pytest.mark.parametrize(("text", "encoding", "wanted"), MARKUP, ids=range(len(MARKUP)))
def test_no_tag_and_no_entity_of_html_is_left_in_a_clean_text(text, encoding, wanted):
    found = cleaned(text)
    assert (found.encoding, found.text) == (encoding, wanted)


GREEK = "{\\fonttbl{\\f0\\fcharset161 Arial;}{\\f1\\fcharset%s Arial;}}"
PAGES = [
    (r"{\rtf1\mac caf\'8e}", "caf\u00e9"),
    (r"{\rtf1\pc caf\'82 \pcare}", "caf\u00e9"),
    (r"{\rtf1\ansi\ansicpg1253 \'e1\'e2}", "\u03b1\u03b2"),
    # a font that holds by default or again, and one whose letters are those of the header
    (r"{\rtf1\ansi\deff0" + GREEK % 0 + r" \'e1 {\f1 \'e1 \plain\b \'e1} \\plain}", "\u03b1 \u00e1 \u03b1 \\plain"),
    (r"{\rtf1\ansi\ansicpg1253\deff1" + GREEK % 1 + r" \'e1}", "\u03b1"),
]  # fmt: skip


@pytest.mark.clause("F2")
@pytest.mark.parametrize(("text", "wanted"), PAGES, ids=range(len(PAGES)))
def test_bytes_of_rich_text_are_the_letters_of_its_code_page_or_of_their_font(text, wanted):
    assert cleaned(text).text == wanted


UNREADABLE = [
    ("<p>One.</p>" + "<div>" * 3_000 + "Two.", "html cannot be read (OverflowError)"),
    (r"{\rtf1 One.}\par Two.", "rtf cannot be read (ValueError)"),
    (r"{\rtf1\ansicpg99999 \'e9}", "rtf cannot be read (UnicodeDecodeError)"),
    (r"{\rtf1", "rtf holds no text"),
    ("<html><head><title>x</title></head></html>", "html holds no text"),
    (" \u200b ", "utf holds no text"),
]


@pytest.mark.parametrize(("text", "reason"), UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_note_that_cannot_be_read_says_why_and_does_not_quote_it(text, reason):
    found = cleaned(text)
    assert found.text is None
    assert found.reason == reason


TEXT = st.text(alphabet=st.sampled_from("aBé 1.,;|&#<>\n\r\t\u00a0\u0301\x00-!?()"), max_size=60)


@given(TEXT)
@example("&amp;#38;#38;")
def test_a_normalised_text_is_its_own_normal_form(text):
    once = normalised(text)
    assert normalised(once) == once
    assert "\r" not in once
    assert "  " not in once
    assert once == once.strip()


@pytest.mark.clause("F2")
@given(TEXT)
def test_sentences_have_exact_offsets_in_order_and_lose_only_white_space(text):
    clean = normalised(text)
    spans = sentences(clean)
    assert [span for span in spans if span[0] >= span[1]] == []
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    assert not lost(clean, spans).strip()
    assert all(clean[begin:end] == clean[begin:end].strip() and "\n" not in clean[begin:end] for begin, end in spans)


SPLIT = [
    ("Dr. Smith saw the pt. today at 5 p.m. He is stable.", ["Dr. Smith saw the pt. today at 5 p.m.", "He is stable."]),
    ("Temp. 98.6 F. No fever. BP 120/80.", ["Temp. 98.6 F.", "No fever.", "BP 120/80."]),
    ("1. Aspirin 81 mg daily.\n2. Rest.", ["1. Aspirin 81 mg daily.", "2. Rest."]),
    ("Follow up in approx. 3 weeks? Yes!", ["Follow up in approx. 3 weeks?", "Yes!"]),
    ("1.\nA", ["1.", "A"]),
]


@pytest.mark.parametrize(("text", "wanted"), SPLIT)
def test_abbreviations_units_and_numbers_of_items_end_no_sentence(text, wanted):
    assert [text[begin:end] for begin, end in sentences(text)] == wanted


@pytest.mark.clause("F2")
@given(st.integers(1, 900), st.integers(0, 300))
def test_no_sentence_is_longer_than_a_reader_of_names_can_take_and_long_ones_end_with_a_clause(count, comma):
    text = " ".join(f"word{',' if place == comma else ''}" for place in range(count))
    spans = sentences(text)
    assert all(tokens(text[begin:end]) <= LONGEST for begin, end in spans)
    assert not lost(text, spans).strip()
    if LONGEST // 2 < comma + 2 <= LONGEST < count:
        assert text[spans[0][1] - 1] == ","


def test_words_are_counted_as_a_reader_counts_them():
    assert words("The patient's low-salt diet, 2.5 g.") == 7


@pytest.mark.parametrize("encoding", synthetic.ENCODINGS)
def test_the_same_invented_note_gives_the_same_sentences_in_every_encoding(encoding):
    rng = np.random.default_rng(3)
    for _ in range(100):
        paragraphs = synthetic.paragraphs(rng)
        written = synthetic.WRITERS[encoding](paragraphs)
        found = cleaned(written)
        assert encoding_of(written) == found.encoding == encoding
        assert found.text is not None
        got = [found.text[begin:end] for begin, end in sentences(found.text)]
        assert got == [sentence for some in paragraphs for sentence in some]


@pytest.mark.skipif(not DIALOGUES.is_dir(), reason="../shared/data/notes_mtsdialog is not on this machine")
@pytest.mark.clause("F2")
def test_real_dialogues_keep_every_character_but_white_space():
    texts = []
    for file in sorted(DIALOGUES.glob("*.csv")):
        rows = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline=""))
        texts += [row[name] for row in rows for name in ("section_text", "dialogue")]
    # 1,201 + 100 + 200 + 200 dialogues with their sections, as the folder's documentation counts them.
    assert len(texts) == 2 * 1_701
    longest = many = 0
    for text in texts:
        found = cleaned(text)
        assert found.text is not None
        assert found.encoding == "utf"
        spans = sentences(found.text)
        assert not lost(found.text, spans).strip()
        longest = max(longest, *(tokens(found.text[begin:end]) for begin, end in spans))
        many += len(spans)
    assert longest <= LONGEST
    # A dialogue has turns: far more sentences than texts, or the splitter splits nothing.
    assert many > 5 * len(texts)
