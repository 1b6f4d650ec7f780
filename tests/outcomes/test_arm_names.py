"""Which arms finished runs belong to."""

from __future__ import annotations

from pseudofam_core.finetuning import random_arms
from pseudofam_core.languages import pair
from pseudofam_core.outcomes.arm_names import arms_found
from tests.cases_runs import BE, store_run

POOL = tuple(pair(f"{code}-en") for code in ("be", "uk", "bg", "de", "sv", "tr", "kk", "ja"))
UK, BG, DE, SV = (pair(f"{code}-en") for code in ("uk", "bg", "de", "sv"))


def codes(members):
    return [one.source for one in members]


def test_runs_get_the_names_of_the_arms_they_are(cache):
    draws = random_arms(BE, POOL, sizes=[2], n_draws=4, seed=1)
    drawn = [arm.members for arm in (draws[0], draws[1], draws[3])]
    families = {"mse": (UK, DE), "kl": (UK, DE), "overlap": (SV, DE)}
    others = [None, [], ["uk", "bg"], ["uk", "de"], ["sv", "uk", "ja"], codes(POOL[1:])]
    runs = [store_run(cache, members, error=0.3) for members in (*others, *map(codes, drawn))]
    runs.append(store_run(cache, ["tr"], error=0.3, target=pair("bn-en")))
    found = {arm.name: arm.members for arm in arms_found(runs, BE, POOL, families=families)}
    assert found.pop(f"with {' '.join(codes(drawn[2]))}") == drawn[2]  # the third draw has no run: no fourth
    assert found == {
        "zero-shot": None,
        "single": (),
        "traditional": (BG, UK),
        "mse": (DE, UK),
        "kl": (DE, UK),
        "all": tuple(sorted(POOL[1:])),
        "random-2-1": drawn[0],
        "random-2-2": drawn[1],
        "with ja sv uk": (pair("ja-en"), SV, UK),
    }


def test_a_family_that_chance_would_draw_as_well_is_no_control(cache):
    (drawn,) = random_arms(BE, POOL, sizes=[2], n_draws=1, seed=1)
    own = (DE, SV) if drawn.members != (DE, SV) else (DE, UK)
    runs = [store_run(cache, codes(members), error=0.3) for members in (drawn.members, own)]
    found = arms_found(runs, BE, POOL, families={"mse": drawn.members})
    assert [(arm.name[:4], arm.members) for arm in found] == [("mse", drawn.members), ("with", own)]


def test_a_pool_that_is_drawn_dry_ends(cache):
    pool = (BE, UK, DE)
    runs = [store_run(cache, [code], error=0.3) for code in ("uk", "de")]
    names = [arm.name for arm in arms_found(runs, BE, pool, families={})]
    assert "traditional" in names
    assert len([name for name in names if name.startswith("random-1-")]) <= 2


def test_weighted_runs_are_known_by_their_weights(cache):
    weights = {UK: 1.5, BG: 0.5}
    runs = [store_run(cache, ["bg", "uk"], error=0.3, weights=own) for own in ((), (0.5, 1.5), (0.4, 1.6))]
    found = arms_found(runs, BE, POOL, families={"foreseen-2": (UK, BG), "weighted-foreseen": weights})
    assert [(arm.name[:-6] if arm.name.startswith("weighted-") else arm.name, arm.weights) for arm in found] == [
        ("traditional", ()),
        ("foreseen-2", ()),
        ("weighted-fo", (0.5, 1.5)),
        ("weighted-", (0.4, 1.6)),
    ]
    assert len({arm.name for arm in found}) == 4
    assert not [arm.name for arm in found if arm.name.startswith("random")]
