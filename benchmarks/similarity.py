"""Comparing a pool: one pass against the formulas written down plainly, its memory, its growth, and a look-up.

``python -m benchmarks.similarity [--pairs 17] [--parameters 8000000]``. Fisher files with heavy-tailed values are written
to a temporary folder. The plain version is NumPy, pair by pair, everything in memory; as it takes minutes, it is run on
some of the targets and of the values of K, between two passes of ours, and scaled to all of them. What it has to do once
for each pair (masks) is run in full.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from pseudofam_core.families.selection import select_families
from pseudofam_core.families.spec import SelectionSpec
from pseudofam_core.languages import LanguagePair, pair
from pseudofam_core.similarity.matrices import similarity_matrices, similarity_matrix, similarity_of_files
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import OverlapCurve
from pseudofam_core.similarity.spec import Scope

_CODES = ("be", "bg", "bn", "de", "en", "fa", "hi", "hr", "id", "ja", "kk")
_N_TENSORS = 8
_N_FRACTIONS = 100
_EPSILON = 1e-16
Diagonals = Sequence[npt.NDArray[np.float64]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=17)
    parser.add_argument("--parameters", type=int, default=8_000_000)
    parser.add_argument("--targets", type=int, default=2, help="rows of the plain matrices that are really computed")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(_measured_pass(options.child)))
        return
    n, size = options.pairs, options.parameters
    result: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        one = _write(Path(folder) / "one", n, size)
        result |= _speed(one, options.targets)
        result |= _reading(one)
        base = _in_a_process(Path(folder) / "one")
        _write(Path(folder) / "pairs", 3 * n, size)
        of_pairs = _in_a_process(Path(folder) / "pairs")
        _write(Path(folder) / "pairs", 0, size)
        _write(Path(folder) / "parameters", n, 4 * size)
        of_parameters = _in_a_process(Path(folder) / "parameters")
    for label, measured in (
        (f"{n} pairs x {size}", base),
        (f"{3 * n} pairs x {size}", of_pairs),
        (f"{n} pairs x {4 * size}", of_parameters),
    ):
        print(f"{label} parameters: {measured['seconds']:.1f} s, {measured['peak_mib']:.0f} MiB above the imports")
    result["peak_mib"] = round(max(one["peak_mib"] for one in (base, of_pairs, of_parameters)))
    result["growth_pairs"] = round(of_pairs["seconds"] / base["seconds"], 2)
    result["growth_parameters"] = round(of_parameters["seconds"] / base["seconds"], 2)
    result |= {f"lookup_ms_{count}": _look_up_ms(count) for count in (17, 100)}
    print("RESULT", json.dumps(result))


def _write(folder: Path, n: int, size: int) -> Mapping[LanguagePair, Path]:
    """Diagonals with a part in common and a part of their own, both log-normal (spread over ten orders of magnitude)."""
    for old in folder.glob("*"):
        old.unlink()
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(1)
    # Stretches of one long array: drawing each afresh would take longer than all that is measured.
    common = np.exp(3 * rng.standard_normal(size, dtype=np.float32) - 8)
    own = np.exp(1.5 * rng.standard_normal(2 * size, dtype=np.float32)) if n else common
    files = {}
    for number, one in enumerate(_pairs(n)):
        start = number * size // max(n, 1)
        parts = np.array_split(common * own[start : start + size], _N_TENSORS)
        files[one] = folder / f"{one}.safetensors"
        save_file(dict(zip(_names(), parts, strict=True)), files[one])
    return files


def _pairs(n: int) -> list[LanguagePair]:
    return sorted(pair(f"{source}-{target}") for source, target in list(permutations(_CODES, 2))[:n])


def _names() -> list[str]:
    return [f"layers.{number}.fc1.weight" for number in range(_N_TENSORS)]


# --- against the plain version ---------------------------------------------------------------------------------------


def _speed(files: Mapping[LanguagePair, Path], n_targets: int) -> dict[str, float]:
    """Ours and the plain version in turn; the best of each, as others may be using the machine."""
    names = _names()
    fractions = [number / _N_FRACTIONS for number in range(1, _N_FRACTIONS + 1)]
    diagonals = [
        np.concatenate([load_file(file)[name] for name in names]).astype(np.float64) for file in files.values()
    ]
    share = len(diagonals) / n_targets
    times: dict[str, list[float]] = {}

    def clock(label: str, work: Callable[[], Any], scale: float = 1) -> Any:
        started = time.perf_counter()
        value = work()
        times.setdefault(label, []).append((time.perf_counter() - started) * scale)
        return value

    for _ in range(2):
        sums = clock("sums", lambda: similarity_matrices(files, names=names, measures=(Measure.MSE, Measure.KL)))
        one = clock("one", lambda: _overlap(files, 0.4))
        plain = clock("plain sums", lambda: _plain_sums(diagonals, n_targets), share)
        masks = clock("plain masks", lambda: _plain_masks(diagonals, 0.4))
        overlap = clock("plain overlap", lambda masks=masks: _plain_overlap(masks, n_targets), share)
        _, curve = clock("all", lambda: similarity_of_files(files, names=names, measures=(Measure.MSE, Measure.KL)))
        clock("look-ups", lambda curve=curve: [curve.matrix(fraction) for fraction in fractions])
    # Both computed the same.
    np.testing.assert_allclose(sums[Measure.MSE].values[:n_targets], plain[0], rtol=1e-9)
    kl = sums[Measure.KL].values[:, :n_targets].T  # the plain version has the auxiliaries in rows
    np.testing.assert_allclose(kl, plain[1], rtol=1e-6, atol=1e-9 * diagonals[0].sum())
    np.testing.assert_array_equal(one.values[:n_targets], overlap)
    best = {label: min(seconds) for label, seconds in times.items()}
    plain_one = best["plain sums"] + best["plain masks"] + best["plain overlap"]
    plain_all = best["plain sums"] + _N_FRACTIONS * (best["plain masks"] + best["plain overlap"])
    print(
        f"Plain: MSE and KL {best['plain sums']:.1f} s and Overlap {best['plain overlap']:.2f} s, scaled from "
        f"{n_targets} of {len(diagonals)} targets; masks {best['plain masks']:.2f} s in full: {plain_one:.1f} s at one K. "
        f"At {_N_FRACTIONS} K {plain_all:.0f} s, masks and Overlap scaled from one K.\n"
        f"Ours: MSE and KL {best['sums']:.2f} s, Overlap {best['one']:.2f} s at one K; MSE, KL and the curve "
        f"{best['all']:.2f} s, then {_N_FRACTIONS} matrices {best['look-ups']:.3f} s."
    )
    return {
        "speedup_one_k": round(plain_one / (best["sums"] + best["one"]), 1),
        "speedup_100_k": round(plain_all / (best["all"] + best["look-ups"]), 1),
    }


def _overlap(files: Mapping[LanguagePair, Path], top_fraction: float) -> Any:
    return similarity_matrix(
        files, measure=Measure.OVERLAP, names=_names(), top_fraction=top_fraction, scope=Scope.GROUP
    )


def _plain_sums(diagonals: Diagonals, n_targets: int) -> tuple[list[list[float]], list[list[float]]]:
    mse = [[float(np.mean((t - a) ** 2)) for a in diagonals] for t in diagonals[:n_targets]]
    kl = [
        [float(np.sum(t * (np.log(t + _EPSILON) - np.log(a + _EPSILON)))) for a in diagonals]
        for t in diagonals[:n_targets]
    ]
    return mse, kl


def _plain_masks(diagonals: Diagonals, top_fraction: float) -> list[npt.NDArray[np.bool_]]:
    k = round(top_fraction * len(diagonals[0]))
    return [one >= np.partition(one, len(one) - k)[len(one) - k] for one in diagonals]


def _plain_overlap(masks: Sequence[npt.NDArray[np.bool_]], n_targets: int) -> list[list[float]]:
    return [[float((t & a).sum() / t.sum()) for a in masks] for t in masks[:n_targets]]


# --- reading, memory, look-ups ---------------------------------------------------------------------------------------


def _reading(files: Mapping[LanguagePair, Path]) -> dict[str, float]:
    """The MSE and KL pass against reading the files once in pieces of 1 MB: from the disk, and from the page cache."""
    measures = (Measure.MSE, Measure.KL)
    seconds: dict[str, list[float]] = {}
    for _ in range(3):
        for label, work in (
            ("read", lambda: _read(files)),
            ("pass", lambda: similarity_matrices(files, names=_names(), measures=measures)),
        ):
            for place in ("disk", "page cache"):
                if place == "disk":
                    _forget(files)
                started = time.perf_counter()
                work()
                seconds.setdefault(f"{label} {place}", []).append(time.perf_counter() - started)
    best = {label: min(times) for label, times in seconds.items()}
    size = sum(file.stat().st_size for file in files.values()) / 1e9
    for label, time_s in best.items():
        print(f"{label}: {time_s:.2f} s, {size / time_s:.2f} GB/s")
    return {
        "read_fraction": round(best["read disk"] / best["pass disk"], 3),
        "read_fraction_page_cache": round(best["read page cache"] / best["pass page cache"], 3),
    }


def _read(files: Mapping[LanguagePair, Path]) -> None:
    buffer = bytearray(2**20)
    for file in files.values():
        with file.open("rb", buffering=0) as stream:
            while stream.readinto(buffer):
                pass


def _forget(files: Mapping[LanguagePair, Path]) -> None:
    """Drop the files from the page cache, so that the next read comes from the disk."""
    for file in files.values():
        handle = os.open(file, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def _in_a_process(folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.similarity", "--child", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(ran.stdout))


def _measured_pass(folder: Path) -> dict[str, float]:
    """Seconds of the whole pass, all measures and the curve, and by how much it raised the process's peak memory."""
    files = {pair(file.stem): file for file in folder.glob("*.safetensors")}
    # A child's ru_maxrss begins at its parent's: the kernel's own high-water mark can be set back.
    Path("/proc/self/clear_refs").write_text("5")
    before = _high_water_kib()
    started = time.perf_counter()
    similarity_of_files(files, names=_names())
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "peak_mib": (_high_water_kib() - before) / 1024}


def _high_water_kib() -> int:
    """The most memory that this process has held, mapped files included."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def _look_up_ms(n: int) -> float:
    """Median over K of a look-up in a finished curve and the families of all targets."""
    rng = np.random.default_rng(n)
    steps = np.arange(1, 1001) / 1000
    nearness = rng.uniform(0.2, 1, (n, n))
    shared = (8e6 * steps ** (1 + np.triu(nearness, 1) + np.triu(nearness, 1).T)[:, :, None]).astype(np.uint32)
    shared[np.arange(n), np.arange(n)] = 8000 * np.arange(1, 1001)
    by_step = np.ascontiguousarray(np.moveaxis(shared, 2, 0))  # as a comparison lays it out
    curve = OverlapCurve(tuple(_pairs(n)), tuple(steps.tolist()), np.moveaxis(by_step, 0, 2), Scope.GROUP, (1.0,) * n)
    times = []
    for top_fraction in rng.choice(steps, 15, replace=False).tolist():
        started = time.perf_counter()
        select_families(curve.matrix(top_fraction), selection=SelectionSpec())
        times.append(time.perf_counter() - started)
    return round(1000 * float(np.median(times)), 1)


if __name__ == "__main__":
    main()
