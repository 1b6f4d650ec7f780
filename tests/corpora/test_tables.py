"""TSV and JSONL: named columns, absent sentences, and damage named by file and line."""

import json

import pytest

from pseudofam_core.corpora import TableCorpus, open_corpus
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import pair

BE_EN = pair("be-en")
ROWS = [
    {"number": "1", "be": "адзін", "en": '"one', "uk": "один"},
    {"number": "2", "be": "два", "en": "two", "uk": None},
    {"number": "3", "be": "тры", "en": 'three"', "uk": "три"},
]


def write_tsv(path, rows=ROWS):
    path.parent.mkdir(exist_ok=True)
    cells = [list(rows[0]), *([cell or "" for cell in row.values()] for row in rows)]
    path.write_text("".join("\t".join(row) + "\n" for row in cells), encoding="utf-8")
    return path


def write_jsonl(path, rows=ROWS):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


WRITERS = pytest.mark.parametrize(("write", "suffix"), [(write_tsv, "tsv"), (write_jsonl, "jsonl")])


@WRITERS
def test_columns_named_by_language(tmp_path, write, suffix):
    corpus = TableCorpus(write(tmp_path / f"train.{suffix}"))
    assert [str(pair) for pair in corpus.pairs()] == ["be-en", "uk-en"]
    assert corpus.splits(BE_EN) == ("train",)
    # Quotes are text: an opening quote must not swallow the next rows.
    assert corpus.read(BE_EN, "train").targets == ('"one', "two", 'three"')


@WRITERS
def test_rows_that_lack_a_side_are_dropped_and_counted(tmp_path, write, suffix, caplog):
    corpus = TableCorpus(write(tmp_path / f"train.{suffix}"))
    with caplog.at_level("INFO"):
        assert corpus.read(pair("uk-be"), "train").sources == ("один", "три")
    assert "uk-be train: 1 rows lack a side" in caplog.text


@WRITERS
def test_source_and_target_columns_with_the_pair_in_the_name(tmp_path, write, suffix):
    rows = [{"source": row["be"], "target": row["en"]} for row in ROWS]
    write(tmp_path / f"train.be-en.{suffix}", rows)
    write(tmp_path / f"be-en.dev.{suffix}", rows)
    corpus = TableCorpus(tmp_path)
    assert corpus.pairs() == (BE_EN,)
    assert corpus.splits(BE_EN) == ("train", "dev")
    assert corpus.read(BE_EN, "dev").sources == ("адзін", "два", "тры")


def test_source_and_target_columns_by_other_names_in_a_folder_per_pair(tmp_path):
    write_tsv(tmp_path / "be-en" / "test.tsv", [{"src": "два", "note": "x", "tgt": "two"}])
    corpus = TableCorpus(tmp_path, source_column="src", target_column="tgt")
    assert corpus.read(pair("en-be"), "test").sources == ("two",)


def test_source_and_target_columns_without_a_pair_are_refused(tmp_path):
    path = write_tsv(tmp_path / "train.tsv", [{"source": "два", "target": "two"}])
    with pytest.raises(CorpusError, match=r"train\.tsv: .*Rename it like train\.be-en\.tsv"):
        TableCorpus(path).pairs()


def test_jsonl_may_nest_the_columns(tmp_path):
    path = write_jsonl(tmp_path / "test.jsonl", [{"id": 1, "translation": {"be": "два", "en": "two"}}])
    assert TableCorpus(path).read(BE_EN, "test").targets == ("two",)


def test_missing_columns_list_the_columns(tmp_path):
    path = write_tsv(tmp_path / "train.tsv", [{"left": "два", "right": "two"}])
    with pytest.raises(CorpusError, match=r"train\.tsv:1: .*The columns are left, right"):
        TableCorpus(path).pairs()


def test_an_empty_file_is_named(tmp_path):
    (tmp_path / "train.tsv").touch()
    with pytest.raises(CorpusError, match=r"train\.tsv: The file is empty"):
        TableCorpus(tmp_path).pairs()


def test_a_header_alone_is_an_empty_split(tmp_path):
    (tmp_path / "train.tsv").write_text("be\ten\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="The train split of be-en is empty: 0 rows"):
        TableCorpus(tmp_path).read(BE_EN, "train")


@pytest.mark.parametrize("row", ["адзін", "адзін\tone\tмногa"])
def test_a_row_of_another_width_is_placed(tmp_path, row):
    (tmp_path / "train.tsv").write_text(f"be\ten\nдва\ttwo\n{row}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"train\.tsv:3: Each row must have the header's 2 columns"):
        TableCorpus(tmp_path).read(BE_EN, "train")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"be": "два", ', "must be a JSON object: Expecting"),
        ("", "must be a JSON object: Expecting value"),
        ("[1]", "This one is a list"),
        ('{"be": "два"}', "has no column 'en'. Its columns are be"),
        ('{"be": "два", "en": 2}', "Column 'en' must hold a string or null. Got a int"),
        ('{"be": "два", "en": "\\ud800"}', "lone surrogate"),
        pytest.param('{"be": "два", "en": "' + "x" * 100_001 + '"}', "100,001 characters", id="long"),
        pytest.param("[" * 100_000, "must be a JSON object", id="deep"),
    ],
)
def test_a_damaged_json_line_is_placed(tmp_path, line, message):
    path = write_jsonl(tmp_path / "train.jsonl")
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(CorpusError, match=r"train\.jsonl:4: ") as caught:
        TableCorpus(path).read(BE_EN, "train")
    assert message in str(caught.value)


def test_a_cell_that_is_no_sentence_is_placed(tmp_path):
    (tmp_path / "train.tsv").write_text("be\ten\nдва\t" + "x" * 100_001 + "\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"train\.tsv:2: A sentence has 100,001"):
        TableCorpus(tmp_path).read(BE_EN, "train")


def test_a_wide_row_of_short_cells_is_fine(tmp_path):
    (tmp_path / "train.tsv").write_text("be\ten\tnote\nдва\ttwo\t" + "x" * 100_001 + "\n", encoding="utf-8")
    assert len(TableCorpus(tmp_path).read(BE_EN, "train")) == 1


@WRITERS
def test_two_columns_of_one_language_are_asked_for(tmp_path, write, suffix, caplog):
    path = write(tmp_path / f"train.{suffix}", [{"zh": "一", "zh-cn": "另", "zh-tw": "貳", "en": "one", "be": "адзін"}])
    corpus = open_corpus(path)
    assert [str(one) for one in corpus.pairs()] == ["be-en", "zho_Hant-en"]
    with pytest.raises(CorpusError, match=r"Chinese · zh: It could be zh or zh-cn. .*#zh=zh"):
        corpus.read(pair("zh-en"), "train")
    assert open_corpus(f"{path}#zh=zh-cn").read(pair("zh-en"), "train").sources == ("另",)


@WRITERS
def test_two_columns_of_the_only_other_language_are_asked_for(tmp_path, write, suffix):
    path = write(tmp_path / f"train.{suffix}", [{"pt": "um", "pt-br": "hum", "en": "one"}])
    with pytest.raises(CorpusError, match=r"Portuguese · pt: It could be pt or pt-br. .*#pt=pt"):
        open_corpus(path).pairs()


@WRITERS
def test_a_column_of_integers_named_id_is_no_indonesian(tmp_path, write, suffix, caplog):
    path = write(
        tmp_path / f"train.{suffix}", [{"id": str(i), "no": f"d{i}", "be": "адзін", "en": "one"} for i in range(3)]
    )
    assert open_corpus(path).pairs() == (BE_EN,)
    assert "columns id, no hold numbers or identifiers" in caplog.text


def test_integer_ids_in_jsonl_stop_no_pair(tmp_path, caplog):
    path = write_jsonl(tmp_path / "train.jsonl", [{"id": 1, "no": 2.5, "be": "адзін", "en": "one"}])
    assert open_corpus(path).pairs() == (BE_EN,)
    assert open_corpus(path).read(BE_EN, "train").targets == ("one",)
    assert "columns id, no hold numbers" in caplog.text


def test_two_files_of_one_split_are_asked_for(tmp_path):
    row = {"be": "адзін", "en": "one"}
    for name in ("validation", "dev", "test.flores", "test.ntrex"):
        write_tsv(tmp_path / f"{name}.tsv", [row | {"en": name}])
    with pytest.raises(CorpusError, match=r"2 texts for dev: dev.tsv, validation.tsv. .*#dev=dev.tsv"):
        open_corpus(tmp_path).read(BE_EN, "dev")
    chosen = open_corpus(f"{tmp_path}#test=test.ntrex.tsv,dev=validation.tsv")
    assert chosen.read(BE_EN, "test").targets == ("test.ntrex",)
    assert chosen.read(BE_EN, "dev").targets == ("validation",)


def test_a_file_of_an_unknown_language_blocks_no_other(tmp_path, caplog):
    rows = [{"source": "два", "target": "two"}]
    write_tsv(tmp_path / "test.be-en.tsv", rows)
    write_tsv(tmp_path / "test.bbj-en.tsv", rows)
    write_tsv(tmp_path / "en_luo" / "test.tsv", rows)
    assert [str(one) for one in open_corpus(tmp_path).pairs()] == ["be-en", "en-luo"]
    assert "test.bbj-en.tsv name no known language" in caplog.text


def test_a_column_of_any_name_can_be_chosen(tmp_path):
    path = write_tsv(tmp_path / "train.tsv", [{"sentence": "два", "en": "two"}])
    with pytest.raises(CorpusError, match=r"choose them after the corpus, as in `--corpus \S+#be=sentence`"):
        open_corpus(path).pairs()
    assert open_corpus(f"{path}#be=sentence").read(BE_EN, "train").sources == ("два",)


@pytest.mark.parametrize(("name", "text"), [("x.tsv", "\nbe\ten\n"), ("x.csv", "\nbe,en\n"), ("x.jsonl", "{}\n")])
def test_a_first_line_that_names_no_column_is_placed(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(CorpusError, match=r"The first line must name the columns\. It names none"):
        open_corpus(tmp_path).pairs()
