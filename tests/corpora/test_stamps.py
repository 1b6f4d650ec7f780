"""A stamp of a corpus's files: not of a whole disk, and whatever vanishes while it is made."""

import pytest

from pseudofam_core.corpora import stamps
from pseudofam_core.errors import CorpusError


def test_a_folder_with_far_more_than_a_corpus_is_refused_before_it_is_looked_through(tmp_path, monkeypatch):
    monkeypatch.setattr(stamps, "_MOST_PATHS", 3)
    for n in range(3):
        (tmp_path / f"train.{n}").write_text("text")
    assert len(stamps.stamp_of(tmp_path)) == 3
    (tmp_path / "one more").mkdir()
    with pytest.raises(CorpusError, match=r"This holds more\. Name the folder that the corpus itself is in"):
        stamps.stamp_of(tmp_path)


def test_a_link_that_leads_nowhere_is_no_file(tmp_path):
    (tmp_path / "train.be").write_text("text")
    before = stamps.stamp_of(tmp_path)
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    assert stamps.stamp_of(tmp_path) == before


def test_a_folder_that_vanishes_meanwhile_ends_in_a_line(tmp_path, monkeypatch):
    def vanished(*_):
        raise FileNotFoundError(2, "No such file or directory", "gone")

    monkeypatch.setattr(stamps.Path, "rglob", vanished)
    with pytest.raises(CorpusError, match="can't be looked through: No such file"):
        stamps.stamp_of(tmp_path)
