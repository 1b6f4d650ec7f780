"""The family itself: members and near misses with reasons, how firm it is, what chance, other measures and tradition say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pseudofam_core.charts import gap_figure
from pseudofam_core.families.chance import ChanceSizes
from pseudofam_core.families.results import Neighbour, PseudoFamily
from pseudofam_core.families.selection import usual_family
from pseudofam_core.families.stability import calibration_words
from pseudofam_core.languages import LanguagePair
from pseudofam_core.report.firmness import Firmness
from pseudofam_core.report.material import Material
from pseudofam_core.report.part import Part, Table
from pseudofam_core.report.words import as_sentence, counted, joined, listed, unbroken, value_words
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import measure_name
from pseudofam_core.structure.correlation import ordering_rows, spearman

_NEXT = 3  # neighbours after the family's end that are near misses
_OFTEN = 0.05  # share of resamples from which on a neighbour is one
_OFTEN_WORDS = f", and those in {_OFTEN:.0%} of resamples or more"


def members_part(material: Material) -> Part:
    """Who is in and who nearly is, each with the rule's reason."""
    family, measure = material.family, material.family.measure
    shares = material.firmness.shares(family.target) if isinstance(material.firmness, Firmness) else {}
    rows = [
        neighbour for neighbour in family.neighbours if _is_shown(neighbour, family, shares.get(neighbour.pair, 0.0))
    ]
    n = counted(len(family.members), "auxiliary")
    by = measure_name(material.matrix)
    sentences = [f"{family.target.label} has {n} by {by}: {listed(family.members)}."]
    if material.mutual:
        choosing = joined([member.label for member in material.mutual])
        sentences.append(f"{choosing} would choose {family.target.language.name} too, by the same rule.")
    if left_out := len(family.neighbours) - len(rows):
        sentences.append(f"{counted(left_out, 'neighbour')} further away {'is' if left_out == 1 else 'are'} left out.")
    return Part(
        "members",
        "Who is in, and who nearly is",
        tuple(sentences),
        table=_members_table(rows, measure, shares),
        figure=gap_figure(family, mutual=material.mutual),
        alt=f"Neighbours of {family.target.label} by distance; members: {listed(family.members)}",
        notes=(f"Nearly in: the next three, and relatives of the target{_OFTEN_WORDS if shares else ''}.",),
    )


def _members_table(rows: Sequence[Neighbour], measure: Measure, shares: Mapping[LanguagePair, float]) -> Table:
    """A row a neighbour; without shares of resamples where these are not known."""
    often = {"In resamples": [f"{shares[neighbour.pair]:.0%}" for neighbour in rows]} if shares else {}
    cells = {
        "Rank": [str(neighbour.rank) for neighbour in rows],
        "Auxiliary": [unbroken(neighbour.pair) for neighbour in rows],
        "Traditional family": [neighbour.pair.language.traditional_family for neighbour in rows],
        "In": ["in" if neighbour.member else "–" for neighbour in rows],
        measure.label: [value_words(measure, neighbour.value) for neighbour in rows],
        **often,
        "Why": [neighbour.reason for neighbour in rows],
    }
    marked = tuple(place for place, neighbour in enumerate(rows) if neighbour.member)
    return Table(tuple(cells), tuple(zip(*cells.values(), strict=True)), ("Rank", measure.label), marked)


def _is_shown(neighbour: Neighbour, family: PseudoFamily, share: float) -> bool:
    """Whether it is a member or nearly one."""
    tradition = family.target.language.traditional_family
    is_next = neighbour.rank <= len(family.members) + _NEXT
    return neighbour.member or is_next or share >= _OFTEN or neighbour.pair.language.traditional_family == tradition


def firmness_part(material: Material) -> Part:
    """How often resampled sentences give the same family."""
    firm, family = material.firmness, material.family
    if isinstance(firm, str):
        return Part("firmness", "How firm it is", (f"Not known. {firm}",))
    stability = firm.stability
    told = (
        f"{as_sentence(unchanged_words(family, firm))} Over all {len(stability.pairs)} targets it is "
        f"{stability.unchanged.mean():.0%} in the mean.",
        member_shares_words(family, firm),
    )
    return Part(
        "firmness",
        "How firm it is",
        told,
        notes=(_resampling_note(firm, family.measure),),
    )


def _resampling_note(firm: Firmness, measure: Measure) -> str:
    alike, rho = firm.alike, firm.correlation
    agree = "" if rho is None else f" (the matrices agree at ρ = {rho:.2f})"
    return (
        f"{firm.stability.n_replicates} resamples draw the sentences that were read again. "
        f"{calibration_words(measure)} They are on a random part of the parameters, which from all "
        f"sentences gives {int(alike.same.sum())} of the {len(alike.pairs)} families exactly and {alike.shared:.0%} of their "
        f"members{agree}."
    )


def unchanged_words(family: PseudoFamily, firm: Firmness) -> str:
    """How often resamples give the family that all sentences give on the same parameters, which may be another one."""
    share, target = firm.unchanged(family.target), family.target
    if firm.alike.same[firm.alike.pairs.index(target)]:
        return f"{share:.0%} of resamples of the sentences leave this family unchanged"
    other = joined([member.language.name for member in firm.alike.family(target)])
    return (
        f"on the part of the parameters that is resampled the family is another one ({other}), which {share:.0%} of "
        "resamples of the sentences leave unchanged"
    )


def member_shares_words(family: PseudoFamily, firm: Firmness) -> str:
    """The member that recurs least, and who else is often in."""
    shares = firm.shares(family.target)
    low, high = (ends(family.members, key=shares.__getitem__) for ends in (min, max))
    told = f"Of its members {low.label} recurs least, in {shares[low]:.0%}"
    if shares[low] == shares[high]:
        told = f"Each of its members recurs in {shares[low]:.0%}"
    outside = [neighbour.pair for neighbour in family.neighbours if not neighbour.member]
    if not outside:
        return f"{told}."
    nearest = max(outside, key=shares.__getitem__)
    return f"{told}; of the others {nearest.label} is in most, in {shares[nearest]:.0%}."


def odds_part(material: Material) -> Part:
    """How often chance alone gives a family so large."""
    return Part("odds", "Whether chance would give as many", (_odds(material),))


def _odds(material: Material) -> str:
    if material.chance is None:
        return "By this rule the size of a family is set beforehand: there are no odds to tell."
    return odds_words(material.family, material.chance)


def odds_words(family: PseudoFamily, chance: ChanceSizes) -> str:
    """How likely a family so large would be with nothing to find; for the paper's rule, which the odds are made for."""
    size = len(family.members)
    dealt = "With nothing to find (this pool's values dealt out blindly)"
    if size <= family.selection.smallest:
        return (
            f"The smallest size the rule gives. {dealt}, {1 - chance.at_least(size + 1):.0%} of families would stop here: "
            "take the order of the neighbours seriously rather than the size."
        )
    return f"{dealt}, {share_words(size, chance)} of families would grow to {size} members or more."


def share_words(size: int, chance: ChanceSizes) -> str:
    """The share of families that would be as large with nothing to find; where none of those drawn was, what that excludes."""
    odds = chance.at_least(size)
    return f"{odds:.1%}" if odds else f"fewer than one in {chance.n_drawn:,}"


def measures_part(material: Material) -> Part:
    """The same target by every measure, by the paper's rule."""
    target, members = material.target, material.family.members
    families = {measure: usual_family(matrix, target) for measure, matrix in material.by_measure.items()}
    votes = Counter(member for family in families.values() for member in family.members)
    n, everywhere = len(families), [member for member, count in votes.items() if count == len(families)]
    same = [measure.label for measure, family in families.items() if set(family.members) == set(members)]
    often = joined([f"{member.label} ({count})" for member, count in votes.most_common(5)])
    return Part(
        "measures",
        "What the measures agree on",
        (
            f"In the family by every one of {n} measures: {listed(everywhere)}."
            if everywhere
            else f"No auxiliary is in the family by every one of {n} measures.",
            f"Chosen most often: {often}.",
            f"Exactly this family comes out by {joined(same)}."
            if same
            else "No measure gives exactly this family by the paper's rule.",
        ),
        table=Table(
            ("Measure", "Family", "Shared with this one", "Same order, ρ"),
            tuple(_measure_row(measure, family, material) for measure, family in families.items()),
            numbers=("Shared with this one", "Same order, ρ"),
            marked=tuple(place for place, measure in enumerate(families) if measure is material.family.measure),
        ),
        notes=(
            "Each by the paper's rule with its own settings. ρ: Spearman's rank correlation of the neighbours' order with that of "
            f"{measure_name(material.matrix)}. Measures are no independent witnesses: all compare the same Fisher values, and "
            "some are close kin.",
        ),
    )


def _measure_row(measure: Measure, family: PseudoFamily, material: Material) -> tuple[str, ...]:
    shared = len(set(family.members) & set(material.family.members))
    place = material.matrix.pairs.index(family.target)
    rho = spearman(*(ordering_rows(matrix)[place] for matrix in (material.by_measure[measure], material.matrix)))
    codes = " ".join(member.language.code for member in family.members)
    return measure.label, codes, f"{shared} of {len(family.members)}", "–" if rho is None else f"{rho:.2f}"


def tradition_part(material: Material) -> Part:
    """The target's traditional family beside this one."""
    family, target = material.family, material.target
    tradition = target.language.traditional_family
    kin = [neighbour for neighbour in family.neighbours if neighbour.pair.language.traditional_family == tradition]
    strangers = [member for member in family.members if member.language.traditional_family != tradition]
    if not kin:
        told = [
            f"Tradition calls {target.language.name} {tradition}. No other {tradition} language is estimated: tradition has "
            "nobody to offer."
        ]
    else:
        held = [neighbour.pair for neighbour in kin if neighbour.member]
        out = [f"{neighbour.pair.label} (neighbour {neighbour.rank})" for neighbour in kin if not neighbour.member]
        told = [
            f"Tradition calls {target.language.name} {tradition}, and offers {counted(len(kin), 'language')} of the pool. "
            f"The family holds {len(held)} of them: {listed(held)}."
        ]
        told += [f"It leaves out {joined(out)}."] if out else []
    told += [f"From elsewhere it takes {listed(strangers)}."] if strangers else []
    return Part("tradition", "What tradition says", tuple(told), notes=("Traditional families follow Glottolog.",))
