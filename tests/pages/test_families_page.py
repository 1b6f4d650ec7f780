import json

import pytest

from pseudofam_core.specs import Measure
from tests.pages.conftest import CODES, PAIRS, said


def test_the_target_of_the_address_is_shown(world):
    app = world.estimate(*CODES).open()
    app.query_params["target"] = "Turkish · tr"
    app.switch_page("pages/families.py").run()
    assert app.selectbox(key="target").value == PAIRS[3]
    assert app.subheader[0].value.startswith("Turkish · tr")


@pytest.mark.parametrize("measure", Measure)
@pytest.mark.parametrize("rule", ["paper", "radius", "nearest"])
def test_every_rule_works_with_every_measure(world, measure, rule):
    app = world.estimate(*CODES).open("families", measure=measure.value)
    app.selectbox(key="rule").select(rule).run()
    assert not app.exception
    assert not app.error


def test_nearest_takes_k(world):
    app = world.estimate(*CODES).open("families")
    app.selectbox(key="rule").select("nearest").run()
    app.number_input(key="largest").set_value(3).run()
    every_target = app.dataframe[-1].value
    assert list(every_target["Size"]) == [3] * 5
    assert len(every_target) == 5


def test_a_wider_radius_adds_members(world):
    app = world.estimate(*CODES).open("families")
    app.number_input(key="paper_radius_mse").set_value(0.0).run()
    narrow = app.dataframe[-1].value["Size"].sum()
    app.number_input(key="paper_radius_mse").set_value(1e9).run()
    assert app.dataframe[-1].value["Size"].sum() > narrow


def test_the_reasons_stand_beside_the_neighbours(world):
    app = world.estimate(*CODES).open("families")
    reasons = app.dataframe[0].value
    assert list(reasons["Rank"]) == [1, 2, 3, 4]
    assert reasons["Why"][0] == "Nearest: always in the family."
    (chart,) = app.get("plotly_chart")
    drawn = [row[3] for trace in json.loads(chart.proto.spec)["data"] for row in trace.get("customdata", [])]
    assert sorted(drawn) == sorted(reasons["Why"])


def test_the_odds_of_chance_are_said_for_the_papers_rule_alone(world):
    app = world.estimate(*CODES).open("families")
    assert "With nothing to find" in said(app)
    app.selectbox(key="rule").select("nearest").run()
    assert "With nothing to find" not in said(app)


def test_csv_is_made_of_this_target_and_of_all(world):
    labels = [one.label for one in world.estimate(*CODES).open("families").get("download_button")]
    assert labels == ["Family of Belarusian · be as CSV", "All families as CSV"]
