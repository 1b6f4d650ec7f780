"""JSON and back: every spec comes back equal and under its key, and whatever is malformed is told by its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pseudofam_core.corpora.cleaning import Cleaning
from pseudofam_core.errors import MalformedValue
from pseudofam_core.estimates.spec import Estimator, FisherSpec, MiniBatches, Workspace
from pseudofam_core.finetuning import Arm, Budget, FinetuneRequest, Lora, Recipe
from pseudofam_core.languages import LanguagePair, pair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.spec import PoolSpec, Scope, SimilaritySpec
from pseudofam_core.store.keys import canonical, key_of
from pseudofam_core.store.restoring import known_of, restored
from tests.cases_estimates import fisher_spec_of

BE, UK = pair("be-en"), pair("uk-en")
WORKSPACE = Workspace(
    pairs=(BE, UK),
    estimator=Estimator.PER_BATCH,
    mini_batches=MiniBatches(dropout=None),
    cleaning=Cleaning(max_length_ratio=3),
)
REQUEST = FinetuneRequest(
    workspace=WORKSPACE,
    target=BE,
    arms=(Arm("zero-shot", None), Arm("single", ()), Arm("mine", (UK,))),
    budget=Budget(updates=30, patience=3),
    recipe=Recipe(lora=Lora(), temperature=5),
)
PLAIN = canonical(WORKSPACE)


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(canonical(value)))


@pytest.mark.parametrize(
    "value",
    [
        WORKSPACE,
        REQUEST,
        PoolSpec(("a", "b"), (BE, UK), Scope.MODEL, "ffn"),
        SimilaritySpec(("a", "b"), (BE, UK), Measure.OVERLAP, 0.4, Scope.GROUP),
        SimilaritySpec(("a", "b"), (BE, UK), Measure.MSE),
    ],
)
def test_a_value_comes_back_equal_and_has_its_key(value):
    again = restored(type(value), through_json(value))
    assert again == value
    assert key_of("stage", 1, again) == key_of("stage", 1, value)


@pytest.mark.parametrize("ratio", [3, 3.0])
def test_a_number_stays_as_it_is_written_for_the_key_tells_3_from_3_point_0(ratio):
    workspace = replace(WORKSPACE, cleaning=Cleaning(max_length_ratio=ratio))
    assert type(restored(Workspace, through_json(workspace)).cleaning.max_length_ratio) is type(ratio)


def test_a_spec_that_leaves_a_field_out_of_its_key_is_read_with_that_field():
    spec = fisher_spec_of("be-en")
    assert restored(FisherSpec, {**through_json(spec), "workspace": through_json(spec.workspace)}) == spec


def test_a_pair_may_be_written_as_people_write_it():
    assert restored(Workspace, {"pairs": ["be-en", {"source": "uk", "target": "en"}]}) == Workspace(pairs=(BE, UK))
    assert restored(LanguagePair, "bel_Cyrl-eng_Latn") == BE


def test_what_is_not_named_takes_its_default():
    assert restored(Workspace, {}) == Workspace()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_length": "256"}, r"^Workspace\.max_length must be a whole number\. Got '256'\.$"),
        ({"seed": 1.5}, r"Workspace\.seed must be a whole number. Got 1\.5"),
        ({"seed": True}, r"Workspace\.seed must be a whole number. Got True"),
        ({"seed": None}, r"Workspace\.seed must be a whole number. Got None"),
        ({"model": 7}, r"Workspace\.model must be a text. Got 7"),
        ({"max_sentences": []}, r"Workspace\.max_sentences must be a whole number. Got \[\]"),
        ({"estimator": "guess"}, r"Workspace\.estimator must be one of per-sentence, per-batch, sampled. Got 'guess'"),
        ({"cleaning": []}, r"Workspace\.cleaning must be values by name. Got \[\]"),
        ({"cleaning": {"nfc": "no"}}, r"Workspace\.cleaning\.nfc must be true or false. Got 'no'"),
        ({"cleaning": {"nfc": 1}}, r"Workspace\.cleaning\.nfc must be true or false. Got 1"),
        ({"cleaning": {"duplicates": "all"}}, r"Workspace\.cleaning\.duplicates must be one of keep, drop-pairs"),
        ({"cleaning": {"min_characters": -1}}, r"Workspace\.cleaning: min_characters must be at least 0. Got -1"),
        ({"max_length": 4}, r"Workspace: max_length must be at least 8 tokens. Got 4"),
        ({"pairs": "be-en"}, r"Workspace\.pairs must be a list. Got 'be-en'"),
        ({"pairs": ["be-en", "nowhere"]}, r"Workspace\.pairs\[1\]: A language pair is written"),
        ({"pairs": [{"source": "be"}]}, r"Workspace\.pairs\[0\] must have target. Got source"),
        ({"model_name": "sample"}, r"Workspace has no model_name. It has model, corpus"),
    ],
)
def test_what_is_malformed_is_told_by_its_place(changes, message):
    with pytest.raises(MalformedValue, match=message):
        restored(Workspace, {**PLAIN, **changes})


@pytest.mark.parametrize("values", [None, [], "text", 3, True])
def test_what_is_no_object_at_all_is_told(values):
    with pytest.raises(MalformedValue, match="Workspace must be values by name"):
        restored(Workspace, values)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(through_json(REQUEST))), json_values)
def test_any_damage_is_one_kind_of_error_or_a_valid_value(name, damage):
    try:
        again = restored(FinetuneRequest, {**through_json(REQUEST), name: damage})
    except MalformedValue:
        return
    assert restored(FinetuneRequest, through_json(again)) == again


@dataclass(frozen=True)
class Measured:
    curve: tuple[tuple[int, float], ...]
    shares: Mapping[str, float]
    version: str | int
    more: Mapping[str, Any]


MEASURED = {"curve": [[1, 0.5], [2, 3]], "shares": {"a": 1}, "version": 1, "more": {"any": [None]}}


def test_tuples_of_fixed_length_mappings_and_unions_are_read():
    found = restored(Measured, MEASURED)
    assert found == Measured(((1, 0.5), (2, 3)), {"a": 1}, 1, {"any": [None]})
    assert restored(Measured, {**MEASURED, "version": "0.1"}).version == "0.1"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"curve": [[1, 0.5], [2]]}, r"Measured\.curve\[1\] must be a list of 2. Got \[2\]"),
        ({"shares": {"a": "x"}}, r"Measured\.shares\.a must be a number. Got 'x'"),
        ({"version": 0.5}, r"Measured\.version must be a whole number. Got 0\.5"),
    ],
)
def test_their_damage_is_told_by_its_place_too(changes, message):
    with pytest.raises(MalformedValue, match=message):
        restored(Measured, {**MEASURED, **changes})


def test_what_a_later_version_added_to_a_file_can_be_left_out():
    assert restored(Measured, known_of(Measured, {**MEASURED, "later": 1})) == restored(Measured, MEASURED)


def test_a_type_that_json_can_not_hold_is_the_callers_mistake():
    with pytest.raises(TypeError, match="kind must be"):
        restored(complex, 1)
