"""The lines that every language of a corpus has: ``python -m benchmarks._shared_lines CORPUS OUT --pairs A-en,B-en``.

Text that is aligned over all languages has gaps where a translation lacks a line (verses of a Bible). Pairs that drop their own
gaps no longer read the same sentences; this writes, a file per language, the lines that none of the named pairs leaves blank.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pseudofam_core.commands.options import pairs_of
from pseudofam_core.corpora import Bitext, open_corpus


def main() -> None:
    """Read, write, and say how many lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", help="a folder or file")
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--pairs", type=pairs_of, required=True, help="like uk-en,sw-en")
    parser.add_argument("--split", default="test")
    parser.add_argument("--as", dest="called", help="what the split is called there (default: the same)")
    options = parser.parse_args()
    corpus = open_corpus(options.corpus)
    texts = shared_lines([corpus.read(pair, options.split) for pair in options.pairs])
    written(texts, options.out, options.called or options.split)
    print(f"{options.out}: {len(texts[0])} lines in {len(texts)} pairs")


def shared_lines(texts: Sequence[Bitext]) -> list[Bitext]:
    """The rows of which no text leaves a side blank.

    Raises:
        ValueError: The texts differ in length: they are not aligned with one another.
    """
    lengths = {len(text) for text in texts}
    if len(lengths) > 1:
        raise ValueError(
            f"pairs must be aligned line by line with one another. Got {min(lengths)} to {max(lengths)} lines."
        )
    sides = [side for text in texts for side in (text.sources, text.targets)]
    kept = [row for row, lines in enumerate(zip(*sides, strict=True)) if all(map(str.strip, lines))]
    return [text.rows(kept) for text in texts]


def written(texts: Sequence[Bitext], folder: Path, split: str) -> None:
    """A file per language, as ``train.be``."""
    folder.mkdir(parents=True, exist_ok=True)
    for text in texts:
        for code, lines in ((text.pair.source, text.sources), (text.pair.target, text.targets)):
            (folder / f"{split}.{code}").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
