"""TSV as text, and as spreadsheets write it: quotes are read where the file shows them to be marks, and nowhere else."""

import csv
import io

import pytest

from pseudofam_core.corpora import TableCorpus, open_corpus
from pseudofam_core.corpora.quoting import has_quotes
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import pair

BE_EN = pair("be-en")
SENTENCES = [
    ('Ён сказаў "так".', 'He said "yes".'),
    ("два\tслупкі", "two columns"),
    ("дзве\nлініі", 'two\nlines, "quoted"'),
    ("тры", ""),
    ("чатыры", '"'),
]


def spreadsheet(quoting=csv.QUOTE_MINIMAL, *, rows=SENTENCES, header=("n", "be", "en")):
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", quoting=quoting, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([i, *row] for i, row in enumerate(rows))
    return text.getvalue()


def corpus(tmp_path, text, choices=""):
    path = tmp_path / "train.tsv"
    path.write_bytes(text.encode())
    return open_corpus(f"{path}{choices}")


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
@pytest.mark.parametrize("rows", [SENTENCES, SENTENCES[:1]], ids=["cells of several lines", "one line a row"])
def test_what_a_spreadsheet_wrote_is_read_as_it_was_meant(tmp_path, quoting, rows):
    found = corpus(tmp_path, spreadsheet(quoting, rows=rows)).read(BE_EN, "train")
    assert list(zip(found.sources, found.targets, strict=True)) == [row for row in rows if row[1]]


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
def test_quotes_hide_no_column_of_numbers_and_make_none_of_sentences(tmp_path, quoting):
    opened = corpus(tmp_path, spreadsheet(quoting, rows=[("а", 'l1\nl2 "q"')], header=("id", "be", "en")))
    assert opened.pairs() == (BE_EN,)
    assert opened.read(BE_EN, "train").targets == ('l1\nl2 "q"',)


@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
def test_quotes_around_every_cell_are_marks_without_any_inside(tmp_path, quoting):
    found = corpus(tmp_path, spreadsheet(quoting, rows=[("два", "two"), ("тры", "three")])).read(BE_EN, "train")
    assert found.targets == ("two", "three")


@pytest.mark.parametrize(
    "lines",
    [
        ['"two', "three", 'four"'],
        ['"Two," he said.', "three"],
        ['"Two."', "three"],
        ["'two'", '5" pipe'],
        ['""two""', "three"],
        ['"two', '"three'],
    ],
)
def test_quotes_that_are_text_stay(tmp_path, lines):
    text = "be\ten\n" + "".join(f"слова {i}\t{line}\n" for i, line in enumerate(lines))
    assert list(corpus(tmp_path, text).read(BE_EN, "train").targets) == lines


def test_a_file_that_says_both_is_refused_at_its_line_until_somebody_says_which(tmp_path):
    text = 'be\ten\nадзін\t"He said ""one""."\nдва\t"two\nтры\tthree\n'
    with pytest.raises(
        CorpusError, match=r"train\.tsv:3: .*marks \(line 2\) and as text.*#quotes=text or #quotes=read"
    ):
        corpus(tmp_path, text).read(BE_EN, "train")
    assert corpus(tmp_path, text, "#quotes=text").read(BE_EN, "train").targets == (
        '"He said ""one""."',
        '"two',
        "three",
    )
    with pytest.raises(CorpusError, match=r"train\.tsv:3: A quoted cell is not whole"):
        corpus(tmp_path, text, "#quotes=read").read(BE_EN, "train")


def test_rows_that_fall_apart_either_way_are_placed(tmp_path):
    text = 'be\ten\nадзін\t"one\nдва\nтры\tthree\n'
    with pytest.raises(CorpusError, match=r"train\.tsv:3: Each row must have the header's 2 columns. This one has 1"):
        corpus(tmp_path, text).read(BE_EN, "train")
    shifted = 'be\ten\nадзін\t"one\nand"\nдва\t"two ""and"""\textra\n'
    with pytest.raises(CorpusError, match=r"train\.tsv:4: .*this row has 3 columns, not the header's 2"):
        corpus(tmp_path, shifted).read(BE_EN, "train")


def test_a_file_without_quotes_has_none(tmp_path):
    path = tmp_path / "train.tsv"
    path.write_text("be\ten\n1\t2\n", encoding="utf-8")
    assert not has_quotes(path)
    assert has_quotes(path, "read")


def test_labelled_text_and_talks(tmp_path):
    rows = [('Добра, "вельмі"', "good")]
    (tmp_path / "be.tsv").write_text(spreadsheet(rows=rows, header=("n", "text", "label")), encoding="utf-8")
    assert open_corpus(tmp_path / "be.tsv").read(pair("be-be"), "test").sources == (rows[0][0],)
    talks = tmp_path / "all_talks_train.tsv"
    talks.write_text('be\ten\nадзін\t"He said ""one""."\n', encoding="utf-8")
    assert open_corpus(talks).read(BE_EN, "train").targets == ('"He said ""one""."',)


def test_columns_may_be_chosen_in_python(tmp_path):
    (tmp_path / "be-en.tsv").write_text(spreadsheet(header=("n", "src", "tgt")), encoding="utf-8")
    found = TableCorpus(tmp_path, source_column="src", target_column="tgt").read(BE_EN, "test")
    assert found.targets[0] == 'He said "yes".'


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_csv_is_read_as_a_spreadsheet_wrote_it(tmp_path, delimiter, quoting):
    rows = [*SENTENCES, ("так, але; не", "yes, but; no")]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator="\r\n")
    writer.writerows([("id", "be", "en"), *((i, *row) for i, row in enumerate(rows))])
    path = tmp_path / "train.csv"
    path.write_bytes("\ufeff".encode() + text.getvalue().encode())
    for opened in (open_corpus(path), open_corpus(tmp_path), open_corpus(f"{path}#quotes=text")):
        assert opened.pairs() == (BE_EN,)
        found = opened.read(BE_EN, "train")
        assert list(zip(found.sources, found.targets, strict=True)) == [row for row in rows if row[1]]


def test_a_row_of_csv_with_a_bare_comma_is_placed(tmp_path):
    (tmp_path / "train.csv").write_text("be,en\nраз,one\nдва, тры,two\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"train\.csv:3: Each row must have the header's 2 columns\. This one has 3"):
        open_corpus(tmp_path).read(BE_EN, "train")


def test_csv_of_something_else_beside_a_corpus_is_named(tmp_path, caplog):
    (tmp_path / "train.tsv").write_text("be\ten\nраз\tone\n", encoding="utf-8")
    (tmp_path / "authors.csv").write_text("author,year\nКолас,1923\n", encoding="utf-8")
    assert open_corpus(tmp_path).pairs() == (BE_EN,)
    assert "authors.csv name no known language" in caplog.text


def test_labels_in_csv_are_read(tmp_path):
    (tmp_path / "train.be.csv").write_text('text,label\n"так, добра",good\n', encoding="utf-8")
    found = open_corpus(tmp_path).read(pair("be-be"), "train")
    assert (found.sources, found.targets) == (("так, добра",), ("good",))
