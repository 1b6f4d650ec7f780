"""A run on two processes, started as `torchrun` starts them: gloo on this machine's loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.torch import load_file

from pseudofam_core.__main__ import main
from pseudofam_core.cache import Cache
from pseudofam_core.corpora import Bitext
from pseudofam_core.errors import JobCancelled
from pseudofam_core.finetuning import processes, runs_of
from pseudofam_core.languages import pair

# transformers warns of a private torch call of its own.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")

ROOT = Path(__file__).parents[2]
BUDGETS = ("equal-updates", "equal-target-tokens", "early-stopping")


@pytest.fixture
def without_chance(tuning, tmp_path):
    """The workspace with a model that drops no layers: processes draw by themselves, so chance tells one from two."""
    folder = shutil.copytree(tuning.model, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"encoder_layerdrop": 0.0, "decoder_layerdrop": 0.0}))
    return replace(tuning, model=str(folder))


def command(tuning, cache, *, budget, updates=5, members="az-en,de-en"):
    words = ["finetune", "--model", tuning.model, "--corpus", tuning.corpus, "--cache", str(cache)]
    words += ["--target", "tr-en", "--arms", "own", "--members", members, "--beams", "2", "--keep-weights"]
    words += ["--preset", "paper", "--budget", budget, "--updates", str(updates), "--batch-tokens", "80"]
    words += ["--batches-per-update", "2", "--learning-rate", "0.005", "--eval-every", "2"]
    words += ["--warmup-updates", "2", "--training-dropout", "0", "--training-attention-dropout", "0"]
    return words + (["--patience", "2"] if budget == "early-stopping" else [])


def started(words, program=("-m", "pseudofam_core")):
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.Popen(
        [sys.executable, *launcher, *program, *words],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def done(words, **options):
    process = started(words, **options)
    told, complained = process.communicate(timeout=300)
    assert process.returncode == 0, complained
    return told


def weights(cache):
    (folder,) = (cache.root / "finetune-weights").iterdir()
    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize("budget", BUDGETS)
def test_two_processes_train_what_one_trains(without_chance, tmp_path, budget):
    alone, shared = Cache(tmp_path / "alone"), Cache(tmp_path / "shared")
    assert main(command(without_chance, alone.root, budget=budget)) == 0
    told = done(command(without_chance, shared.root, budget=budget))
    assert told.count("1 runs, 0 finished") == 1  # said once, by the first process
    (one,), (two,) = (runs_of(cache, target=pair("tr-en")) for cache in (alone, shared))
    assert not (shared.root / "partial" / "finetune" / two.key).exists()
    assert (one.device, two.device) == ("cpu", "2 × cpu")
    assert two.artifact.manifest["pace"] is None
    assert (two.key, two.updates, two.scored_update, two.contributions) == (
        one.key,
        one.updates,
        one.scored_update,
        one.contributions,
    )
    for (at, before), (also_at, after) in zip(one.dev_curve, two.dev_curve, strict=True):
        assert (at, after["loss"]) == (also_at, pytest.approx(before["loss"], rel=1e-4))
    together = weights(shared)
    for name, tensor in weights(alone).items():
        np.testing.assert_allclose(together[name].float(), tensor.float(), atol=2e-3, err_msg=name)
    assert len(two.outputs["test"]["hypotheses"]) == len(two.outputs["test"]["sources"]) == 5


def test_two_processes_train_adapters(without_chance, tmp_path):
    """Their dropout draws by itself in each process, so that one process's weights are not to be expected."""
    words = command(without_chance, tmp_path / "cache", budget="equal-updates")
    done([*words, "--lora", "4"])
    before = load_file(Path(without_chance.model) / "model.safetensors")
    after = weights(Cache(tmp_path / "cache"))
    changed = {name for name in before if not np.allclose(after[name].float(), before[name].float(), atol=2e-3)}
    assert {name.split(".")[-2] for name in changed} == {"q_proj", "v_proj"}


# What ran before `main` ends after it: the last the interpreter does.
AT_THE_END = """
import atexit, pathlib, sys

def threads():
    for name in pathlib.Path("/proc/self/task").glob("*/comm"):
        print("thread", name.read_text().strip())

atexit.register(threads)
from pseudofam_core.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted where Linux lists them")
def test_no_thread_outlives_the_interpreter(without_chance, tmp_path):
    """One of gloo's that still held a message there ended the process with SIGABRT, now and then."""
    program = tmp_path / "program.py"
    program.write_text(AT_THE_END)
    told = done(command(without_chance, tmp_path, budget="equal-updates"), program=[str(program)])
    threads = [line.split()[1] for line in told.splitlines() if line.startswith("thread ")]
    assert len(threads) >= 2  # one a process, at least
    assert not [name for name in threads if "gloo" in name]


def test_one_ctrl_c_stops_both_and_the_same_command_goes_on(tuning, tmp_path):
    words = command(tuning, tmp_path, budget="equal-updates", updates=400)
    process = started(words)
    checkpoints = tmp_path / "partial" / "finetune"
    deadline = time.monotonic() + 120
    while not list(checkpoints.glob("*/checkpoint-*/trainer_state.json")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert list(runs_of(Cache(tmp_path))) == []
    states = [json.loads(one.read_text()) for one in checkpoints.glob("*/checkpoint-*/trainer_state.json")]
    at = max(one["global_step"] for one in states)
    assert 0 < at < 400
    told = done(words)
    assert "1 runs, 0 finished" in told
    (run,) = runs_of(Cache(tmp_path), target=pair("tr-en"))
    assert run.updates == 400
    assert [update for update, _ in run.dev_curve][:3] == [0, 2, 4]


@pytest.fixture
def one_of_two(monkeypatch):
    """Makes this process the first or second of two; `others` is what the other one hands over."""

    def be(rank, others):
        monkeypatch.setattr(processes, "_state", lambda: SimpleNamespace(num_processes=2, process_index=rank))
        gathered = (lambda own: [*own, *others]) if rank == 0 else (lambda own: [*others, *own])
        monkeypatch.setattr(processes, "gather_object", gathered)

    return be


@pytest.mark.parametrize("n", [1, 4, 5])
@pytest.mark.parametrize("rank", [0, 1])
def test_translations_come_back_in_order(one_of_two, monkeypatch, n, rank):
    monkeypatch.setattr(processes, "translate", lambda model, bitext, **options: tuple(map(str.upper, bitext.sources)))
    lines = tuple(f"line {i}" for i in range(n))
    one_of_two(rank, [tuple(line.upper() for line in lines[1 - rank :: 2])])
    found = processes.translate_shared(None, Bitext(pair("tr-en"), "test", lines, lines), should_stop=lambda: False)
    assert found == tuple(line.upper() for line in lines)


@pytest.mark.parametrize("here", [True, False])
def test_a_stop_in_one_process_is_a_stop_in_both(one_of_two, monkeypatch, here):
    def translate(model, bitext, **options):
        if here:
            raise JobCancelled("asked")
        return bitext.sources

    monkeypatch.setattr(processes, "translate", translate)
    one_of_two(0, [("b",) if here else None])
    with pytest.raises(JobCancelled):
        processes.translate_shared(
            None, Bitext(pair("tr-en"), "test", ("a", "b"), ("a", "b")), should_stop=lambda: False
        )
    one_of_two(0, [True])
    assert processes.asked_in_any(lambda: False)()
    one_of_two(0, [False])
    assert not processes.asked_in_any(lambda: False)()


def test_processes_that_cannot_share_are_refused(tuning, tmp_path):
    words = command(tuning, tmp_path, budget="equal-updates")
    words[words.index("--batches-per-update") + 1] = "1"
    process = started(words)
    _, complained = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "accumulation must be a multiple of the processes, 2. Got 1." in complained
