"""A cache with a file of every kind, damaged one file at a time: what is read is what was written, or nothing."""

from __future__ import annotations

import contextlib
import io
import logging
import random
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from benchmarks._faults_damage import damage
from benchmarks._faults_tally import Tally
from pseudofam_core import jobs
from pseudofam_core.__main__ import main as command
from pseudofam_core.estimates import FISHER_FILE, find_fisher, fisher_specs
from pseudofam_core.estimates.fisher.checkpoint import Checkpoint, Counts
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning.checkpoints import fault_of, seal
from pseudofam_core.finetuning.runs import runs_of
from pseudofam_core.jobs import record
from pseudofam_core.jobs.record import Attempt, Request, State, Task
from pseudofam_core.languages import pair
from pseudofam_core.progress import Progress
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import find_pool_similarity
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.keys import canonical

NAMES = ("be-en", "uk-en", "tr-en")
# Of a small part of the model, so that a copy of the cache takes no time.
WORKSPACE = Workspace(pairs=tuple(map(pair, NAMES)), max_sentences=4, parameters=r"decoder\.layers\.0\.fc1\.bias")
OPTIONS = ["--model", "sample", "--corpus", "sample", "--pairs", ",".join(NAMES), "--max-sentences", "4"]
OPTIONS += ["--parameters", WORKSPACE.parameters]
_TRAINING, _ESTIMATE = Path("training/checkpoint-1"), Path("estimate/checkpoint.safetensors")
Observed = Mapping[str, Any]


def run(folder: Path, n: int, tally: Tally, *, seed: int = 1) -> None:
    """Damage a file, read all, put it back; n times. The cache is made where `folder` has no `whole`."""
    rng = random.Random(seed)
    whole, here = folder / "whole", folder / "here"
    logging.disable(logging.CRITICAL)  # each miss is a line
    if not whole.exists():
        make(whole)
    files = sorted(one.relative_to(whole) for one in whole.rglob("*") if one.is_file())
    shutil.copytree(whole, here)
    expected = observed(here)
    assert None not in expected.values(), expected
    said(here, "nothing", tally)
    for number in range(n):
        tally.tried("mutations")
        what = damage(here / rng.choice(files), [here / one for one in files], rng)
        with tally.watched(what):
            compare(expected, observed(here), what, tally)
        if number % 50 == 0:
            said(here, what, tally)
        shutil.rmtree(here)
        shutil.copytree(whole, here)
    logging.disable(logging.NOTSET)


def make(root: Path) -> None:
    """Estimates, a comparison, a run, two jobs, checkpoints of an estimate and of a training."""
    options = [*OPTIONS, "--cache", str(root)]
    few = ["--target", NAMES[0], "--arms", "single", "--updates", "1", "--budget", "equal-updates", "--beams", "1"]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as wrong:
        for arguments in (["estimate", *options], ["similarity", *options], ["finetune", *options, *few]):
            assert command(arguments) == 0, wrong.getvalue()
    for seed in (1, 2):
        _job(root, seed)
    training = root / _TRAINING
    training.mkdir(parents=True)
    for name in ("model.safetensors", "optimizer.pt", "rng_state.pth", "scheduler.pt", "trainer_state.json"):
        (training / name).write_text(f'{{"{name}": 1}}')
    seal(training, run="run")
    _checkpoint(root)[0].write(_COUNTS)


def compare(expected: Observed, seen: Observed, what: str, tally: Tally) -> None:
    """Whatever differs must be missing, or a job that says that it is damaged or is shown with less."""
    for name, value in expected.items():
        if (now := seen.get(name)) not in (value, None) and not name.startswith("job"):
            tally.fault("wrong", f"{what}: {name}", f"{now} instead of {value}")
        if name.startswith("job") and name not in seen:
            tally.fault("lost", f"{what}: {name}", "no such job")
    broken = [name for name in expected if name.startswith("job") and seen.get(name) != expected[name]]
    if len(broken) > (2 if "exchange" in what else 1):
        tally.fault("wrong", f"{what}: jobs", f"{broken} differ")


def observed(root: Path) -> Observed:
    """A digest of every result that a reader gets from the cache, None for one that is missing."""
    cache, seen = Cache(root), dict[str, Any]()
    found = {one: artifact for one, spec in _SPECS().items() if (artifact := find_fisher(spec, cache))}
    for one in WORKSPACE.pairs or ():
        seen[f"estimate of {one}"] = (
            _digest(found[one].file(FISHER_FILE).read_bytes(), found[one].summary) if one in found else None
        )
    compared = find_pool_similarity(found, cache=cache) if len(found) == len(NAMES) else None
    seen["comparison"] = compared and _digest(
        *(compared.matrix(one).values.tobytes() for one in (Measure.MSE, Measure.HELLINGER))
    )
    seen["run"] = next((_digest(one.outputs, one.spec) for one in runs_of(cache)), None)
    for view in jobs.list_jobs(root):
        seen[f"job {view.id}"] = _digest(
            view.title, view.state, [one.state for one in view.tasks], jobs.metrics(root, view.id, NAMES[0])
        )
    seen["training checkpoint"] = None if fault_of(root / _TRAINING, run="run") else _tree(root / _TRAINING)
    checkpoint, tensors = _checkpoint(root, zeros=True)
    counts = checkpoint.resume(_COUNTS.batch_tokens)
    seen["estimate checkpoint"] = (counts, [one.tolist() for one in tensors]) if counts.n_steps else None
    return seen


def said(root: Path, what: str, tally: Tally) -> None:
    """Commands compute again what is damaged, and end with what they said before."""
    for arguments in (["similarity", *OPTIONS, "--cache", str(root)], ["jobs", "list", "--cache", str(root)]):
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as wrong:
            status = command(arguments)
        text = out.getvalue() if arguments[0] == "similarity" else ""
        if "details:" in wrong.getvalue():
            tally.fault("tracebacks", f"{what}: {arguments[0]}", wrong.getvalue())
        elif text and _SAID.setdefault("similarity", text) != text:
            tally.fault("wrong", f"{what}: {arguments[0]}", text)
        elif status and "estimate" not in wrong.getvalue():
            tally.fault("lost", f"{what}: {arguments[0]}", wrong.getvalue())


_SAID: dict[str, str] = {}
_COUNTS = Counts(64, n_steps=3, n_sentences=7, loss=2.5)


def _specs() -> Callable[[], Mapping[Any, Any]]:
    kept: dict[Any, Any] = {}
    return lambda: kept or kept.update(fisher_specs(WORKSPACE)) or kept


_SPECS = _specs()


def _checkpoint(root: Path, *, zeros: bool = False) -> tuple[Checkpoint, list[torch.Tensor]]:
    total, shards = torch.arange(6.0), torch.arange(8.0).reshape(2, 4)
    tensors = [torch.zeros_like(one) if zeros else one for one in (total, shards)]
    return Checkpoint(root / _ESTIMATE, {"fc1": tensors[0]}, tensors[1], seconds=0.0), tensors


def _job(root: Path, seed: int) -> None:
    payload = {"workspace": canonical(replace(WORKSPACE, seed=seed))}
    request = Request("estimate", payload, NAMES[:2], f"Job {seed}", 5.0)
    folder = record.job_folder(root, request.id)
    record.write_request(folder, request)
    record.claim_attempt(folder, Attempt(1, NAMES[:2], 6.0, "engine", None, False, {}))
    done = Task(State.DONE, 1, "there", 7, 1.0, 2.0, progress=Progress("estimating", 9, 9, rate=1.0))
    for name, task in zip(NAMES, (done, replace(done, state=State.FAILED, error="It failed.")), strict=False):
        record.write_task(record.attempt_folder(folder, 1), name, task)
    metrics = record.metrics_file(folder, NAMES[0])
    metrics.parent.mkdir(exist_ok=True)
    metrics.write_text(f'{{"run": {time.time()}, "phase": "training", "done": 1, "loss": 2.0}}\n')
    record.log_file(folder).write_text("begun\n")


def _tree(folder: Path) -> str:
    return _digest(*((one.name, one.read_bytes()) for one in sorted(folder.iterdir()) if one.name != "seal.json"))


def _digest(*parts: object) -> str:
    return sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()
