"""What a model does not read: no sentence stands in both halves, whatever the pair, and the list of it is reliable."""

from __future__ import annotations

import json
import random

import pytest

from pseudofam_core.corpora import Bitext, open_corpus
from pseudofam_core.corpora.held_out import folded
from pseudofam_core.corpora.kept_back import KEPT_BACK_FILE, keep_back, read_kept_back, sentence_digest, write_kept_back
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import pair

CODES = ("be", "de", "tr")


class TextCorpus:
    """Bitexts held in memory, by pair and split."""

    name = "made up"

    def __init__(self, rows):
        self.rows = rows

    def pairs(self):
        return tuple(sorted({one for one, _ in self.rows}))

    def splits(self, one):
        return tuple(split for split in ("train", "dev", "test") if (one, split) in self.rows)

    def read(self, one, split):
        sources, targets = zip(*self.rows[one, split], strict=True)
        return Bitext(one, split, sources, targets)

    def read_all(self, one, split):
        return (self.read(one, split),)


def shared_text(seed, n=160):
    """Pairs that share English sentences, some with several translations on either side, in several spellings."""
    rng = random.Random(seed)
    spelled = (str, str.upper, lambda line: f"{line}!")
    return TextCorpus(
        {
            (pair(f"{code}-en"), "train"): [
                (f"{code} {rng.randrange(n)}", rng.choice(spelled)(f"english {rng.randrange(n)}"))
                for _ in range(n // 2)
            ]
            for code in CODES
        }
    )


def halves(corpus, kept):
    """Folded sentences of each half by language, from the rows that each gives."""
    found = {"read": set(), "kept": set()}
    for one in corpus.pairs():
        for half, rows in (("read", kept.without_kept), ("kept", kept.only_kept)):
            bitext = rows(corpus.read(one, "train"))
            found[half] |= {(one.source, folded(line)) for line in bitext.sources}
            found[half] |= {(one.target, folded(line)) for line in bitext.targets}
    return found


def groups_by_walking(corpus):
    """Twin: walk from every sentence to all that translations lead to."""
    near = {}
    for one in corpus.pairs():
        bitext = corpus.read(one, "train")
        for source, target in zip(bitext.sources, bitext.targets, strict=True):
            a, b = (one.source, folded(source)), (one.target, folded(target))
            near.setdefault(a, set()).add(b)
            near.setdefault(b, set()).add(a)
    groups, seen = [], set()
    for start in near:
        if start in seen:
            continue
        group, edge = set(), [start]
        while edge:
            here = edge.pop()
            if here not in group:
                group.add(here)
                edge += near[here]
        seen |= group
        groups.append(group)
    return groups


@pytest.mark.parametrize("seed", range(8))
def test_no_sentence_stands_in_both_halves_and_groups_stay_together(seed):
    corpus = shared_text(seed)
    kept = keep_back(corpus, share=0.5, seed=seed)
    found = halves(corpus, kept)
    assert found["read"]
    assert found["kept"]
    assert not found["read"] & found["kept"]
    for group in groups_by_walking(corpus):
        assert group <= found["read"] or group <= found["kept"]
    n_rows = sum(
        len(half(corpus.read(one, "train"))) for one in corpus.pairs() for half in (kept.without_kept, kept.only_kept)
    )
    assert n_rows == sum(len(rows) for rows in corpus.rows.values())


def sparse_text(n=4000):
    """Each row a group of its own."""
    return TextCorpus({(pair("be-en"), "train"): [(f"be {i}", f"en {i}") for i in range(n)]})


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_the_share_is_what_was_asked_for(share):
    corpus = sparse_text()
    kept = keep_back(corpus, share=share, seed=1)
    # 4000 draws: three standard deviations are at most 0.024
    assert len(kept.only_kept(corpus.read(pair("be-en"), "train"))) / 4000 == pytest.approx(share, abs=0.024)


def test_the_seed_decides_and_the_order_of_rows_does_not():
    corpus = sparse_text(400)
    kept = keep_back(corpus, share=0.5, seed=1)
    turned = TextCorpus({key: rows[::-1] for key, rows in corpus.rows.items()})
    assert keep_back(turned, share=0.5, seed=1).sentences == kept.sentences
    other = keep_back(corpus, share=0.5, seed=2)
    # Of what one seed keeps back, another keeps half.
    assert len(other.sentences["en"] & kept.sentences["en"]) / len(kept.sentences["en"]) == pytest.approx(0.5, abs=0.12)


def test_dev_and_test_are_never_listed():
    corpus = sparse_text(40)
    corpus.rows[pair("be-en"), "test"] = [("be 3", "EN 3.")]
    corpus.rows[pair("be-en"), "dev"] = [("unlike", "en 5")]
    listed = set().union(*(keep_back(corpus, share=0.9, seed=seed).sentences["en"] for seed in range(4)))
    assert listed == {sentence_digest(f"en {i}") for i in range(40) if i not in (3, 5)}


def test_blank_sides_join_nothing():
    corpus = sparse_text(200)
    corpus.rows[pair("be-en"), "train"] += [(f"be {i}", " ") for i in range(200)]
    kept = keep_back(corpus, share=0.5, seed=1)
    assert kept.sentences == keep_back(sparse_text(200), share=0.5, seed=1).sentences


def test_text_that_is_all_joined_can_not_be_split():
    corpus = TextCorpus({(pair("be-en"), "train"): [(f"be {i}", "Yes.") for i in range(9)]})
    with pytest.raises(CorpusError, match="all joined"):
        keep_back(corpus, share=0.5, seed=1)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5])
def test_a_share_that_keeps_all_or_nothing_is_refused(share):
    with pytest.raises(ValueError, match="keep_back must be between 0 and 1"):
        keep_back(sparse_text(4), share=share, seed=1)


def test_the_list_is_read_as_it_was_written_and_holds_no_text(tmp_path):
    kept = keep_back(sparse_text(40), share=0.5, seed=1)
    write_kept_back(kept, tmp_path)
    assert read_kept_back(tmp_path) == kept
    written = (tmp_path / KEPT_BACK_FILE).read_text(encoding="utf-8")
    assert "be 1" not in written
    assert "en1" not in written
    assert [path.name for path in tmp_path.iterdir()] == [KEPT_BACK_FILE]
    write_kept_back(other := keep_back(sparse_text(40), share=0.5, seed=2), tmp_path)
    assert read_kept_back(tmp_path) == other


def test_the_digest_tells_the_text():
    one, other = sparse_text(40), sparse_text(41)
    assert (
        keep_back(one, share=0.5, seed=1).corpus_digest == keep_back(sparse_text(40), share=0.4, seed=2).corpus_digest
    )
    assert keep_back(one, share=0.5, seed=1).corpus_digest != keep_back(other, share=0.5, seed=1).corpus_digest


@pytest.mark.parametrize("text", ["", "[]", '{"sentences": 3}', json.dumps({"sentences": {"en": []}}), '{"share": 1}'])
def test_a_damaged_list_is_an_error(tmp_path, text):
    (tmp_path / KEPT_BACK_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match="can't be read"):
        read_kept_back(tmp_path)


def test_a_model_without_a_list_is_an_error_with_a_way_out(tmp_path):
    with pytest.raises(CorpusError, match="pretrain --keep-back"):
        read_kept_back(tmp_path)


def test_a_folder_of_files_splits_like_the_same_text_in_memory(tmp_path):
    rows = [(f"be {i}", f"en {i}") for i in range(40)]
    (tmp_path / "be-en").mkdir()
    for side, column in (("be", 0), ("en", 1)):
        (tmp_path / "be-en" / f"train.{side}").write_text("".join(f"{row[column]}\n" for row in rows), encoding="utf-8")
    found = keep_back(open_corpus(tmp_path), share=0.5, seed=1)
    assert found.sentences == keep_back(sparse_text(40), share=0.5, seed=1).sentences
