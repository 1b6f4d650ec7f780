"""Do whole families pay? The tables of docs/does-it-pay.md, from comparisons that ship.

``python -m benchmarks.families [NAME=CSV …]`` reads what `pseudofam compare --target A,B,… --pinned single --out CSV` wrote; by
default the tables ``families-*.csv`` that ship. It trains nothing.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd

from benchmarks._markdown import markdown

KEPT = Path(__file__).parent / "kept"
_PINNED = "single"


def main() -> None:
    """Print the tables, and what they say in a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", help="NAME=CSV; by default those that ship")
    options = parser.parse_args()
    shipped = {path.stem: str(path) for path in sorted(KEPT.glob("families-*.csv"))}
    tables = dict(table.split("=", 1) for table in options.tables) or shipped
    results = {}
    for name, path in tables.items():
        compared = pd.read_csv(path, comment="#")
        print(f"\n{name}\n\n{markdown(means(compared))}\n\n{markdown(by_target(compared))}\n", flush=True)
        results[name] = figures(compared)
    print("RESULT", json.dumps(results))


def means(compared: pd.DataFrame) -> pd.DataFrame:
    """A row for each arm that all targets have: its mean score, against the target alone, and against random of its size."""
    rows = compared[compared["target"] == _mean_of(compared)].sort_values("BLEU", ascending=False)
    return pd.DataFrame(
        {
            "arm": rows["arm"],
            "BLEU (95 %)": [_span(row, "BLEU", ".1f") for _, row in rows.iterrows()],
            "chrF++": rows["chrF++"].map("{:.1f}".format),
            "against the target alone": [_difference(row, "") for _, row in rows.iterrows()],
            "against random of its size": [_difference(row, "control_") for _, row in rows.iterrows()],
        }
    )


def by_target(compared: pd.DataFrame) -> pd.DataFrame:
    """BLEU of the arms of `means` by target; a mark where it differs from the target alone after correction."""
    arms = means(compared)["arm"].tolist()
    single = compared[~compared["target"].str.startswith("mean of")]
    marks = {"better": " +", "worse": " −"}
    cells = single.assign(cell=single["BLEU"].map("{:.1f}".format) + single["verdict"].map(marks).fillna(""))
    table = cells.pivot(index="arm", columns="target", values="cell").reindex(arms).fillna("–")
    return table[list(dict.fromkeys(single["target"]))].reset_index()


def figures(compared: pd.DataFrame) -> dict[str, object]:
    """What the table says, for a RESULT line."""
    rows = compared[compared["target"] == _mean_of(compared)].set_index("arm")
    tuned = rows.drop(index="zero-shot")
    return {
        "targets": compared[~compared["target"].str.startswith("mean of")]["target"].nunique(),
        "seeds": int(compared.loc[compared["arm"] == _PINNED, "seeds"].astype(str).str.split().str.len().min()),
        "bleu": {arm: round(float(score), 2) for arm, score in rows["BLEU"].items()},
        "best": tuned["BLEU"].idxmax(),
        "better_than_alone": sorted(rows.index[rows["verdict"] == "better"]),
        "worse_than_alone": sorted(rows.index[rows["verdict"] == "worse"]),
        "better_than_random": sorted(rows.index[rows["control_verdict"] == "better"]),
        "worse_than_random": sorted(rows.index[rows["control_verdict"] == "worse"]),
        "visible_gain": _number(rows["visible_gain"].max()),
    }


def _mean_of(compared: pd.DataFrame) -> str:
    """The label of the rows that are means over all targets."""
    n_targets = compared[~compared["target"].str.startswith("mean of")]["target"].nunique()
    return f"mean of {n_targets}"


def _span(row: pd.Series, name: str, form: str) -> str:
    return f"{row[name]:{form}} ({row[name + '_low']:{form}} to {row[name + '_high']:{form}})"


def _difference(row: pd.Series, of: str) -> str:
    """A difference with its interval, and its verdict where it is none of a tie's."""
    if pd.isna(row[f"{of}difference"]):
        return "–"
    told = _span(row, f"{of}difference", "+.1f")
    verdict = row["control_verdict" if of else "verdict"]
    return told if verdict == "tie" else f"{told} {verdict}"


def _number(value: float) -> float | None:
    return None if pd.isna(value) else round(float(value), 2)


if __name__ == "__main__":
    main()
