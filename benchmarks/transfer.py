"""Which signal foresees that an auxiliary helps? The judge's table of measured gains, from kept results.

``python -m benchmarks.transfer [NAME=CSV …]`` reads what `pseudofam foresee --out` wrote; by default the two tables that ship,
`fresh` (a base that has read a little of the targets) and `unseen` (one that has read nothing of them), made from Tatoeba as
docs/does-it-pay.md tells. It trains nothing: the same tables give the same figures. Of several tables each is judged apart.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks._markdown import markdown
from pseudofam_core.exchange.foresight_table import judgement_frame, read_foresight
from pseudofam_core.transfer.foresight import Foresight
from pseudofam_core.transfer.learned import ELSEWHERE, LEARNED

KEPT = Path(__file__).parent / "kept"
_ASKED = {
    "spearman_overlap": "overlap",
    "spearman_mse": "mse",
    "spearman_kl_normalised": "kl-normalised",
    "spearman_signed": "gradient-fisher",
    "spearman_lexical": "subword-tokens",
}


def main() -> None:
    """Judge and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", help="NAME=CSV; by default those that ship")
    options = parser.parse_args()
    tables = dict(one.split("=", 1) for one in options.tables) or {
        one.stem: str(one) for one in sorted(KEPT.glob("*.csv")) if not one.stem.startswith("families-")
    }
    results = {}
    for name, path in tables.items():
        foresight = read_foresight(Path(path).read_text(encoding="utf-8"))
        print(f"\n{name}: {path}\n{markdown(judgement_frame(foresight.judgement))}\n", flush=True)
        print(
            f"Less what the auxiliary gains elsewhere:\n{markdown(judgement_frame(foresight.peculiar))}\n", flush=True
        )
        results[name] = figures(foresight)
    print("RESULT", json.dumps(results))


def figures(foresight: Foresight) -> dict[str, object]:
    """The figures of one table, by the names that the issue gave them."""
    judgement = foresight.judgement
    rho = {one.signal: one.spearman.value for one in judgement.standings}
    best = judgement.best
    told = {
        name: foresight.provenance[name]
        for name in ("room_bleu", "fisher_pass_overhead")
        if name in foresight.provenance
    }
    return {
        **{name: float(value) for name, value in told.items()},
        "targets": judgement.n_targets,
        "seeds": len(foresight.seeds),
        "ceiling": judgement.ceiling,
        "best": best.signal,
        "spearman_best": best.spearman.value,
        "best_without_gains": foresight.best_signal,
        **{name: rho.get(signal) for name, signal in _ASKED.items()},
        "regret_best": best.regret[1].value,
        "regret_random": judgement.blind.regret[1].value,
        "spearman_elsewhere": rho[ELSEWHERE],
        "spearman_learned": rho[LEARNED],
        "peculiar_best": foresight.peculiar.best.signal,
        "peculiar_spearman_best": foresight.peculiar.best.spearman.value,
        "half_width_90": foresight.forecast().half_width,
        "coverage_90": foresight.coverage(),
    }


if __name__ == "__main__":
    main()
