"""What a notebook and a console see: the public names, the README's example, the installed package."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import pseudofam_core as pf
from pseudofam_core.__main__ import main
from pseudofam_core.commands import explorer
from pseudofam_core.errors import PseudoFamError
from pseudofam_core.store import cache as store_cache

ROOT = Path(__file__).parents[1]


def test_every_public_name_is_there():
    assert pf.__all__ == sorted(pf.__all__)
    assert dir(pf) == pf.__all__
    homes = {name: getattr(pf, name) for name in pf.__all__}
    assert homes["Measure"].OVERLAP == "overlap"
    assert callable(homes["estimate"])
    assert pf._HOME_OF.keys() | {"__version__"} == set(pf.__all__)


def test_type_checkers_are_told_the_same_names():
    block = (ROOT / "pseudofam_core" / "__init__.py").read_text(encoding="utf-8").split("if TYPE_CHECKING:")[1]
    block = block.split("__version__ =")[0]
    told = {name: home for home, names in re.findall(r"from (\S+) import (.+)", block) for name in names.split(", ")}
    assert told == pf._HOME_OF


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match="has no attribute 'estimates_of_everything'"):
        pf.estimates_of_everything  # noqa: B018


def test_importing_the_package_opens_nothing_heavy():
    heavy = "{'torch', 'scipy', 'streamlit'}"
    code = f"import sys, pseudofam_core as pf; pf.pair, pf.Workspace; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_readmes_example_runs(tmp_path, monkeypatch, workspace):
    """As it stands there, but with the tiny model and text of the tests."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = [
        one for one in re.findall(r"```python\n(.*?)```", readme, re.DOTALL) if "import pseudofam_core" in one
    ]
    monkeypatch.setenv("PSEUDOFAM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pf, "Workspace", lambda **named: workspace, raising=False)
    named: dict[str, object] = {}
    exec(example, named)
    overlap = named["overlap"]
    assert isinstance(overlap, pf.PairwiseMatrix)
    assert overlap.pairs == pf.pool_of(workspace)
    assert {one.target for one in named["families"]} == set(overlap.pairs)
    assert len(named["figure"].data) > 0


def test_the_explorer_is_found_in_the_checkout_and_where_it_is_installed(tmp_path, monkeypatch):
    assert explorer.app_script() == ROOT / "app.py"
    package = tmp_path / "site-packages" / "pseudofam_core"
    monkeypatch.setattr(explorer, "_PACKAGE", package)
    with pytest.raises(PseudoFamError, match="Install the package again"):
        explorer.app_script()
    (package / "explorer" / "pages" / "components").mkdir(parents=True)
    (package / "explorer" / "app.py").touch()
    # Another package's app.py at the top of site-packages is not ours.
    (tmp_path / "site-packages" / "app.py").touch()
    assert explorer.app_script() == package / "explorer" / "app.py"


def test_app_hands_its_options_to_streamlit(monkeypatch):
    called: list[list[str]] = []
    monkeypatch.setattr(explorer.subprocess, "call", lambda command, env: called.append(command) or 0)
    assert main(["app", "--port", "8600"]) == 0
    assert called == [[sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", "8600"]]


def test_results_are_kept_in_the_checkout_else_in_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.delenv("PSEUDOFAM_CACHE", raising=False)
    assert store_cache.default_root() == ROOT / "cache"
    monkeypatch.setattr(store_cache, "__file__", str(tmp_path / "pseudofam_core" / "store" / "cache.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    expected = tmp_path / "own" / "pseudofam" if sys.platform == "linux" else store_cache.default_root()
    assert store_cache.default_root() == expected
    monkeypatch.setenv("PSEUDOFAM_CACHE", str(tmp_path / "named"))
    assert store_cache.default_root() == tmp_path / "named"
