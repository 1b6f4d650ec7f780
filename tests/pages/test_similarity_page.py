import json

import pytest

from pseudofam_core.specs import Measure
from tests.pages.conftest import CODES, PAIRS, said


def heatmap(app):
    (chart,) = app.get("plotly_chart")
    figure = json.loads(chart.proto.spec)
    return next(trace for trace in figure["data"] if trace["type"] == "heatmap")


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
    assert world.open("similarity").slider(key="k").disabled
    app = world.open("similarity", measure="overlap")
    before = heatmap(app)["customdata"]
    app.slider(key="k").set_value(0.1).run()
    assert not app.exception
    assert heatmap(app)["customdata"] != before


def test_rows_stand_in_the_order_asked_for(world):
    app = world.estimate(*CODES).open("similarity")
    app.selectbox(key="order").select("name").run()
    labels = list(heatmap(app)["x"])
    assert labels == sorted(one.label for one in PAIRS)
    app.selectbox(key="order").select("family").run()
    families = {one.label: one.language.traditional_family for one in PAIRS}
    in_order = [families[label] for label in heatmap(app)["x"]]
    assert in_order == sorted(in_order)


def test_the_cut_puts_every_pair_into_one_cluster(world):
    app = world.estimate(*CODES).open("similarity")
    app.slider(key="clusters").set_value(3).run()
    members = app.table[0].value["Members"]
    assert len(members) == 3
    assert sorted(", ".join(members).split(", ")) == sorted(one.label for one in PAIRS)


def test_agreement_is_said_beside_chance(world):
    words = said(world.estimate(*CODES).open("similarity"))
    assert "of 5" in words  # all five have a relative in the pool
    assert "by chance it would be 2.0" in words  # three Slavic with two relatives of four, two Turkic with one


def test_two_pairs_are_enough(world):
    app = world.estimate("be", "tr").open("similarity")
    assert not app.exception
    assert len(heatmap(app)["x"]) == 2
