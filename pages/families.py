"""Families: one target's auxiliaries, why each is in or out, how firm that is, and all targets."""

from functools import partial

import streamlit as st

from pages.components import view_state
from pages.components.figures import plot
from pages.components.inputs import View, current_view, measure_words, target_input
from pages.components.loading import Pool, known_gains
from pages.components.navigation import FINETUNE_PAGE, page_link
from pages.components.plain import plain
from pages.components.pool_similarity import end_k_at_zeros, matrix_or_stop, similarity_or_stop
from pages.components.states import absent_note, completeness_note, content_warning, csv_button, visible_or_stop
from pages.views.families import firmness, inputs, lists, tabs
from pages.views.families.report import report_view
from pages.views.families.words import (
    chance_of,
    end_words,
    family_words,
    firm_words,
    left_out_words,
    tradition_words,
)
from pseudofam_core import charts
from pseudofam_core.errors import PseudoFamError
from pseudofam_core.exchange.tables import families_csv
from pseudofam_core.families.results import PseudoFamily
from pseudofam_core.families.selection import select_families, select_family
from pseudofam_core.families.spec import Rule
from pseudofam_core.finetuning import FORESEEN, tuned_workspace
from pseudofam_core.languages import LanguagePair
from pseudofam_core.report import mutual_members, odds_words
from pseudofam_core.similarity.pools import PoolSimilarity
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.transfer.arms import USUAL_SIZE, largest

_TABS = (
    "Why",
    "Summary",
    "Around the target",
    "How firm?",
    "All measures",
    "All targets",
    "Flow",
    "Side by side",
)


@st.fragment
def family_view(view: View, pool: Pool, similarities: PoolSimilarity, matrix: PairwiseMatrix) -> None:
    """All that moves with the target and the rule; the sidebar and the pool stay as they are."""
    pins = lists.pins_control()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        target = target_input(matrix.pairs)
        selection = inputs.selection_inputs(matrix)
    family = select_family(matrix, target, selection=selection)
    steps = st.container(horizontal=True, vertical_alignment="center")
    mutual = mutual_members(matrix, family)
    summary(view, pool, matrix, family, mutual)
    gap_plot(matrix, family, mutual, looked_up=view.looked_up)
    with steps:  # after the figure, which need not wait for them
        inputs.radius_buttons(matrix, family)
        if view.measure.has_masks:
            inputs.k_buttons(similarities.curve, family, top_fraction=view.top_fraction)

    tabs = dict(zip(_TABS, st.tabs(_TABS, **view_state.choice("show", _TABS, start="default")), strict=True))
    name = next((name for name, tab in tabs.items() if tab.open), _TABS[0])
    with tabs[name]:
        shown_below(name, view, pool, similarities, matrix, family, mutual, pins)


def firm_line(pool: Pool, matrix: PairwiseMatrix, family: PseudoFamily) -> None:
    """How firm the family is, beside its name; where nobody has asked yet, the button that asks."""
    if matrix.measure.combined:
        return
    if (firm := firmness.asked_firmness(pool, matrix, family)) is not None:
        st.markdown(firm_words(family, firm))
    elif view_state.text_of("resample") != "yes":
        st.button(
            "How firm is it?",
            key="ask_firmness",
            icon=":material/casino:",
            help="Draws the sentences of the estimates again, a hundred times. Takes a few seconds.",
            on_click=view_state.set_value,
            args=("resample", "yes"),
        )
    else:
        st.caption("The sentences can't be resampled; **How firm?** below says why.")


def summary(
    view: View, pool: Pool, matrix: PairwiseMatrix, family: PseudoFamily, mutual: tuple[LanguagePair, ...]
) -> None:
    """The family in words, and what to do with it."""
    target = family.target
    n = len(family.members)
    st.subheader(f"{target.label}: {'1 auxiliary' if n == 1 else f'{n} auxiliaries'}")
    st.markdown(family_words(family, mutual))
    arrow = "⇄ marks a mutual choice. " if mutual else ""
    st.caption(f"{tradition_words(family, matrix.pairs)} {arrow}{end_words(family)}")
    firm_line(pool, matrix, family)
    found_words(family, view.looked_up)
    with st.container(horizontal=True, vertical_alignment="center"):
        members = ",".join(map(str, family.members))
        page_link(FINETUNE_PAGE, "Fine-tune this family", target=str(target), members=members)
        name = f"family-{target}-{family.measure.value}.csv"
        csv_button(f"Family of {target.label} as CSV", partial(families_csv, [family]), name)
        lists.pin_button(lists.Pin(target, view.measure, view.top_fraction, family.selection))
    measured_note(view, target)


def measured_note(view: View, target: LanguagePair) -> None:
    """Who helped other targets most, where Transfer has measured it: what foresees gains best; nothing where it has not."""
    try:
        gains = known_gains(tuned_workspace(view.workspace, view.tuning_corpus), target).get(FORESEEN, {})
    except PseudoFamError as error:
        st.caption(f"Whether gains are measured can't be told: {plain(error)}")
        return
    members = largest(gains, min(USUAL_SIZE, len(gains)))
    if not members:
        return
    told = ", ".join(f"{member.label} ({gains[member]:+.3f})" for member in members)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":green-badge[:material/swap_horiz: by measured gains] {told}",
            width="content",
            help="Those that helped other targets most: what each, alone, took off their dev loss in the mean, nats a token. Where "
            "it was judged, no measure of similarity foresaw gains as well.",
        )
        page_link(FINETUNE_PAGE, "Fine-tune these", target=str(target), members=",".join(map(str, members)))


def found_words(family: PseudoFamily, looked_up: LanguagePair | None) -> None:
    """Where the language stands that the sidebar looks for, and the way to its own family."""
    place = next((neighbour for neighbour in family.neighbours if neighbour.pair == looked_up), None)
    if place is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":violet-badge[:material/search: {place.pair.label}] is neighbour {place.rank}, {'in' if place.member else 'not in'} "
            "the family.",
            width="content",
        )
        st.button(
            "Make it the target", key="find_target", on_click=view_state.set_value, args=("target", str(place.pair))
        )


def gap_plot(
    matrix: PairwiseMatrix, family: PseudoFamily, mutual: tuple[LanguagePair, ...], *, looked_up: LanguagePair | None
) -> None:
    """The page's main figure, and how to read it."""
    plot(
        charts.gap_figure(family, mutual=mutual, looked_up=looked_up),
        key="gap_figure",
        alt=f"Neighbours of {family.target.label} by distance; members: "
        + ", ".join(member.label for member in family.members),
    )
    match family.selection.rule:
        case Rule.PAPER:
            chance = chance_of(matrix.measure, matrix.values.tobytes(), family.selection, matrix)
            st.caption(
                "How to read it, nearest at the top: each bar is the step from the neighbour before; the pale band is how far "
                "the radius reached. A step no longer than its band adds the language and becomes the next radius (one exactly "
                "as long shrinks it); the first that is longer (orange) ends the family. "
                f"{odds_words(family, chance)}{left_out_words(family)}"
            )
        case Rule.RADIUS:
            least, most = family.selection.smallest, family.selection.largest
            st.caption(
                "How to read it: neighbours left of the dashed line are in the family, the nearest first, but no fewer than "
                f"{least} and no more than {most}.{left_out_words(family)}"
            )
        case Rule.NEAREST:
            told = "How to read it: neighbours by distance, nearest at the top; the first k are in the family."
            st.caption(f"{told}{left_out_words(family)}")


def shown_below(
    name: str,
    view: View,
    pool: Pool,
    similarities: PoolSimilarity,
    matrix: PairwiseMatrix,
    family: PseudoFamily,
    mutual: tuple[LanguagePair, ...],
    pins: dict[str, object],
) -> None:
    """The open tab."""
    match name:
        case "Why":
            firm = firmness.asked_firmness(pool, matrix, family)
            stability = None if firm is None else firm.stability
            tabs.reasons_view(family, mutual, looked_up=view.looked_up, stability=stability)
        case "Summary":
            report_view(view, pool, similarities, matrix, family)
        case "Around the target":
            tabs.around_view(family, looked_up=view.looked_up)
        case "How firm?":
            firmness.firmness_view(view, pool, similarities, matrix, family)
        case "All measures":
            tabs.measures_view(similarities, family.target, top_fraction=view.top_fraction)
        case "All targets" | "Flow":
            families = select_families(matrix, selection=family.selection)
            if name == "Flow":
                tabs.flow_view(families)
                return
            tabs.targets_view(families, matrix, looked_up=view.looked_up)
            csv_button("All families as CSV", partial(families_csv, families), f"families-{matrix.measure.value}.csv")
        case _:
            lists.pinned_view(similarities, family, pins)
            lists.imported_view(matrix, family)


view = current_view()
st.title("Families")
st.markdown(
    "Which languages to train together with a target, as this model sees it: its nearest neighbours, up to where the "
    "distances jump. Choose a target, see how firm its family is, and fine-tune it. The family belongs to the target; another "
    "target's may overlap it."
)
pool = visible_or_stop(view.workspace)
similarities = similarity_or_stop(pool)
end_k_at_zeros(similarities.curve)
matrix = matrix_or_stop(similarities, view.measure, view.top_fraction)
st.caption(f"**{view.measure.label}.** {measure_words(view.measure)}")
completeness_note(pool)
absent_note(pool, "target", "find")
content_warning(pool)
family_view(view, pool, similarities, matrix)
