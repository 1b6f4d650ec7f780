"""Names of corpora and models that a stranger gives: never a traceback, and nothing told of what lies outside the roots."""

import json
import os
from pathlib import Path

import pytest

from pseudofam_core import places
from pseudofam_core.corpora import open_corpus
from pseudofam_core.corpora.choices import absolute_source, parse_source
from pseudofam_core.errors import CorpusError, ModelError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.estimates.texts import sample_corpus
from pseudofam_core.exchange.tables import read_families_csv
from pseudofam_core.jobs import placed
from pseudofam_core.languages import pair
from pseudofam_core.models import hub
from pseudofam_core.models.hub import resolve_model

ABSURD = (
    "x" * 10_000,
    "/" + "y/" * 5000,
    "~nouser",
    "~nouser/corpus",
    "a\0b",
    "hf:",
    "hf::",
    "hf:" + "z" * 10_000,
    "hf:../..",
)


@pytest.fixture
def within(tmp_path, monkeypatch):
    """A folder that is open, with a corpus and a model in it and beside it."""
    for name in ("open", "closed"):
        for path, text in (("corpus/train.be", "a\n"), ("corpus/train.en", "b\n"), ("model/config.json", "{}")):
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    monkeypatch.setenv(places.VARIABLE, str(tmp_path / "open"))
    return tmp_path


@pytest.fixture
def no_hub(monkeypatch):
    monkeypatch.setattr(hub, "HfApi", lambda: (_ for _ in ()).throw(OSError("no network")))


@pytest.mark.parametrize("name", ABSURD)
def test_absurd_names_end_in_a_line(name, no_hub):
    with pytest.raises(CorpusError) as told:
        open_corpus(name).pairs()
    assert len(str(told.value)) < 1000
    with pytest.raises(ModelError) as told:
        resolve_model(name)
    assert len(str(told.value)) < 1000
    assert placed(Workspace(model=name, corpus=name)).model == name
    assert absolute_source(name) == name
    assert parse_source(name)[0] == name


def test_a_folder_here_is_no_name_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "train.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="a name on the hub"):
        open_corpus("hf:texts").pairs()


def test_what_is_open_is_read(within, monkeypatch):
    assert open_corpus(within / "open" / "corpus").pairs() == (pair("be-en"),)
    assert resolve_model(str(within / "open" / "model")).folder == within / "open" / "model"
    assert open_corpus(sample_corpus()).pairs()
    assert resolve_model("sample").folder
    monkeypatch.chdir(within / "open")
    assert open_corpus("corpus").pairs()


def _ways_out(within):
    (within / "open" / "link").symlink_to(within / "closed")
    yield "{0}"
    yield f"{within}/open/../{{0}}"
    yield f"{within}/open/link/{{1}}"


@pytest.mark.parametrize("there", ["corpus", "nothing", "model"])
def test_what_is_outside_is_as_if_it_were_not_there(within, no_hub, there):
    for way in _ways_out(within):
        name = way.format(f"{within}/closed/{there}" if way == "{0}" else f"closed/{there}", there)
        with pytest.raises(CorpusError, match=r"There is no such file or folder below the folders that are open here"):
            open_corpus(name)
        with pytest.raises(ModelError, match="a local Hugging Face folder below the folders that are open here"):
            resolve_model(name)
        assert placed(Workspace(model=name)).model == name
        with pytest.raises(CorpusError, match="no such folder of a model"):
            open_corpus(f"{within}/open/corpus#kept-back={name}")


def test_a_limit_that_is_named_stays(within, tmp_path, monkeypatch):
    assert not places.limit(tmp_path)
    assert places.roots() == ((within / "open").resolve(),)
    monkeypatch.delenv(places.VARIABLE)
    assert places.local(within / "closed")
    assert places.limit(within / "open")
    assert places.local(within / "closed") is None
    monkeypatch.delenv(places.VARIABLE)
    assert places.limit(Path("/"), within / "open")
    assert places.local(within / "closed") is None
    assert places.VARIABLE not in places.without_limits(dict(os.environ))


def saved(folder, info, state):
    folder.mkdir()
    (folder / "dataset_info.json").write_text(json.dumps(info), encoding="utf-8")
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "info", [None, [], {}, {"features": 3}, {"features": {"translation": {"_type": "Nobody"}}}, "x"]
)
@pytest.mark.parametrize("state", [None, [], {}, {"_data_files": 3}, {"_data_files": [{"filename": "../../etc"}]}, "x"])
def test_a_saved_dataset_with_odd_json_ends_in_a_line(tmp_path, info, state):
    with pytest.raises(CorpusError):
        open_corpus(saved(tmp_path / "train", info, state)).pairs()


@pytest.mark.parametrize("text", ["x" * 131_073 + ",uk-en", "be-en,u\0k-en", '"' * 999])
def test_a_list_with_odd_cells_names_its_line(text):
    with pytest.raises(ValueError, match="Line 1"):
        read_families_csv(text)
