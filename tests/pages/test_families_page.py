import json
import math
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import streamlit as st
from safetensors.numpy import save_file

from pages.views.families.inputs import roundest
from pages.views.families.lists import Pin, pin_of
from pages.views.families.words import RESAMPLED
from pseudofam_core import estimates, jobs
from pseudofam_core.families.breakpoints import Span
from pseudofam_core.families.spec import Rule, SelectionSpec
from pseudofam_core.finetuning import SMALL
from pseudofam_core.languages import pair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.transfer import TransferRequest
from tests.cases_transfer import store_matrix
from tests.pages.cases_finetuning import finished, with_tests
from tests.pages.conftest import CODES, PAIRS, said

TABS = ("Why", "Summary", "Around the target", "How firm?", "All measures", "All targets", "Flow", "Side by side")
LIST = "target,member\nbe-en,tr-en\nbe-en,uk-en\ntr-en,kk-en\nde-en,sv-en\n"


def members(app):
    """Names of the family's members, as the page's first table has them."""
    table = app.dataframe[0].value
    return set(table["Language"][table["In"]])


def figures(app):
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def shards(world):
    """Add what newer estimates keep of their sentences' shards."""
    for number, code in enumerate(CODES):
        spec = estimates.fisher_spec(world.workspace, next(one for one in PAIRS if one.source == code))
        artifact = estimates.find_fisher(spec, world.cache)
        values = np.random.default_rng(number).gamma(1, size=(8, 200)).astype(np.float32)
        tensors = {"values": values, "counts": np.full(8, 3), "positions": np.arange(200)}
        save_file(tensors, artifact.file(estimates.SHARDS_FILE))


def test_the_target_of_the_address_is_shown(world):
    app = world.estimate(*CODES).open("families", target="tr-en")
    assert app.selectbox(key="target").value == PAIRS[3]
    assert app.subheader[0].value.startswith("Turkish · tr")


@pytest.mark.parametrize("measure", Measure)
def test_every_rule_works_with_every_measure(world, measure):
    app = world.estimate(*CODES).open("families", measure=measure.value)
    for rule in Rule:
        app.selectbox(key="rule").select(rule).run()
        assert not app.exception
        assert not app.error


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_works_by_every_rule(world, tab):
    app = world.estimate(*CODES).open("families", measure="overlap", show=tab)
    assert not app.exception
    for rule in (Rule.RADIUS, Rule.NEAREST):
        app.selectbox(key="rule").select(rule).run()
        assert not app.exception
        assert not app.error


def test_nearest_takes_k(world):
    app = world.estimate(*CODES).open("families", show="All targets", rule="nearest")
    app.number_input(key="largest").set_value(3).run()
    every_target = app.dataframe[0].value
    assert list(every_target["Size"]) == [3] * 5


def test_a_wider_radius_adds_members_and_the_address_has_it(world):
    app = world.estimate(*CODES).open("families", measure="mse")
    app.number_input(key="paper_radius_mse").set_value(0.0).run()
    narrow = members(app)
    app.number_input(key="paper_radius_mse").set_value(1e9).run()
    assert members(app) > narrow
    assert app.query_params["paper_radius_mse"] == "1000000000.0"


def test_stepping_the_radius_does_what_the_button_says(world):
    app = world.estimate(*CODES).open("families", measure="mse", rule="radius")
    app.number_input(key="radius_radius_mse").set_value(0.0).run()
    before = members(app)
    button = app.button(key="radius_radius_mse_after")
    code = button.label.removeprefix("adds ").removesuffix(" ›")
    button.click().run()
    (added,) = members(app) - before
    assert added.endswith(f"· {code}")
    assert app.button(key="radius_radius_mse_before").label == f"‹ drops {code}"
    app.button(key="radius_radius_mse_before").click().run()
    assert members(app) == before


def test_at_the_end_of_the_range_there_is_no_further_change(world):
    view = {"measure": "mse", "rule": "radius", "radius_radius_mse": "1000000.0"}
    app = world.estimate(*CODES).open("families", **view)
    assert "the nearest first, but no fewer than 2 and no more than 10" in said(app)
    assert "the ring is the radius" in said(world.open("families", show="Around the target", **view))
    assert app.button(key="radius_radius_mse_after").disabled
    assert not app.button(key="radius_radius_mse_before").disabled


def test_stepping_k_moves_the_sidebars_slider(world):
    app = world.estimate(*CODES).open("families", measure="overlap")
    before, way = members(app), app.button(key="k_after")
    assert not way.disabled
    way.click().run()
    assert app.slider(key="k").value > 0.4
    assert members(app) != before
    app.button(key="k_before").click().run()
    assert members(app) == before


def test_k_is_no_matter_of_mse(world):
    app = world.estimate(*CODES).open("families", measure="mse")
    assert "k_after" not in [one.key for one in app.button]


def test_the_reasons_stand_beside_the_neighbours(world):
    app = world.estimate(*CODES).open("families")
    reasons = app.dataframe[0].value
    assert list(reasons["Rank"]) == [1, 2, 3, 4]
    assert reasons["Why"][0] == "Nearest: always in the family."
    (figure,) = figures(app)
    points = [trace for trace in figure["data"] if trace["type"] == "scatter"]
    drawn = [row[3] for trace in points for row in trace.get("customdata", [])]
    assert sorted(drawn) == sorted(reasons["Why"])


def test_the_odds_of_chance_are_said_for_the_papers_rule_alone(world):
    app = world.estimate(*CODES).open("families")
    assert "With nothing to find" in said(app)
    app.selectbox(key="rule").select(Rule.NEAREST).run()
    assert "With nothing to find" not in said(app)


def test_the_family_goes_to_fine_tuning_in_one_click(world):
    app = world.estimate(*CODES).open("families", target="tr-en", rule="nearest", largest="3")
    (link,) = [one.proto for one in app.get("page_link") if one.proto.label == "Fine-tune this family"]
    asked = parse_qs(urlsplit(f"?{link.query_string}").query)
    assert asked["target"] == ["tr-en"]
    assert len(asked["members"][0].split(",")) == 3
    assert "tr-en" not in asked["members"][0]


def test_who_helped_other_targets_stands_beside_the_family_where_it_is_measured(world):
    with_tests(world, "tr").estimate(*CODES)
    assert "by measured gains" not in said(world.open("families", target="be-en"))
    gains = {"be-en": 0.5, "bg-en": -0.01, "kk-en": 0.25, "uk-en": 0.125}
    request = TransferRequest(jobs.placed(world.workspace), (pair("tr-en"),), tuple(map(pair, gains)), 60, SMALL)
    store_matrix(world.cache, request, lambda _, member, seed: 3 - gains.get(str(member), 0.0))
    st.cache_resource.clear()
    app = world.open("families", target="be-en")
    assert not app.exception
    assert "Kazakh · kk (+0.250), Ukrainian · uk (+0.125), Bulgarian · bg (-0.010)" in said(app)
    (link,) = [element.proto for element in app.get("page_link") if element.proto.label == "Fine-tune these"]
    asked = parse_qs(urlsplit(f"?{link.query_string}").query)
    assert (asked["target"], asked["members"]) == (["be-en"], ["kk-en,uk-en,bg-en"])
    assert "by measured gains" not in said(
        world.open("families", target="tr-en")
    )  # of no other target is anything known


def test_csv_is_made_of_this_target_and_of_all(world):
    app = world.estimate(*CODES).open("families", show="All targets")
    labels = [one.label for one in app.get("download_button")]
    assert labels == ["Family of Belarusian · be as CSV", "All families as CSV"]


def test_the_language_looked_for_becomes_the_target(world):
    app = world.estimate(*CODES).open("families", find="tr-en")
    assert ":violet-badge[:material/search: Turkish · tr] is neighbour" in said(app)
    app.button(key="find_target").click().run()
    assert app.selectbox(key="target").value == PAIRS[3]
    assert app.query_params["target"] == "tr-en"


def test_a_pinned_family_stays_in_the_address_and_beside_the_present_one(world):
    app = world.estimate(*CODES).open("families", rule="nearest", largest="2")
    pinned = members(app)
    app.button(key="pin").click().run()
    assert app.button(key="pin").disabled
    app.number_input(key="largest").set_value(3).run()
    assert not app.button(key="pin").disabled
    link = {name: app.query_params[name] for name in ("rule", "largest", "pins")}
    there = world.open("families", **link, show="Side by side")
    table = there.dataframe[0].value
    assert set(table["Auxiliaries"][0]) == pinned
    assert table["Shared"][0] == "2 of 2"
    assert len(table["Only present"][0]) == 1
    there.multiselect(key="pins").set_value([]).run()
    assert "pins" not in there.query_params


def test_pins_that_cannot_be_read_or_are_of_another_pool_break_nothing(world):
    pins = "nonsense de-en_mse_0.4_paper__10_0.5"
    app = world.estimate(*CODES).open("families", show="Side by side", pins=pins)
    assert not app.exception
    assert "Not in this pool: German · de, MSE, paper." in said(app)


@pytest.mark.parametrize("selection", [SelectionSpec(), SelectionSpec(Rule.RADIUS, 0.1, largest=5, shrink=0.25)])
def test_a_pin_is_read_as_it_was_written(selection):
    pin = Pin(PAIRS[0], Measure.KL_NORMALISED, 0.235, selection)
    assert pin_of(pin.code) == pin


def test_a_list_is_held_against_the_computed_families_and_goes_to_fine_tuning(world):
    app = world.estimate(*CODES).open("families", show="Side by side")
    app.file_uploader(key="family_list_file").set_value(("list.csv", LIST.encode(), "text/csv")).run()
    table = app.dataframe[0].value
    assert list(table["Target"]) == ["Belarusian · be", "Turkish · tr"]
    assert list(table["Auxiliaries"][0]) == ["Turkish · tr", "Ukrainian · uk"]
    assert "Not in this pool: de-en, sv-en." in said(app)
    assert "Fine-tune Belarusian · be with the list's family" in said(app)


def test_a_list_that_cannot_be_read_says_so(world):
    app = world.estimate(*CODES).open("families", show="Side by side")
    app.file_uploader(key="family_list_file").set_value(("list.csv", b"target,member\nbe-en", "text/csv")).run()
    assert "The list can't be read" in app.error[0].value


def test_estimates_without_shards_say_what_to_do(world):
    app = world.estimate(*CODES).open("families", show="How firm?")
    app.toggle(key="resample").set_value(True).run()
    assert not app.exception
    assert "kept no shards" in app.info[0].value


def test_resampling_tells_how_often_each_neighbour_is_chosen(world):
    shards(world.estimate(*CODES))
    app = world.open("families", show="How firm?", resample="yes")
    assert not app.exception
    assert [one.label for one in app.metric] == ["This family unchanged", "Families unchanged, on average"]
    shares = app.dataframe[0].value[RESAMPLED]
    assert list(shares) == sorted(shares, reverse=True)
    assert 2 <= sum(shares) <= 4
    beside = world.open("families", resample="yes").dataframe[0].value
    assert beside[RESAMPLED].between(0, 1).all()


def test_the_strip_over_k_is_for_overlap(world):
    world.estimate(*CODES)
    assert len(figures(world.open("families", measure="overlap", show="How firm?"))) == 3
    app = world.open("families", measure="mse", show="How firm?")
    assert len(figures(app)) == 2
    assert "The strip over K is for Overlap and Jaccard: choose one of them in the sidebar." in said(app)


def test_k_ends_where_the_zeros_begin(world):
    # 80 of Kazakh's 200 parameters are exactly zero: masks above K = 0.6 could only be filled with them.
    world.estimate("be", "uk", "bg", "tr").estimate("kk", n_zeros=80)
    app = world.open("families", measure="overlap", show="How firm?", k="0.4")
    assert not app.exception
    assert not app.warning
    assert figures(app)[2]["layout"]["xaxis"]["range"] == [0.05, 0.6]
    assert "times between K = 5% and 60.0%." in said(app)
    assert "K ends there: only 60.0% of the parameters of Kazakh · kk differ from zero" in said(app)
    below = "Ends at 60.0%. Only 60.0% of the parameters of Kazakh · kk differ from zero, and zeros are in no mask."
    for page in ("families", "similarity", "finetune"):
        app = world.open(page, measure="overlap", k="0.7")
        assert not app.exception
        (asked,) = [one.value for one in app.warning if "zeros" in one.value]
        assert asked.startswith("The address asks for K = 70.0%; here K ends at 60.0%. Only 60.0% of the parameters")
        assert (app.slider(key="k").max, app.slider(key="k").value) == (0.6, 0.6)
        assert below in [one.value for one in app.sidebar.caption]
        app = world.open(page, measure="overlap", k="0.4")
        assert (app.slider(key="k").max, app.slider(key="k").value) == (0.6, 0.4)
        assert below in [one.value for one in app.sidebar.caption]
        assert not [one for one in app.warning if "zeros" in one.value]
        app = world.open(page, measure="mse", k="0.7")
        assert below not in [one.value for one in app.sidebar.caption]
        assert not [one for one in app.warning if "zeros" in one.value]


def test_k_ends_at_once_where_even_the_papers_is_beyond(world):
    world.estimate("be", "uk", "bg", "tr").estimate("kk", n_zeros=150)
    app = world.open("families", measure="overlap")
    assert not app.exception
    assert (app.slider(key="k").max, app.slider(key="k").value) == (0.25, 0.25)
    app.slider(key="k").set_value(0.2).run()
    assert (app.slider(key="k").max, app.slider(key="k").value) == (0.25, 0.2)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0.0312, 0.0398, 0.032),
        (0.0312, 0.0413, 0.04),
        (0.0, 0.3, 0.0),
        (1.234567e-9, 1.3e-9, 1.3e-9 - 6e-11),
        (12.0, float("inf"), 12.0),
        (7.0, math.nextafter(7.0, 8.0), 7.0),
        (0.1234567890123, math.nextafter(0.1234567890123, 1), 0.1234567890123),
    ],
)
def test_the_radius_stepped_to_is_a_round_number_of_the_span(start, end, expected):
    found = roundest(Span(start, end, ()))
    assert start <= found < end
    assert found == pytest.approx(expected, rel=1e-12)


def test_how_firm_a_family_is_stands_beside_its_name(world):
    shards(world.estimate(*CODES))
    app = world.open("families")
    assert "**Firmness**" not in said(app)
    app.button(key="ask_firmness").click().run()
    assert not app.exception
    (told,) = [one.value for one in app.markdown if one.value.startswith("**Firmness**")]
    assert "of resamples of the sentences leave" in told
    assert not [one for one in app.button if one.key == "ask_firmness"]
    app = world.open("families", resample="yes", show="How firm?")
    assert app.metric[0].value in told


@pytest.mark.parametrize("target", PAIRS)
def test_firmness_is_said_of_the_family_that_was_resampled(world, target):
    """The part of the parameters that is resampled may give another family than the one above."""
    shards(world.estimate(*CODES))
    app = world.open("families", resample="yes", show="How firm?", target=str(target))
    (told,) = [one.value for one in app.markdown if one.value.startswith("**Firmness**")]
    assert ("the family is another one" in told) == (f"Of {target.label} it gives" in said(app))


def summary_of(app):
    """The summary's HTML, and the button of its file."""
    (button,) = [one for one in app.get("download_button") if one.proto.label.startswith("Summary")]
    return "\n".join(one.proto.body for one in app.get("html")), button


def test_the_summary_has_every_part_without_being_asked_to_resample(world):
    with_tests(world, "be").estimate(*CODES)
    shards(world)
    app = world.open("families", measure="overlap", show="Summary")
    assert not app.exception
    html, button = summary_of(app)
    for name in ("members", "firmness", "odds", "measures", "tradition", "results", "gains", "further", "provenance"):
        assert f'<section id="{name}">' in html
    assert "100 resamples draw the sentences" in html
    assert "No model has been fine-tuned" in html
    first = html.split('id="members"')[1].split('id="firmness"')[0]
    n = first.count('<tr class="marked">')
    assert app.subheader[0].value == f"Belarusian · be: {n} auxiliaries"
    assert not button.proto.disabled


def test_the_summary_has_runs_and_gains_as_they_finish(world):
    st.cache_data.clear()  # the same estimates had shards in other tests
    with_tests(world, "be").estimate(*CODES)
    app = world.open("families", measure="overlap", show="Summary")
    assert "No model has been fine-tuned" in summary_of(app)[0]
    finished(world, "be", [], error=0.3)
    finished(world, "be", ["kk"], error=0.1)
    app.run()
    html, _ = summary_of(app)
    assert "<td>with kk</td>" in html or "<td>random-1</td>" in html
    assert "Not known. The estimates were made by an earlier version" in html
    assert len(app.get("plotly_chart")) == 2


def test_the_summary_follows_target_and_rule(world):
    world.estimate(*CODES)
    app = world.open("families", measure="mse", show="Summary", target="tr-en", rule="nearest", largest="3")
    html, _ = summary_of(app)
    assert "Turkish · tr has 3 auxiliaries by MSE" in html
    assert "set beforehand" in html
