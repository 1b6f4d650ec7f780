"""A run on two processes, started as `torchrun` starts them: gloo on this machine's loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from safetensors.torch import load_file

from pseudofam_core.__main__ import main
from pseudofam_core.corpora import Bitext
from pseudofam_core.errors import JobCancelled
from pseudofam_core.finetuning import processes, runs_of
from pseudofam_core.languages import pair
from pseudofam_core.store.cache import Cache
from pseudofam_core.tasks.translation import TRANSLATION

# transformers warns of a private torch call of its own.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")

ROOT = Path(__file__).parents[2]
MARK = "PSEUDOFAM_TEST_RUN"  # in the environment of all that a test starts
BUDGETS = ("equal-updates", "equal-target-tokens", "early-stopping")
ROUNDING = 1e-4  # by which the dev losses of one and two processes may differ, relatively


@pytest.fixture
def without_chance(tuning, tmp_path):
    """The workspace with a model that drops no layers: processes draw by themselves, so chance tells one from two."""
    folder = shutil.copytree(tuning.model, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"encoder_layerdrop": 0.0, "decoder_layerdrop": 0.0}))
    return replace(tuning, model=str(folder))


def command(tuning, cache, *, budget, updates=5, every=2, members="az-en,de-en"):
    words = ["finetune", "--model", tuning.model, "--corpus", tuning.corpus, "--cache", str(cache)]
    words += ["--target", "tr-en", "--arms", "own", "--members", members, "--beams", "2", "--keep-weights"]
    words += ["--preset", "paper", "--budget", budget, "--updates", str(updates), "--batch-tokens", "80"]
    words += ["--mixed-precision", "float32"]  # in bf16 rounding alone is more than what is told apart
    words += ["--batches-per-update", "2", "--learning-rate", "0.005", "--eval-every", str(every)]
    words += ["--warmup-updates", "2", "--training-dropout", "0", "--training-attention-dropout", "0"]
    return words + (["--patience", "2"] if budget == "early-stopping" else [])


@pytest.fixture
def started():
    """Starts a command on two processes. What still runs when the test ends, well or not, is killed."""
    with ExitStack() as at_the_end:

        def start(words, program=("-m", "pseudofam_core")):
            launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
            mark = uuid.uuid4().hex
            process = subprocess.Popen(
                [sys.executable, *launcher, *program, *words],
                env=os.environ | {"PYTHONPATH": str(ROOT), MARK: mark},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            at_the_end.enter_context(process)
            at_the_end.callback(kill_all, mark)
            return process

        yield start


def kill_all(mark):
    """Kill what bears a mark: torchrun gives its processes sessions of their own, so that no group has them all."""
    for one in psutil.process_iter(["environ"]):
        if (one.info["environ"] or {}).get(MARK) == mark:
            with suppress(psutil.NoSuchProcess):
                one.kill()


@pytest.fixture
def done(started):
    """Runs a command on two processes to its end; what it told."""

    def run(words, **options):
        process = started(words, **options)
        told, complained = process.communicate(timeout=300)
        assert process.returncode == 0, complained
        return told

    return run


def weights(cache):
    (folder,) = (cache.root / "finetune-weights").iterdir()
    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize("budget", BUDGETS)
def test_two_processes_train_what_one_trains(without_chance, done, tmp_path, budget):
    alone, shared = Cache(tmp_path / "alone"), Cache(tmp_path / "shared")
    assert main(command(without_chance, alone.root, budget=budget)) == 0
    told = done(command(without_chance, shared.root, budget=budget))
    assert told.count("1 runs, 0 finished") == 1  # said once, by the first process
    (one,), (two,) = (runs_of(cache, target=pair("tr-en")) for cache in (alone, shared))
    assert not (shared.root / "partial" / "finetune" / two.key).exists()
    assert (one.device, two.device) == ("cpu", "2 × cpu")
    assert two.pace is None
    assert (two.key, two.updates) == (one.key, one.updates)
    for (at, before), (also_at, after) in zip(one.dev_curve, two.dev_curve, strict=True):
        assert (at, after["loss"]) == (also_at, pytest.approx(before["loss"], rel=ROUNDING))
    assert len(two.outputs["test"]["hypotheses"]) == len(two.outputs["test"]["sources"]) == 5
    if two.scored_update != one.scored_update:  # early stopping only, where two evaluations are as good
        losses = {at: values["loss"] for at, values in one.dev_curve}
        assert losses[two.scored_update] == pytest.approx(losses[one.scored_update], rel=2 * ROUNDING)
        return
    assert two.contributions == one.contributions
    together = weights(shared)
    for name, tensor in weights(alone).items():
        np.testing.assert_allclose(together[name].float(), tensor.float(), atol=2e-3, err_msg=name)


def test_two_processes_train_adapters(without_chance, done, tmp_path):
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
def test_no_thread_outlives_the_interpreter(without_chance, done, tmp_path):
    """One of gloo's that still held a message there ended the process with SIGABRT, now and then."""
    program = tmp_path / "program.py"
    program.write_text(AT_THE_END)
    told = done(command(without_chance, tmp_path, budget="equal-updates"), program=[str(program)])
    threads = [line.split()[1] for line in told.splitlines() if line.startswith("thread ")]
    assert len(threads) >= 2  # one a process, at least
    assert not [name for name in threads if "gloo" in name]


def reached(folder):
    """The last update with a checkpoint that was written in full, or 0."""
    updates = [0]
    for one in folder.glob("*/checkpoint-*/trainer_state.json"):
        with suppress(OSError, ValueError):  # half-written, or just removed
            updates.append(json.loads(one.read_text())["global_step"])
    return max(updates)


def test_one_ctrl_c_stops_both_and_the_same_command_goes_on(tuning, started, done, tmp_path):
    words = command(tuning, tmp_path, budget="equal-updates", updates=100, every=10)
    process = started(words)
    checkpoints = tmp_path / "partial" / "finetune"
    deadline = time.monotonic() + 120
    while not reached(checkpoints):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert list(runs_of(Cache(tmp_path))) == []
    assert 0 < reached(checkpoints) < 100
    told = done(words)
    assert "1 runs, 0 finished" in told
    (run,) = runs_of(Cache(tmp_path), target=pair("tr-en"))
    assert run.updates == 100
    assert [update for update, _ in run.dev_curve] == list(range(0, 101, 10))


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
def test_translations_come_back_in_order(one_of_two, n, rank):
    task = replace(TRANSLATION, made=lambda model, bitext, **options: tuple(map(str.upper, bitext.sources)))
    lines = tuple(f"line {i}" for i in range(n))
    one_of_two(rank, [tuple(line.upper() for line in lines[1 - rank :: 2])])
    text = Bitext(pair("tr-en"), "test", lines, lines)
    found = processes.generate_shared(task, None, text, should_stop=lambda: False)
    assert found == tuple(line.upper() for line in lines)


@pytest.mark.parametrize("here", [True, False])
def test_a_stop_in_one_process_is_a_stop_in_both(one_of_two, here):
    def translate(model, bitext, **options):
        if here:
            raise JobCancelled("asked")
        return bitext.sources

    task = replace(TRANSLATION, made=translate)
    one_of_two(0, [("b",) if here else None])
    with pytest.raises(JobCancelled):
        processes.generate_shared(
            task, None, Bitext(pair("tr-en"), "test", ("a", "b"), ("a", "b")), should_stop=lambda: False
        )
    one_of_two(0, [True])
    assert processes.asked_in_any(lambda: False)()
    one_of_two(0, [False])
    assert not processes.asked_in_any(lambda: False)()


def test_processes_that_cannot_share_are_refused(tuning, started, tmp_path):
    words = command(tuning, tmp_path, budget="equal-updates")
    words[words.index("--batches-per-update") + 1] = "1"
    process = started(words)
    _, complained = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "accumulation must be a multiple of the processes, 2. Got 1." in complained
