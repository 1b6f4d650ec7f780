"""Kills, damaged files and absurd inputs: is anything lost, wrong, or ended by a traceback?

``python -m benchmarks.faults [--kills N] [--mutations N] [--inputs N]``. A cache of two estimates of the sample, their comparison
and a job is made anew. *Kills*: the command `estimate` is killed (SIGKILL) at a random moment and run again; its files must be
those of a run that nobody killed. *Mutations*: a random file of the cache is damaged, lost, or exchanged with another of its name;
all is read again: it must be what it was, or missing. *Inputs*: readers, expressions, lists, archives and configurations get
random text; they may refuse it in words. Not covered: the server and its sessions, full disks (``tests/faults``), training.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from pseudofam_core import jobs
from pseudofam_core.corpora import open_corpus
from pseudofam_core.errors import PseudoFamError
from pseudofam_core.estimates import FISHER_FILE, find_fisher, fisher_specs
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.exchange.archive import import_estimates
from pseudofam_core.exchange.tables import read_families_csv
from pseudofam_core.jobs import record
from pseudofam_core.languages import pair
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.models.parameters import select_parameters
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import find_pool_similarity, pool_similarity
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.keys import canonical, file_digest

_NAMES = ("be-en", "uk-en")
_WORKSPACE = Workspace(pairs=tuple(map(pair, _NAMES)), max_sentences=40)
_LONGEST_S = 20
_PIECES = (
    "be-en",
    "\t",
    ",",
    ";",
    '"',
    "\n",
    "\r",
    "\0",
    "\ud800",
    "../",
    "~nobody/",
    "hf:",
    "#test=",
    "#zh=",
    "[",
    "{",
)
_PIECES += ("(a+)+$", "9" * 400)
_ODD = (b"", b"null", b"[]", b"{}", b'"x"', b"[" * 100_000, b"\xff\xfe", b"9" * 5_000, b"NaN")


def main() -> None:
    """Count, print, and say what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual in (("kills", 20), ("mutations", 1_000), ("inputs", 10_000), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    options = parser.parse_args()
    logging.disable(logging.WARNING)  # of what is damaged
    with tempfile.TemporaryDirectory() as folder:
        counts = counted(Path(folder), options.kills, options.mutations, options.inputs, random.Random(options.seed))
    print("RESULT", json.dumps(counts))


def counted(folder: Path, n_kills: int, n_mutations: int, n_inputs: int, rng: random.Random) -> dict[str, int]:
    """How many of each were tried, and how many ended as they must not."""
    counts: Counter[str] = Counter(lost=0, wrong=0, hung=0, tracebacks=0)
    counts.update(kills=n_kills, mutations=n_mutations, inputs=n_inputs)
    started = time.monotonic()
    _estimate(folder / "whole").wait()
    seconds = time.monotonic() - started
    expected = _digests(folder / "whole")
    for number in range(n_kills):
        _kill(folder / f"killed-{number}", rng.uniform(0, seconds), expected, counts)
    if n_mutations:
        _mutate(_with_job(folder / "whole"), n_mutations, rng, counts)
    for _ in range(n_inputs):
        _give(folder, rng, counts)
    return dict(counts)


def _estimate(root: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pseudofam_core", "estimate", "--pairs", ",".join(_NAMES)]
    command += ["--max-sentences", str(_WORKSPACE.max_sentences), "--cache", str(root)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _digests(root: Path) -> dict[str, str | None]:
    found = {
        name: find_fisher(spec, Cache(root))
        for name, spec in zip(_NAMES, fisher_specs(_WORKSPACE).values(), strict=True)
    }
    return {
        name: None if artifact is None else file_digest(artifact.file(FISHER_FILE)) for name, artifact in found.items()
    }


def _kill(root: Path, after: float, expected: dict[str, str | None], counts: Counter[str]) -> None:
    process = _estimate(root)
    time.sleep(after)
    process.kill()
    process.wait()
    counts["lost"] += _estimate(root).wait() != 0
    counts["wrong"] += _digests(root) != expected
    shutil.rmtree(root)


def _with_job(root: Path) -> Path:
    """The cache, with a comparison and a job of a request."""
    cache = Cache(root)
    estimates = {name: find_fisher(spec, cache) for name, spec in fisher_specs(_WORKSPACE).items()}
    pool_similarity({name: artifact for name, artifact in estimates.items() if artifact}, cache=cache)
    request = record.Request("estimate", {"workspace": canonical(_WORKSPACE)}, _NAMES, "Estimate 2 pairs", 5.0)
    folder = record.job_folder(root, request.id)
    record.write_request(folder, request)
    record.claim_attempt(folder, record.Attempt(1, _NAMES, 6.0, "engine", None, False, {}))
    return root


def _mutate(root: Path, n: int, rng: random.Random, counts: Counter[str]) -> None:
    expected = _read(root)
    files = sorted(path for path in root.rglob("*") if path.is_file() and path.suffix != ".lock")
    kept = {path: path.read_bytes() for path in files}
    for _ in range(n):
        path = rng.choice(files)
        other = rng.choice([one for one in files if one.name == path.name])
        path.write_bytes(kept[other] if rng.random() < 0.2 and other != path else _damaged(kept[path], rng))
        if rng.random() < 0.05:
            path.unlink()
        seen = _counting(counts, lambda: _read(root), path)
        if seen is not None:
            counts["wrong"] += any(
                value not in (expected[name], None) for name, value in seen.items() if name != "jobs"
            )
            counts["lost"] += "jobs" not in path.parts and seen["jobs"] != expected["jobs"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(kept[path])


def _damaged(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content) + 1)
    kinds: tuple[Callable[[], bytes], ...] = (
        lambda: content[:place],
        lambda: content[:place] + bytes([rng.randrange(256)]) + content[place + 1 :],
        lambda: content[:place] + rng.choice(_ODD) + content[place:],
        lambda: rng.choice(_ODD),
    )
    return rng.choice(kinds)()


def _read(root: Path) -> dict[str, Any]:
    """What a page would show of the cache: None where something is missing."""
    cache = Cache(root)
    estimates = {str(name): find_fisher(spec, cache) for name, spec in fisher_specs(_WORKSPACE).items()}
    seen: dict[str, Any] = {name: found and file_digest(found.file(FISHER_FILE)) for name, found in estimates.items()}
    whole = {pair(name): found for name, found in estimates.items() if found}
    compared = find_pool_similarity(whole, cache=cache) if len(whole) == len(estimates) else None
    seen["overlap"] = compared and compared.matrix(Measure.OVERLAP, 0.4).values.tolist()
    seen["jobs"] = [(view.id, view.state) for view in jobs.list_jobs(root)]
    return seen


def _give(folder: Path, rng: random.Random, counts: Counter[str]) -> None:
    text = "".join(
        rng.choice(_PIECES) if rng.random() < 0.6 else chr(rng.randrange(1, 0x2FFF)) for _ in range(rng.randrange(40))
    )
    content = text.encode("utf-8", "surrogatepass")
    given = folder / "given"
    shutil.rmtree(given, ignore_errors=True)
    given.mkdir()

    def corpus(name: str) -> None:
        (given / name).write_bytes(content)
        opened = open_corpus(given)
        for one in opened.pairs():
            for split in opened.splits(one):
                opened.read(one, split)

    def configuration() -> None:
        (given / "config.json").write_bytes(content)
        resolve_model(str(given))

    takers: tuple[Callable[[], object], ...] = (
        lambda: corpus(rng.choice(("train.be-en.tsv", "train.csv", "train.jsonl", "dataset_dict.json", "ted.tsv"))),
        lambda: open_corpus(text),
        configuration,
        lambda: resolve_model(f"/{text}"),
        lambda: select_parameters(("encoder.fc1.weight", "a" * 40), text),
        lambda: read_families_csv(text),
        lambda: import_estimates(io.BytesIO(content), Cache(folder / "imports")),
        lambda: pair(text),
    )
    _counting(counts, rng.choice(takers), text[:60])


def _counting(counts: Counter[str], take: Callable[[], Any], what: object) -> Any:
    """The value; None where it refused in words, or failed as it must not, which is counted and told."""
    try:
        with _limited():
            return take()
    except (PseudoFamError, ValueError):
        return None
    except TimeoutError:
        counts["hung"] += 1
        print(f"hung: {what!r}", flush=True)
    except Exception as error:
        counts["tracebacks"] += 1
        print(f"{type(error).__name__}: {error} at {what!r}", flush=True)
    return None


@contextmanager
def _limited() -> Iterator[None]:
    def stop(signum: int, frame: FrameType | None) -> None:
        raise TimeoutError

    earlier = signal.signal(signal.SIGALRM, stop)
    signal.alarm(_LONGEST_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, earlier)


if __name__ == "__main__":
    main()
