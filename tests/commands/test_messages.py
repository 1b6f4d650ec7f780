"""Options that messages name exist."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pseudofam_core
from pseudofam_core.__main__ import _parser

ROOT = Path(pseudofam_core.__file__).parent
# Of other programs: sacrebleu, fairseq, nvidia-smi, dask, and what the explorer passes to streamlit.
FOREIGN = {"--tokenize", "--max-tokens", "--query-gpu", "--format", "--resources", "--server"}


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    found = {option for action in parser._actions for option in action.option_strings}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found |= {option for one in action.choices.values() for option in options_of(one)}
    return found


def named_options() -> Iterator[tuple[str, str]]:
    """Options in the strings of the program, docstrings included, and where they stand."""
    for path in [*ROOT.rglob("*.py"), *(ROOT.parent / "pages").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", node.value):
                    yield option, f"{path.relative_to(ROOT.parent)}:{node.lineno}"


def test_every_option_that_a_message_names_exists():
    known = options_of(_parser())
    named = dict(named_options())
    assert {"--corpus", "--pairs", "--cache"} <= named.keys()
    assert {option: place for option, place in named.items() if option not in known | FOREIGN} == {}


def test_every_option_that_the_readme_names_exists():
    text = (ROOT.parent / "README.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if re.match(r"\s*(python -m pseudofam_core|pseudofam) [a-z]", line)]
    assert len(lines) >= 4
    named = {option for line in lines for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", line)}
    assert named - options_of(_parser()) == set()


DOCS = [*ROOT.parent.glob("*.md"), *(ROOT.parent / "docs").glob("*.md")]


def test_every_file_of_ours_that_the_docs_name_is_there():
    ours = ("pseudofam_core", "pages", "tests", "benchmarks", "docs", "scripts")
    named = {
        path
        for doc in DOCS
        for path in re.findall(rf"`((?:{'|'.join(ours)})/[\w./-]+)`", doc.read_text(encoding="utf-8"))
    }
    assert len(named) > 5
    assert {path for path in named if "<" not in path and not (ROOT.parent / path).exists()} == set()
