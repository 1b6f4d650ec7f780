import numpy as np
import pytest

from pseudofam_core import charts
from pseudofam_core.families.selection import select_family
from pseudofam_core.families.spec import Rule, SelectionSpec
from pseudofam_core.languages import LanguagePair, languages, pair, pair_labels
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import OverlapCurve, PairwiseMatrix
from pseudofam_core.similarity.spec import Scope
from pseudofam_core.structure import clustering

PAIRS = tuple(sorted(map(pair, ("be-en", "uk-en", "bg-en", "kk-en", "tr-en", "de-en", "ja-en"))))


def matrix(measure=Measure.MSE, seed=0):
    values = np.random.default_rng(seed).uniform(0.1, 0.9, (len(PAIRS), len(PAIRS)))
    np.fill_diagonal(values, 1 if measure is Measure.OVERLAP else 0)
    overlap = {"top_fraction": 0.4, "scope": Scope.GROUP} if measure is Measure.OVERLAP else {}
    return PairwiseMatrix(PAIRS, values, measure, **overlap)


def heatmap(figure):
    return next(trace for trace in figure.data if trace.type == "heatmap")


def bars(figure, name):
    return next(trace for trace in figure.data if trace.type == "bar" and trace.name == name)


def points(figure):
    """What is drawn of neighbours: rank → (distance, symbol)."""
    found = {}
    for trace in figure.data:
        if trace.type == "scatter" and trace.customdata is not None:
            found |= {y: (x, symbol) for x, y, symbol in zip(trace.x, trace.y, trace.marker.symbol, strict=True)}
    return found


def cells(figure):
    """What the marks on the cells say: (row, column) → target, auxiliary, value and rank there and back."""
    trace = next(one for one in figure.data if one.type == "scatter" and one.marker.symbol == "square")
    return {(y, x): numbers for x, y, numbers in zip(trace.x, trace.y, trace.customdata, strict=True)}


@pytest.mark.parametrize("measure", Measure)
def test_pointing_at_a_cell_tells_values_and_ranks_of_both_directions(measure):
    numbers = matrix(measure)
    order = [3, 0, 6, 1, 5, 2, 4]
    figure = charts.similarity_figure(numbers, order=order)
    drawn, ranks = cells(figure), charts.neighbour_ranks(numbers)
    assert len(drawn) == len(PAIRS) * (len(PAIRS) - 1)
    names = figure.layout.xaxis.ticktext
    for row, column in ((0, 1), (4, 2), (6, 0)):
        i, j = order[row], order[column]
        there_and_back = [numbers.values[i, j], ranks[i, j], numbers.values[j, i], ranks[j, i]]
        assert drawn[row, column] == pytest.approx([i, j, *there_and_back], rel=1e-6)
        assert (names[row], names[column]) == (PAIRS[i].label, PAIRS[j].label)


def test_in_a_large_pool_the_heatmap_answers_and_the_diagonal_is_clicked():
    n = 41
    pairs = tuple(sorted(pair(f"{code}-en") for code in sorted(languages())[:n]))
    numbers = PairwiseMatrix(pairs, np.random.default_rng(0).uniform(size=(n, n)), Measure.MSE)
    order = list(range(n))[::-1]
    figure = charts.similarity_figure(numbers, order=order)
    assert {place: tuple(said) for place, said in cells(figure).items()} == {
        (row, row): (order[row], order[row]) for row in range(n)
    }
    told = heatmap(figure).customdata[3][5]
    assert told[0] == pytest.approx(numbers.values[order[3], order[5]])
    assert told[3] == charts.neighbour_ranks(numbers)[order[5], order[3]]


def test_a_click_on_a_merge_names_its_row():
    numbers = matrix()
    tree = clustering.linkage(numbers)
    figure = charts.similarity_figure(numbers, order=clustering.leaf_order(tree), Z=tree)
    joints = next(trace for trace in figure.data if trace.hovertemplate and "joined" in trace.hovertemplate)
    for height, (row,) in zip(joints.x, joints.customdata, strict=True):
        assert tree[row, 2] == height


def test_the_chosen_cell_is_framed_and_the_found_name_pointed_out():
    order = [3, 0, 6, 1, 5, 2, 4]
    figure = charts.similarity_figure(matrix(), order=order, chosen=(6, 1), looked_up=5)
    row, column, frame = figure.layout.shapes  # 5 stands fifth
    assert (row.y0, row.y1, row.x0, row.x1) == (column.x0, column.x1, column.y0, column.y1) == (3.5, 4.5, -0.5, 6.5)
    assert (frame.y0, frame.y1, frame.x0, frame.x1) == (1.5, 2.5, 2.5, 3.5)  # 6 stands third, 1 fourth
    assert [name for name in figure.layout.yaxis.ticktext if name.startswith("<b>")] == [f"<b>{PAIRS[5].label}</b>"]


@pytest.mark.parametrize("measure", Measure)
def test_the_nearest_cell_is_yellow_and_the_diagonal_empty(measure):
    numbers = matrix(measure)
    drawn = heatmap(charts.similarity_figure(numbers, order=range(len(PAIRS))))
    distances = np.where(np.eye(len(PAIRS)), np.inf, numbers.distances)
    colours = np.array(drawn.z, dtype=float)
    assert np.isnan(colours.diagonal()).all()
    assert colours.flat[distances.argmin()] == 1
    assert np.nanmin(colours) == 0


@pytest.mark.parametrize("measure", [Measure.MSE, Measure.OVERLAP])
def test_by_value_a_step_in_colour_is_a_step_in_the_measure(measure):
    numbers = matrix(measure)
    figure = charts.similarity_figure(numbers, order=range(len(PAIRS)), colours=charts.Colours.VALUES)
    off = ~np.eye(len(PAIRS), dtype=bool)
    colours, values = np.array(heatmap(figure).z, dtype=float)[off], numbers.values[off]
    slope = np.polyfit(values, colours, 1)
    np.testing.assert_allclose(np.polyval(slope, values), colours, atol=1e-6)
    assert (colours.min(), colours.max()) == (0, 1)
    ends = [float(one) for one in heatmap(figure).colorbar.ticktext[:: len(heatmap(figure).colorbar.ticktext) - 1]]
    far, near = (min, max) if measure is Measure.OVERLAP else (max, min)
    assert ends == [pytest.approx(float(far(values)), rel=0.01), pytest.approx(float(near(values)), rel=0.01)]
    assert "by value" in heatmap(figure).colorbar.title.text
    by_rank = charts.similarity_figure(numbers, order=range(len(PAIRS)))
    assert "by rank" in heatmap(by_rank).colorbar.title.text


def test_ranks_count_from_the_nearest_by_size():
    values = np.array([[0.0, -5.0, 2.0], [1.0, 0.0, 3.0], [9.0, -8.0, 0.0]])
    numbers = PairwiseMatrix(PAIRS[:3], values, Measure.KL)
    assert charts.neighbour_ranks(numbers).tolist() == [[0, 2, 1], [1, 0, 2], [2, 1, 0]]


def test_clusters_are_outlined_and_the_cut_separates_the_merges():
    numbers = matrix()
    tree = clustering.linkage(numbers)
    clusters = clustering.cut_by_number(tree, 3)
    order = clustering.leaf_order(tree)
    figure = charts.similarity_figure(numbers, order=order, Z=tree, clusters=clusters)
    boxes = [(shape.x0, shape.x1) for shape in figure.layout.shapes if shape.type == "rect"]
    assert [high - low for low, high in boxes] == [np.count_nonzero(clusters == i) for i in range(3)]
    (cut,) = [shape.x0 for shape in figure.layout.shapes if shape.type == "line"]
    assert np.count_nonzero(tree[:, 2] > cut) == 2  # three clusters: two merges undone


@pytest.mark.parametrize("n_clusters", [1, len(PAIRS)])
def test_the_cut_may_take_all_or_nothing(n_clusters):
    numbers = matrix()
    tree = clustering.linkage(numbers)
    clusters = clustering.cut_by_number(tree, n_clusters)
    figure = charts.similarity_figure(numbers, order=clustering.leaf_order(tree), Z=tree, clusters=clusters)
    assert sum(shape.type == "rect" for shape in figure.layout.shapes) == n_clusters
    (cut,) = [shape.x0 for shape in figure.layout.shapes if shape.type == "line"]
    assert np.count_nonzero(tree[:, 2] > cut) == n_clusters - 1


def test_what_is_missing_is_hatched_at_the_end():
    numbers, missing = matrix(), [pair("fr-en"), pair("de-fr")]
    tree = clustering.linkage(numbers)
    order = clustering.leaf_order(tree)
    shown = {"Z": tree, "clusters": clustering.cut_by_number(tree, 3)}
    figure = charts.similarity_figure(numbers, order=order, **shown, missing=missing)
    (hatched,) = [trace for trace in figure.data if trace.name == "not estimated yet"]
    n, n_all = len(PAIRS), len(PAIRS) + 2
    boxes = np.array([*zip(hatched.x, hatched.y, strict=True), (None, None)], dtype=float).reshape(-1, 6, 2)[:, :4]
    covered = np.zeros((n_all, n_all), bool)
    for low, high in zip(boxes.min(1), boxes.max(1), strict=True):
        columns, rows = np.meshgrid(*(np.arange(n_all),) * 2)
        covered |= (low[0] < columns) & (columns < high[0]) & (low[1] < rows) & (rows < high[1])
    expected = np.ones_like(covered)
    expected[:n, :n] = False
    assert (covered == expected).all()
    assert list(figure.layout.yaxis.ticktext[n:]) == ["French · fr", "German · de (de-fr)"]
    assert figure.layout.xaxis.range == figure.layout.yaxis.range[::-1] == (-0.5, n_all - 0.5)
    (cut,) = [shape for shape in figure.layout.shapes if shape.type == "line"]
    assert (cut.y0, cut.y1) == (-0.5, n - 0.5)  # the tree does not speak of them
    assert np.array(heatmap(figure).z).shape == (n, n)


def test_in_a_large_pool_nothing_is_hatched():
    missing = [pair(f"{code}-en") for code in sorted(languages()) if code not in {one.source for one in PAIRS}][:40]
    few = charts.similarity_figure(matrix(), order=range(len(PAIRS)))
    assert charts.similarity_figure(matrix(), order=range(len(PAIRS)), missing=missing) == few


def test_every_leaf_of_the_tree_ends_at_its_row():
    numbers = matrix()
    tree = clustering.linkage(numbers)
    figure = charts.similarity_figure(numbers, order=clustering.leaf_order(tree), Z=tree)
    line = next(trace for trace in figure.data if trace.mode == "lines")
    leaves = {float(y) for x, y in zip(line.x, line.y, strict=True) if x == 0}
    assert leaves == set(range(len(PAIRS)))


def test_a_wrong_order_is_refused():
    numbers = matrix()
    tree = clustering.linkage(numbers)
    with pytest.raises(ValueError, match="order must name"):
        charts.similarity_figure(numbers, order=[0, 0, 1, 2, 3, 4, 5])
    with pytest.raises(ValueError, match="leaves"):
        charts.similarity_figure(numbers, order=clustering.leaf_order(tree)[::-1], Z=tree)


def test_families_keep_their_colour_whatever_the_order_and_never_share_one():
    swatches = charts.family_swatches(PAIRS)
    assert swatches == charts.family_swatches(PAIRS[::-1])
    assert set(swatches) == {one.language.traditional_family for one in PAIRS}
    assert len(set(swatches.values())) == len(swatches)


def test_a_family_looks_the_same_in_every_pool():
    swatches = charts.family_swatches(PAIRS)
    for own in PAIRS:
        assert charts.family_swatches([own]) == {
            own.language.traditional_family: swatches[own.language.traditional_family]
        }


def test_all_families_of_the_table_stay_apart_as_bars_and_as_points():
    swatches = charts.family_swatches([LanguagePair(code, "en") for code in languages() if code != "en"]).values()
    assert len({(one.colour, one.pattern) for one in swatches}) == len(swatches)
    assert len({(one.colour, one.mark) for one in swatches}) == len(swatches)


def test_many_families_stay_apart():
    codes = "am ar be bn cy el et eu fr ha hy ja ka km ko lo lt mn my sq ta"
    pairs = [pair(f"{code}-en") for code in codes.split(" ")]
    swatches = charts.family_swatches(pairs)
    assert len(swatches) > 12
    assert len(set(swatches.values())) == len(swatches)


def test_labels_of_one_language_in_two_directions_differ():
    labels = pair_labels([pair("de-en"), pair("en-de"), pair("ja-en")])
    assert labels == ("German · de (de-en)", "German · de (en-de)", "Japanese · ja")


def hand_made(distances, measure=Measure.MSE):
    """A matrix whose first row holds `distances` to the others."""
    n = len(distances) + 1
    row = np.array([0.0, *distances])
    values = np.tile(row, (n, 1))
    np.fill_diagonal(values, 0)
    if measure is Measure.OVERLAP:
        return PairwiseMatrix(PAIRS[:n], 1 - values, measure, 0.4, Scope.GROUP)
    return PairwiseMatrix(PAIRS[:n], values, measure)


def test_the_gap_plot_shows_why_the_family_ends():
    family = select_family(hand_made([1, 5, 7, 8.5, 20, 21]), PAIRS[0], selection=SelectionSpec())
    figure = charts.gap_figure(family)
    drawn = points(figure)
    assert [drawn[rank][0] for rank in range(1, 7)] == [1, 5, 7, 8.5, 20, 21]
    filled = [rank for rank in drawn if "open" not in drawn[rank][1]]
    assert filled == [1, 2, 3, 4]
    reach = bars(figure, "radius")
    # Each step is held against the step before it: 2 < 4, 1.5 < 2, 11.5 > 1.5.
    assert list(zip(reach.base, reach.x, reach.y, strict=True)) == [(5, 4, 3), (7, 2, 4), (8.5, 1.5, 5)]
    (end,) = [one for one in figure.layout.annotations if one.y == 5]
    assert "ends" in end.text


def test_overlap_is_drawn_as_a_distance():
    family = select_family(hand_made([0.1, 0.15, 0.4], Measure.OVERLAP), PAIRS[0], selection=SelectionSpec())
    drawn = points(charts.gap_figure(family))
    assert [drawn[rank][0] for rank in (1, 2, 3)] == pytest.approx([0.1, 0.15, 0.4])


def test_a_fixed_radius_is_a_line():
    selection = SelectionSpec(rule=Rule.RADIUS, initial_radius=6)
    figure = charts.gap_figure(select_family(hand_made([1, 5, 7, 8]), PAIRS[0], selection=selection))
    assert [shape.x0 for shape in figure.layout.shapes] == [6]


def test_the_traditional_family_is_a_diamond():
    family = select_family(hand_made([1, 5, 7, 8, 9, 10]), pair("be-en"), selection=SelectionSpec())
    drawn = points(charts.gap_figure(family))
    slavic = [one.rank for one in family.neighbours if one.pair.language.traditional_family == "Slavic"]
    assert slavic
    assert [rank for rank in sorted(drawn) if drawn[rank][1].startswith("diamond")] == slavic


def test_members_are_drawn_even_where_there_are_many():
    family = select_family(
        hand_made([1, 2, 3, 4, 5, 6]), PAIRS[0], selection=SelectionSpec(rule=Rule.NEAREST, largest=5)
    )
    assert len(points(charts.gap_figure(family, n_shown=2))) == 6


def test_the_curve_of_two_pairs_ends_where_one_has_only_zeros_left():
    # Of seven pairs the second has 60 % that differ from zero, and the third, which is not shown, 30 %.
    steps = tuple(step / 10 for step in range(1, 11))
    shared = np.tile(np.arange(1, 11), (7, 7, 1)).astype(np.uint8)
    curve = OverlapCurve(PAIRS, steps, shared, Scope.GROUP, (1.0, 0.6, 0.3, 1.0, 1.0, 1.0, 1.0))
    figure = charts.overlap_curve_figure(curve, PAIRS[0], PAIRS[1], top_fraction=0.4)
    assert figure.data[0].x == steps[:6]
    (shade,) = [one for one in figure.layout.shapes if one.type == "rect"]
    assert (shade.x0, shade.x1) == (0.6, 1)
    whole = charts.overlap_curve_figure(curve, PAIRS[0], PAIRS[3], top_fraction=0.4)
    assert whole.data[0].x == steps
    assert not [one for one in whole.layout.shapes if one.type == "rect"]


@pytest.mark.parametrize(("scope", "told"), [(Scope.GROUP, True), (Scope.MODEL, False)])
def test_what_unrelated_masks_share_is_k_where_masks_are_of_that_share_alone(scope, told):
    steps = tuple(step / 10 for step in range(1, 11))
    curve = OverlapCurve(PAIRS, steps, np.tile(np.arange(1, 11), (7, 7, 1)).astype(np.uint8), scope, (1.0,) * 7)
    figure = charts.overlap_curve_figure(curve, PAIRS[0], PAIRS[1], top_fraction=0.4)
    assert ("by chance" in [trace.name for trace in figure.data]) == told
