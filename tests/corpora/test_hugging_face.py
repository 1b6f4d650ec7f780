"""Datasets saved on disk, of both kinds of column; and the hub's name, without the hub."""

import pytest

from pseudofam_core.corpora import HubCorpus, SavedDatasetCorpus, open_corpus
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import pair

datasets = pytest.importorskip("datasets")

BE_EN = pair("be-en")
ROWS = [{"be": "адзін\nі", "en": "one\nand"}, {"be": None, "en": "two"}, {"be": "тры", "en": "three"}]


@pytest.fixture(autouse=True)
def quiet():
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


def dataset(features=None):
    return datasets.Dataset.from_dict({"translation": ROWS}, features=features)


@pytest.mark.parametrize(
    "features", [None, datasets.Features({"translation": datasets.Translation(languages=["be", "en"])})]
)
def test_a_saved_dict_of_splits(tmp_path, features):
    splits = {"train": dataset(features), "validation": dataset(features), "extra": dataset(features)}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "saved")
    corpus = SavedDatasetCorpus(tmp_path / "saved")
    assert corpus.recognises(tmp_path / "saved")
    assert corpus.pairs() == (BE_EN,)
    assert corpus.splits(BE_EN) == ("train", "dev")
    bitext = corpus.read(BE_EN, "dev")
    assert (bitext.sources, bitext.targets) == (("адзін\nі", "тры"), ("one\nand", "three"))


def test_two_splits_of_one_role_are_asked_for(tmp_path, caplog):
    rows = {
        name: datasets.Dataset.from_dict({"translation": [{"be": name, "en": name}]})
        for name in ("dev", "validation", "x")
    }
    datasets.DatasetDict(rows).save_to_disk(tmp_path / "saved")
    with pytest.raises(CorpusError, match=r"2 texts for dev: dev, validation. .*#dev=dev"):
        open_corpus(tmp_path / "saved").read(BE_EN, "dev")
    assert open_corpus(f"{tmp_path}/saved#dev=validation").read(BE_EN, "dev").sources == ("validation",)
    assert "splits x name no split" in caplog.text


def test_codes_of_numbers_and_variants(tmp_path, caplog):
    row = {"id": 7, "zh": "一", "zh-cn": "另", "zh-tw": "貳", "pt-br": "um", "en": "one"}
    datasets.Dataset.from_dict({"translation": [row]}).save_to_disk(tmp_path / "saved")
    corpus = open_corpus(tmp_path / "saved")
    assert [str(one) for one in corpus.pairs()] == ["pt-en", "zho_Hant-en"]
    assert corpus.read(pair("zho_Hant-en"), "test").sources == ("貳",)
    assert "pt-br is read as Portuguese" in caplog.text
    with pytest.raises(CorpusError, match=r"It could be zh or zh-cn"):
        corpus.read(pair("zh-en"), "test")


def test_a_saved_dataset_alone_is_the_split_of_its_folder(tmp_path):
    dataset().save_to_disk(tmp_path / "my-train")
    assert SavedDatasetCorpus(tmp_path / "my-train").splits(BE_EN) == ("train",)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": ["a"]}, "must have a column 'translation'. Its columns are text"),
        ({"translation": ["a"]}, "must hold {code: text}"),
    ],
)
def test_other_columns_are_listed(tmp_path, columns, message):
    datasets.Dataset.from_dict(columns).save_to_disk(tmp_path / "saved")
    with pytest.raises(CorpusError, match=message):
        SavedDatasetCorpus(tmp_path / "saved").pairs()


def test_a_damaged_dataset_is_named(tmp_path):
    dataset().save_to_disk(tmp_path / "saved")
    (tmp_path / "saved" / "state.json").write_text("{", encoding="utf-8")
    with pytest.raises(CorpusError, match="saved: The saved dataset can't be loaded"):
        SavedDatasetCorpus(tmp_path / "saved").pairs()


def test_the_hub_is_asked_for_name_and_configuration(monkeypatch):
    asked = []

    def load_dataset(*args):
        asked.append(args)
        return datasets.DatasetDict({"test": dataset()})

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    assert HubCorpus("someone/talks:be-en").read(BE_EN, "test").targets == ("one\nand", "three")
    assert HubCorpus("someone/talks").name == "someone/talks"
    assert asked == [("someone/talks", "be-en")]


def test_a_failing_hub_is_a_corpus_error(monkeypatch):
    def load_dataset(*_):
        raise ConnectionError("no route")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(CorpusError, match="can't be loaded from the hub: no route"):
        HubCorpus("someone/talks").pairs()
