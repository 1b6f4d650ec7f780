"""Names that are Markdown: every page shows them as the text that they are."""

import re
import shutil

import pytest

from pages.components.plain import plain

PAGES = ("overview", "estimates", "similarity", "families", "finetune", "compare", "transfer", "beside", "lab")
NAMES = (
    "![x](http:a.example)",
    "[a](http:b.example)",
    "<img src=x onerror=alert(1)>",
    ":red[x]",
    "$x$",
    "`x`",
    ":material-home:",
    "**x**",
    "www.c.example",
    "https://f.example",
    "d@e.example",
    "&lt;",
)
_MARKUP = re.compile("|".join(f"(?<!\\\\){re.escape(one)}" for one in NAMES))


def shown(app):
    """All Markdown of a page, with the help beside it."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "info", "warning", "error", "success", "metric")
    return [text for kind in kinds for one in app.get(kind) for text in (str(one.value), str(getattr(one, "help", "")))]


@pytest.mark.parametrize("name", NAMES)
def test_a_plain_text_has_no_mark_left(name):
    assert plain(name).replace("\\", "").replace("\u2060", "") == name
    assert not _MARKUP.search(plain(name))


def test_a_plain_text_is_one_line_of_a_bearable_length():
    assert plain("a\n\n# b") == r"a \# b"
    assert len(plain("x" * 10**6)) == 2001


@pytest.mark.parametrize("page", PAGES)
def test_names_are_text_on_every_page(world, tmp_path, page):
    """A model and a corpus of such names, found and not found, on one page."""
    name = " ".join(one.replace("/", "") for one in NAMES)
    shutil.copytree(tmp_path / "model", tmp_path / name / "m" / name)
    shutil.copytree(tmp_path / "corpus", tmp_path / name / "c" / name)
    (tmp_path / name / "c" / name / f"{name}.txt").write_text("x\n", encoding="utf-8")
    views = (
        {"model": f"{tmp_path}/{name}/m/{name}", "corpus": f"{tmp_path}/{name}/c/{name}"},
        {"model": name},
        {"corpus": name},
        {"corpus": f"{tmp_path}/{name}/c/{name}#test={name}"},
        dict.fromkeys(
            ("pairs", "parameters", "own", "pins", "tune", "others", "target", "split", "measure", "of", "with"), name
        ),
        {"other_model": f"{tmp_path}/{name}/m/{name}"},
        {"other_corpus": f"{tmp_path}/{name}/c/{name}"},
        dict.fromkeys(
            ("other_model", "other_corpus", "other_split", "other_estimator", "other_parameters", "other_seed"), name
        ),
    )
    for view in views:
        app = world.open(page, **view)
        assert not app.exception
        assert [text for text in shown(app) if _MARKUP.search(text)] == []


def test_the_search_sees_what_is_not_escaped():
    assert all(_MARKUP.search(f"x {name}") for name in NAMES)
