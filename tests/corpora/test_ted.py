"""The TED talks: absent sentences, unknown columns, quotes."""

import pytest

from pseudofam_core.corpora import TedTalksCorpus
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import pair

HEADER = "talk_name\ten\tes\tpt-br\tfr-ca\tcalv\tbe"
ROWS = [
    'talk\t"Hi .\tHola .\tOi .\t__NULL__\t__NULL__\tПрывітанне .',
    "talk\tYes .\tSí .\tSim .\t__NULL__\t__NULL__\t__NULL__",
    "talk\tNo .\t_ _ NULL _ _\tNão .\t__NULL__\t__NULL__\tНе .",
    "talk\t__NULL__\tAdiós .\t__NULL__\t__NULL__\t__NULL__\tБывай .",
]


@pytest.fixture
def root(tmp_path):
    for split in ("train", "dev", "test"):
        text = "\n".join([HEADER, *ROWS]) + "\n"
        (tmp_path / f"all_talks_{split}.tsv").write_text(text, encoding="utf-8")
    # A table beside the talks is not one of them.
    (tmp_path / "notes.tsv").write_text("left\tright\n", encoding="utf-8")
    return tmp_path


def test_pairs_skip_unknown_columns_and_log_them(root, caplog):
    with caplog.at_level("WARNING"):
        pairs = TedTalksCorpus(root).pairs()
    assert [str(pair) for pair in pairs] == ["be-en", "es-en", "fr-en", "pt-en"]
    assert "columns talk_name, calv name no known language" in caplog.text
    assert "pt-br is read as Portuguese · pt" in caplog.text


def test_splits(root):
    assert TedTalksCorpus(root).splits(pair("be-en")) == ("train", "dev", "test")


def test_null_cells_drop_the_row(root):
    corpus = TedTalksCorpus(root)
    assert corpus.read(pair("be-en"), "train").sources == ("Прывітанне .", "Не .")
    assert corpus.read(pair("be-en"), "train").targets == ('"Hi .', "No .")
    assert corpus.read(pair("es-en"), "dev").sources == ("Hola .", "Sí .")
    assert corpus.read(pair("es-be"), "test").sources == ("Hola .", "Adiós .")


def test_one_file_alone(root):
    assert TedTalksCorpus(root / "all_talks_dev.tsv").splits(pair("be-en")) == ("dev",)


def test_a_ragged_row_is_placed(root):
    with (root / "all_talks_train.tsv").open("a", encoding="utf-8") as file:
        file.write("talk\tOne\n")
    with pytest.raises(CorpusError, match=r"all_talks_train\.tsv:6: .*This one has 2"):
        TedTalksCorpus(root).read(pair("be-en"), "train")
