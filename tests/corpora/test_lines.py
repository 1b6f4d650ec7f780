"""One line reader for all: where lines end, and what is refused with file and line."""

import pytest

from pseudofam_core.corpora.lines import MAX_SENTENCE_CHARACTERS, checked_sentence, read_lines, read_sentences
from pseudofam_core.errors import CorpusError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "train.be"


def test_only_a_newline_ends_a_line(path):
    path.write_bytes("a\u2028b\x85c\x0bd\x0ce\x1cf\rg\nlast".encode())
    assert read_sentences(path) == ["a\u2028b\x85c\x0bd\x0ce\x1cf\rg", "last"]


def test_one_carriage_return_and_the_byte_order_mark_are_dropped(path):
    path.write_bytes("\ufeffone\r\ntwo\r\r\n\ufeffthree\n".encode())
    assert read_sentences(path) == ["one", "two\r", "\ufeffthree"]


def test_blank_lines_keep_their_place(path):
    path.write_text("\none\n\n", encoding="utf-8")
    assert read_sentences(path) == ["", "one", ""]


def test_bytes_that_are_not_utf8_are_placed(path):
    path.write_bytes(b"fine\nab\xffc\n")
    with pytest.raises(CorpusError, match=r"train\.be:2: Byte 3 of the line \(0xff\) is not UTF-8") as caught:
        list(read_lines(path))
    assert (caught.value.path, caught.value.line) == (path, 2)


def test_a_missing_file_is_named(path):
    with pytest.raises(CorpusError, match=r"train\.be: The file can't be read: No such file"):
        list(read_lines(path))


def test_a_million_characters_are_no_sentence(path):
    path.write_text("short\n" + "x" * 1_000_000 + "\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"train\.be:2: A sentence has 1,000,000 characters"):
        read_sentences(path)


def test_the_longest_sentence_passes(path):
    path.write_text("ы" * MAX_SENTENCE_CHARACTERS + "\n", encoding="utf-8")
    assert len(read_sentences(path)[0]) == MAX_SENTENCE_CHARACTERS


def test_a_lone_surrogate_is_refused(path):
    with pytest.raises(CorpusError, match=r":7: Character 2 of a sentence is a lone surrogate"):
        checked_sentence("a\ud800", path=path, line=7)


@pytest.mark.parametrize(
    "text", ["one\rtwo\rthree\r", "one\rtwo\rthree", "one\rtwo\rthree\n", "\ufeffone\rtwo\rthree\r\n"]
)
def test_a_file_of_carriage_returns_alone_has_its_line_ends_there(path, text):
    path.write_bytes(text.encode())
    assert read_sentences(path) == ["one", "two", "three"]


def test_a_file_of_one_line_or_none(path):
    path.write_bytes(b"one\r\n")
    assert read_sentences(path) == ["one"]
    path.write_bytes(b"")
    assert read_sentences(path) == []
