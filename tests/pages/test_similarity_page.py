import json
import re

import pytest

from pseudofam_core.similarity.measures import Measure
from tests.pages.conftest import CODES, PAIRS, said


def figure_of(app, kind="heatmap"):
    """The first figure of the page that has a trace of a kind."""
    figures = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    return next(one for one in figures if any(trace["type"] == kind for trace in one["data"]))


def heatmap(app):
    return next(trace for trace in figure_of(app)["data"] if trace["type"] == "heatmap")


def rows(app):
    """Names of the rows, top to bottom."""
    axes = figure_of(app)["layout"]
    return next(axis["ticktext"] for name, axis in axes.items() if name.startswith("yaxis") and "ticktext" in axis)


@pytest.mark.parametrize("measure", Measure)
def test_every_measure_is_drawn(world, measure):
    app = world.estimate(*CODES).open("similarity", measure=measure.value)
    assert not app.exception
    assert not app.error
    assert measure.label in heatmap(app)["colorbar"]["title"]["text"]


@pytest.mark.parametrize("linkage", ["average", "complete", "single", "weighted"])
def test_every_linkage_is_drawn(world, linkage):
    app = world.estimate(*CODES).open("similarity")
    app.selectbox(key="linkage").select(linkage).run()
    assert not app.exception


def test_k_is_for_overlap_alone_and_changes_the_matrix(world):
    world.estimate(*CODES)
    assert world.open("similarity", measure="mse").slider(key="k").disabled
    app = world.open("similarity")
    before = heatmap(app)["z"]
    app.slider(key="k").set_value(0.1).run()
    assert not app.exception
    assert heatmap(app)["z"] != before


def test_rows_stand_in_the_order_asked_for(world):
    app = world.estimate(*CODES).open("similarity")
    app.selectbox(key="order").select("name").run()
    labels = rows(app)
    assert labels == sorted(one.label for one in PAIRS)
    app.selectbox(key="order").select("family").run()
    families = {one.label: one.language.traditional_family for one in PAIRS}
    in_order = [families[label] for label in rows(app)]
    assert in_order == sorted(in_order)


def test_rows_stand_by_corpus_size_and_by_nearness(world):
    app = world.estimate(*CODES).open("similarity", order="size")
    assert len(rows(app)) == len(PAIRS)
    app = world.open("similarity", order="near", near="tr-en")
    assert rows(app)[0] == "Turkish · tr"


def test_the_cut_puts_every_pair_into_one_cluster(world):
    app = world.estimate(*CODES).open("similarity", show="Clusters")
    app.slider(key="clusters").set_value(3).run()
    members = app.dataframe[0].value["Members"]
    assert len(members) == 3
    assert sorted(one for cluster in members for one in cluster) == sorted(one.label for one in PAIRS)


def test_a_cut_at_a_distance_goes_before_the_number(world):
    app = world.estimate(*CODES).open("similarity", show="Clusters", height="1000")
    assert app.slider(key="clusters").disabled
    assert len(app.dataframe[0].value) == 1  # above all merges: one cluster


def test_two_languages_are_told_by_every_measure_and_both_ways(world):
    view = {"of": "be-en", "with": "uk-en"}
    app = world.estimate(*CODES).open("similarity", **view)
    assert not app.exception
    table = app.dataframe[0].value.set_index("Measure")
    back = world.open("similarity", **{"of": "uk-en", "with": "be-en"}).dataframe[0].value.set_index("Measure")
    assert list(table["Value"]) == list(back["Other way"])
    assert list(table["Its rank"]) == list(back["Rank"])
    curve = figure_of(app, "scatter")  # the matrix has none but the tree's and the cells'
    assert curve["data"]


def test_a_pair_is_not_its_own_auxiliary(world):
    app = world.estimate(*CODES).open("similarity", **{"of": "be-en", "with": "be-en"})
    assert not app.exception
    assert "not its own auxiliary" in said(app)


@pytest.mark.parametrize("tab", ["All measures", "Map", "What it follows"])
def test_every_tab_is_drawn(world, tab):
    app = world.estimate(*CODES).open("similarity", show=tab)
    assert not app.exception
    assert not app.error


def test_agreement_is_said_beside_chance(world):
    words = said(world.estimate(*CODES).open("similarity"))
    assert "of 5" in words  # all five have a relative in the pool
    assert "by chance it would be 2.0" in words  # three Slavic with two relatives of four, two Turkic with one


def test_two_pairs_are_enough(world):
    app = world.estimate("be", "tr").open("similarity", pairs="be-en tr-en")
    assert not app.exception
    assert len(rows(app)) == 2


def traces(app, words):
    """The traces of all figures whose pointing says so."""
    figures = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    return [trace for one in figures for trace in one["data"] if words in trace.get("hovertemplate", "")]


def marked_points(found):
    """Codes of the points of leaves or of a map that are pointed out."""
    codes = []
    for trace in found:
        sizes = (
            trace["marker"]["line"]["width"]
            if "line" in trace["marker"]
            else [s == 12 for s in trace["marker"]["size"]]
        )
        codes += [code for (code,), size in zip(trace["customdata"], sizes, strict=True) if size]
    return sorted(codes)


def test_a_marked_language_and_a_chosen_pair_are_marked_in_tree_matrix_map_and_table(world):
    view = {"find": "tr-en", "of": "be-en", "with": "uk-en"}
    app = world.estimate(*CODES).open("similarity", show="Map", **view)
    assert not app.exception
    leaves = [one for one in traces(app, "click to mark it") if isinstance(one["marker"].get("size"), list)]
    of_map = traces(app, "<br>click to mark it")
    assert marked_points(leaves) == ["be-en", "tr-en", "uk-en"]
    assert marked_points(of_map) == ["be-en", "tr-en", "uk-en"]
    framed = [one for one in figure_of(app)["layout"]["shapes"] if one["line"]["color"] == "#e0218a"]
    assert [one["line"]["width"] for one in framed] == [1, 1, 2]
    row = next(i for i, name in enumerate(rows(app)) if "Turkish" in name)
    assert (framed[0]["y0"], framed[0]["y1"], framed[0]["x0"]) == (row - 0.5, row + 0.5, -0.5)
    app = world.open("similarity", show="Clusters", **view)
    table = next(one for one in app.dataframe if "Nearest" in one.value)
    assert set(table.value["Language"]) == {one.label for one in PAIRS}
    styles = table.proto.arrow_data.styler.styles
    tinted = {int(row) for row in re.findall(r"row(\d+)_col0", styles)}
    assert {list(table.value["Language"])[row] for row in tinted} == {
        "Turkish · tr",
        "Belarusian · be",
        "Ukrainian · uk",
    }


def test_without_a_choice_nothing_is_marked(world):
    app = world.estimate(*CODES).open("similarity", show="Map")
    assert marked_points([*traces(app, "click to mark it")][:1]) == []
    assert not [one for one in figure_of(app)["layout"]["shapes"] if one["line"]["color"] == "#e0218a"]


def test_a_pair_that_is_not_drawn_below_stays_in_the_address(world):
    """The card of two languages is closed, and another control changes."""
    app = world.estimate(*CODES).open("similarity", show="Map", **{"of": "be-en", "with": "uk-en"})
    app.slider(key="clusters").set_value(3).run()
    assert {"of", "with"} <= set(app.query_params)
