import subprocess
import sys
from pathlib import Path

from tests.pages.conftest import CODES

SCRIPT = """
import sys
from streamlit.testing.v1 import AppTest

app = AppTest.from_file("pages/explorer.py", default_timeout=60)
app.query_params["model"], app.query_params["corpus"] = sys.argv[1:]
app.run()
for page in ("overview", "estimates", "similarity", "families", "finetune", "compare", "transfer", "beside", "lab"):
    app.switch_page(f"{page}.py").run()
    assert not app.exception, app.exception
    assert app.get("plotly_chart") or page not in ("similarity", "families")
heavy = {"torch", "transformers"} & set(sys.modules)
assert not heavy, heavy
"""


def test_the_server_never_imports_torch(world):
    """In a process of its own: other tests import it here."""
    world.estimate(*CODES)
    arguments = [sys.executable, "-c", SCRIPT, world.workspace.model, world.workspace.corpus]
    run = subprocess.run(
        arguments, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
