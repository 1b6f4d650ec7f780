"""How often text is read: each once for a job, however many runs or estimates it has; again where a file has changed."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace

import pytest

from pseudofam_core.corpora.reader import Reader
from pseudofam_core.corpora.remembering import RememberingCorpus
from pseudofam_core.corpora.stamps import stamp_of
from pseudofam_core.errors import CorpusError
from pseudofam_core.estimates import computing, corpus_of, drawn_text, held_out_of
from pseudofam_core.finetuning import Arm, Budget, BudgetMode, finetune_task, open_texts
from pseudofam_core.languages import pair
from tests.finetuning.conftest import TARGET, write_pair

AZ, DE, SV = map(pair, ("az-en", "de-en", "sv-en"))


@pytest.fixture
def reads(monkeypatch, tmp_path, tuning):
    """Counts what is read, of a corpus that no other test has read."""
    counted, read = Counter(), Reader._read

    def counting(self, table, one):
        counted[str(one), table.split] += 1
        return read(self, table, one)

    monkeypatch.setattr(Reader, "_read", counting)
    return counted


@pytest.fixture
def own(tuning, tmp_path):
    """The corpus of other tests in a folder of its own, with dev."""
    for one in (TARGET, AZ, DE, SV):
        for split in ("train", "test"):
            text = corpus_of(tuning).read(one, split)
            write_pair(tmp_path / "own", one.source, split, text.sources, text.targets)
        write_pair(tmp_path / "own", one.source, "dev", [f"dev {one.source}"], [f"dev of {one}"])
    return replace(tuning, corpus=str(tmp_path / "own"))


def test_a_job_of_many_runs_reads_each_text_once(own, request_of, cache, reads):
    arms = (Arm("zero-shot", None), Arm("single", ()), Arm("near", (AZ, DE)))
    budget = Budget(BudgetMode.EQUAL_UPDATES, 1, None)
    request = request_of(workspace=own, arms=arms, seeds=(1, 2), budget=budget)
    assert len(request.tasks) == 5
    reads.clear()
    for task in request.tasks:
        finetune_task(request.payload(), task, cache, lambda progress: None, lambda: False)
    trained = {(str(one), "train"): 1 for one in (TARGET, AZ, DE)}
    assert reads == trained | {(str(one), split): 1 for one in (TARGET, AZ, DE, SV) for split in ("dev", "test")}


def test_a_pair_without_dev_is_read_once_more_for_the_rows_that_are_set_apart(tuning, reads, tmp_path):
    os.symlink(tuning.corpus, tmp_path / "linked")
    texts = open_texts(replace(tuning, corpus=str(tmp_path / "linked")), TARGET)
    assert (len(texts.dev), len(texts.test)) == (6, 5)
    assert all(len(texts.train(one)) for one in (TARGET, AZ))
    assert reads == {(str(one), split): 1 for one in (TARGET, AZ, DE, SV) for split in ("train", "test")} | {
        (str(AZ), "train"): 2
    }


def test_estimates_read_what_is_held_out_once(own, reads):
    for one in (TARGET, AZ, DE, SV):  # as a worker does, pair by pair
        spec = computing.fisher_spec(own, one)
        assert computing._text_of(spec).digest == spec.text_digest
    assert reads == {(str(one), split): 1 for one in (TARGET, AZ, DE, SV) for split in ("train", "dev", "test")}


def test_a_file_that_has_changed_is_read_again(own, tmp_path):
    before, drawn, held = open_texts(own, TARGET), drawn_text(own, TARGET)[0], held_out_of(own)
    digests = before.test.digest, before.train(TARGET).digest
    assert open_texts(own, TARGET) is before
    assert held_out_of(own) is held
    write_pair(tmp_path / "own", "tr", "test", ["bir cümle"], ["Another test sentence."])
    after = open_texts(own, TARGET)
    assert after.test.targets == ("Another test sentence.",)
    assert "anothertestsentence" in held_out_of(own)["en"]
    assert after.test.digest != digests[0]
    write_pair(tmp_path / "own", "tr", "train", ["yeni"], ["Something new."])
    assert open_texts(own, TARGET).train(TARGET).targets == ("Something new.",)
    assert drawn_text(own, TARGET)[0].targets == ("Something new.",) != drawn.targets


def test_what_is_on_the_hub_has_no_stamp():
    assert stamp_of("hf:a/dataset") is None


def test_a_remembering_corpus_is_the_corpus(own):
    corpus = corpus_of(own)
    remembering = RememberingCorpus(corpus, TARGET)
    assert (remembering.name, remembering.notes) == (corpus.name, corpus.notes)
    assert remembering.pairs() == corpus.pairs()
    assert remembering.readable() == corpus.readable()
    for one in (TARGET, AZ):
        assert remembering.splits(one) == corpus.splits(one)
        for split in corpus.splits(one):
            assert remembering.read(one, split) == corpus.read(one, split)
            assert remembering.read_all(one, split) == corpus.read_all(one, split)
    with pytest.raises(CorpusError, match="no fr-en"):
        remembering.read(pair("fr-en"), "train")
