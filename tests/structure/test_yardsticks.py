"""Yardsticks by hand, and URIEL+ on a small table of the package's shape."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from pseudofam_core.languages import pair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.structure import uriel
from pseudofam_core.structure.correlation import mantel
from pseudofam_core.structure.uriel import UrielKind, UrielMissing, uriel_distances
from pseudofam_core.structure.yardsticks import corpus_size, genealogical, script, yardstick_correlations
from pseudofam_core.structure.yardsticks import uriel as uriel_yardstick

# Slavic in Cyrillic and Latin, Germanic, Turkic twice, Chinese in two scripts.
POOL = tuple(pair(f"{code}-en") for code in ("be", "sk", "de", "kk", "tr", "zh", "zho_Hant"))


def test_genealogy_by_hand():
    found = genealogical(POOL)
    assert found.distances.tolist() == [
        [0, 1, 2, 3, 3, 3, 3],
        [1, 0, 2, 3, 3, 3, 3],
        [2, 2, 0, 3, 3, 3, 3],
        [3, 3, 3, 0, 2, 3, 3],
        [3, 3, 3, 2, 0, 3, 3],
        [3, 3, 3, 3, 3, 0, 0],
        [3, 3, 3, 3, 3, 0, 0],
    ]
    # Two isolates are not one family; two without a branch are not one branch.
    assert genealogical((pair("ja-en"), pair("ko-en"))).distances[0, 1] == 3
    assert genealogical((pair("wo-en"), pair("yo-en"))).distances[0, 1] == 2


def test_scripts_by_hand():
    found = script(POOL).distances
    # be and kk are Cyrillic; sk, de, tr Latin; the two of Chinese differ.
    assert found[0].tolist() == [0, 1, 1, 0, 1, 1, 1]
    assert found[1].tolist() == [1, 0, 0, 1, 0, 1, 1]
    assert found[5, 6] == 1


def test_corpus_sizes_by_hand():
    found = corpus_size(POOL[:4], {POOL[0]: 100, POOL[1]: 1000, POOL[3]: 100})
    assert found.distances[0, 1] == found.distances[1, 0] == pytest.approx(math.log(10))
    assert found.distances[0, 3] == 0
    # A pair of unknown size is at an unknown distance from all others.
    assert np.isnan(found.distances[2, [0, 1, 3]]).all()
    assert np.diag(found.distances).tolist() == [0, 0, 0, 0]
    with pytest.raises(ValueError, match=r"at least 1\. Got 0 for sk-en"):
        corpus_size(POOL, {POOL[1]: 0})


def test_correlations_are_mantel_tests_of_symmetrised_distances():
    rng = np.random.default_rng(0)
    family = genealogical(POOL)
    near_family = 1 - (family.distances + rng.uniform(0, 0.9, (7, 7))) / 5
    overlap = PairwiseMatrix(POOL, near_family, Measure.OVERLAP, 0.4)
    noise = PairwiseMatrix(POOL, rng.uniform(size=(7, 7)), Measure.KL)
    yardsticks = [family, script(POOL), corpus_size(POOL, dict.fromkeys(POOL[:5], 7))]
    rows = yardstick_correlations([overlap, noise], yardsticks, n_permutations=99, seed=4)
    assert [(row.measure, row.yardstick) for row in rows] == [
        (measure, yardstick)
        for measure in ("Overlap (K = 40%)", "KL")
        for yardstick in ("Genealogy", "Script", "Corpus size")
    ]
    above = np.triu_indices(7, k=1)
    distances = 1 - (near_family + near_family.T) / 2
    assert rows[0].spearman == pytest.approx(stats.spearmanr(distances[above], family.distances[above]).statistic)
    assert rows[0].p_value < 0.05
    assert rows[0].p_value == mantel(overlap.symmetric_distances(), family.distances, n_permutations=99, seed=4).p_value
    # All sizes that are known are the same: nothing to follow.
    assert (rows[2].spearman, rows[2].p_value, rows[2].n_entries) == (None, None, 10)
    with pytest.raises(ValueError, match="Script must be over the matrix's pool"):
        yardstick_correlations([overlap], [script(POOL[::-1])], seed=1)


# --- URIEL+ ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path):
    """A folder with tables in urielplus's layout: -1 is unknown, sources on the last axis."""
    folder = tmp_path / "urielplus"
    tables = folder / "database" / "original_uriel"
    tables.mkdir(parents=True)
    codes = np.array(["bel", "slk", "deu", "kaz"])
    family = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 0], [0, 0, 1]], dtype=np.float32)[:, :, None]
    names = np.array(["F_Indo-European", "F_Slavic", "F_Turkic"])
    np.savez(tables / "family_features.npz", feats=names, langs=codes, sources=np.array(["G"]), data=family)
    # Two sources: S_1, S_2, P_1. kaz is unknown, and slk has no P_1.
    features = np.array(
        [
            [[1, -1], [0, 1], [1, 1]],
            [[-1, 1], [0, 0], [-1, -1]],
            [[0, 0], [1, 0], [0, -1]],
            [[-1, -1], [-1, -1], [-1, -1]],
        ],
        dtype=np.float32,
    )
    names = np.array(["S_1", "S_2", "P_1"])
    np.savez(tables / "features.npz", feats=names, langs=codes, sources=np.array(["A", "B"]), data=features)
    places = np.array([[0.5, 0.1], [0.5, 0.2], [0.4, 0.9], [0.1, 0.5]], dtype=np.float32)[:, :, None]
    names = np.array(["GC_1", "GC_2"])
    np.savez(tables / "geocoord_features.npz", feats=names, langs=codes, sources=np.array(["G"]), data=places)
    return folder


LANGUAGES = ["bel", "slk", "deu", "kaz"]


def angle(u, v) -> float:
    return 2 / math.pi * math.acos(min(1, np.dot(u, v) / (np.linalg.norm(u) * np.linalg.norm(v))))


def test_uriel_genetic_by_hand(package):
    found = uriel_distances(LANGUAGES, UrielKind.GENETIC, folder=package)
    # bel and slk share both groups; deu one of bel's two: cos = 1/√2, an angle of 45° of 90°; kaz none.
    assert found[0] == pytest.approx([0, 0, 0.5, 1], abs=1e-7)
    assert found == pytest.approx(found.T)


def test_uriel_sources_are_joined_and_gaps_left_out(package):
    syntactic = uriel_distances(LANGUAGES, UrielKind.SYNTACTIC, folder=package)
    # Any source that says 1: bel (1, 1), slk (1, 0), deu (0, 1).
    assert syntactic[0, 1] == pytest.approx(angle([1, 1], [1, 0]))
    assert syntactic[1, 2] == pytest.approx(1)
    assert np.isnan(syntactic[3, :3]).all()
    assert syntactic[3, 3] == 0
    phonological = uriel_distances(LANGUAGES, UrielKind.PHONOLOGICAL, folder=package)
    assert np.isnan(phonological[0, 1])
    # deu's only shared feature is 0: the package gives zeros the direction of all ones, here bel's own.
    assert phonological[0, 2] == pytest.approx(0, abs=1e-7)
    featural = uriel_distances(LANGUAGES, UrielKind.FEATURAL, folder=package)
    assert featural[0, 1] == pytest.approx(angle([1, 1], [1, 0]))
    assert featural[0, 2] == pytest.approx(angle([1, 1, 1], [0, 1, 0]))
    geographic = uriel_distances(["kaz", "bel"], UrielKind.GEOGRAPHIC, folder=package)
    assert geographic[0, 1] == pytest.approx(angle([0.1, 0.5], [0.5, 0.1]))


def test_uriel_knows_nothing_of_a_language_outside_its_table(package):
    found = uriel_distances(["bel", "xxx"], UrielKind.GENETIC, folder=package)
    assert np.isnan(found[0, 1])


def test_a_missing_package_is_named_with_the_way_out(monkeypatch, tmp_path):
    monkeypatch.setattr(uriel, "find_spec", lambda name: None)
    with pytest.raises(UrielMissing, match=r"optional package urielplus\. Install it: pip install urielplus"):
        uriel_yardstick(POOL, UrielKind.GENETIC)
    with pytest.raises(UrielMissing, match=r"family_features\.npz of urielplus can't be read"):
        uriel_distances(LANGUAGES, UrielKind.GENETIC, folder=tmp_path)


def test_the_yardstick_asks_for_individual_languages(monkeypatch, package):
    class Spec:
        submodule_search_locations = (str(package),)

    monkeypatch.setattr(uriel, "find_spec", lambda name: Spec if name == "urielplus" else None)
    found = uriel_yardstick((pair("be-en"), pair("en-de"), pair("kk-en")), UrielKind.GENETIC)
    assert found.name == "URIEL+ genetic"
    assert found.distances[0] == pytest.approx([0, 0.5, 1], abs=1e-7)


def test_importing_yardsticks_opens_neither_torch_nor_uriel():
    code = "import sys, pseudofam_core.structure.yardsticks; print({'torch', 'urielplus', 'transformers'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
