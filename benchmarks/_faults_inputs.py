"""Whatever a stranger may give: files of text, options, imports, configurations and lists; each ends in a result or a line."""

from __future__ import annotations

import contextlib
import io
import logging
import random
import resource
import shutil
import string
import zipfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks._faults_damage import ODD, damaged_json, odd_json
from benchmarks._faults_mutations import NAMES, OPTIONS, WORKSPACE, make
from benchmarks._faults_tally import Tally
from pseudofam_core.__main__ import main as command
from pseudofam_core.corpora import open_corpus
from pseudofam_core.errors import PseudoFamError
from pseudofam_core.estimates import find_fisher, fisher_specs
from pseudofam_core.exchange.archive import export_estimates, import_estimates
from pseudofam_core.exchange.tables import read_families_csv
from pseudofam_core.languages import pair
from pseudofam_core.models.hub import resolve_model, sample_model
from pseudofam_core.models.loading import load_config
from pseudofam_core.models.parameters import select_parameters
from pseudofam_core.store.cache import Cache

GIB = 2**30
_NAMES = (
    "train.be",
    "train.en",
    "dev.en",
    "be-en",
    "train.tsv",
    "train.csv",
    "be.jsonl",
    "state.json",
    "dataset_info.json",
)
_NAMES += (
    "dataset_dict.json",
    "train.be.jsonl",
    "all_talks_train.tsv",
    "corpus.tmx",
    "flores.devtest",
    "x.xml",
    "kept_back.json",
)
_PIECES = (
    "be",
    "en",
    "\t",
    ",",
    "\n",
    "\r",
    "\0",
    "\ud800",
    "\u2028",
    '"',
    "<tmx>",
    "<tu>",
    "</tu>",
    "<seg>",
    "&x;",
    "{",
    "}",
    "[",
    "x" * 200_000,
)
_PIECES += (
    "source",
    "target",
    "text",
    "label",
    "id",
    "1" * 400,
    "text",
    "hello",
    "Вясна",
    "-",
    ":",
    "#test=",
    "hf:",
    "~nouser",
    "../",
    "/",
    "*",
)
_CHOICES = (
    "--pairs",
    "--split",
    "--max-sentences",
    "--seed",
    "--parameters",
    "--shards",
    "--precision",
    "--estimator",
    "--corpus",
    "--model",
)
_WHOLE = dict.fromkeys(("estimate", "similarity", "families", "signals", "compare", "jobs", "lab"), OPTIONS)
_ONE_CELL = [*OPTIONS, "--targets", NAMES[0], "--auxiliaries", NAMES[1], "--updates", "1"]
# Few sentences: absurd options leave what they are not about as it is, and nobody waits for a whole matrix.
_COMMANDS = _WHOLE | {
    "transfer": _ONE_CELL,
    "foresee": _ONE_CELL,
    "score": ["--model", "sample", "--corpus", "sample", "--pairs", NAMES[0], "--max-sentences", "4", "--beams", "1"],
}


def run(folder: Path, n: int, tally: Tally, *, seed: int = 1) -> None:
    """Give n inputs, under 3 GiB of memory. What is exported is made where `folder` has no `cache`."""
    rng = random.Random(seed)
    logging.disable(logging.CRITICAL)
    if not (folder / "cache").exists():
        make(folder / "cache")
    given = _Given(folder, rng)
    kinds = (
        given.text,
        given.text,
        given.text,
        given.options,
        given.name,
        given.archive,
        given.configuration,
        given.families,
        given.expression,
    )
    with _memory(3 * GIB):
        for number in range(n):
            kind = kinds[number % len(kinds)]
            tally.tried("inputs")
            with tally.watched(kind.__name__, PseudoFamError):
                kind(tally)
    logging.disable(logging.NOTSET)


class _Given:
    """One method for each kind of input; each gives one, made at random."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self._folder, self._rng = folder, rng
        cache = Cache(folder / "cache")
        estimates = [one for spec in fisher_specs(WORKSPACE).values() if (one := find_fisher(spec, cache))]
        stream = io.BytesIO()
        export_estimates(estimates, stream)
        self._zip = stream.getvalue()
        self._config = (sample_model() / "config.json").read_text(encoding="utf-8")

    def text(self, _: Tally) -> None:
        """A folder or a file of text, read to its end."""
        place = self._folder / "text"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        for _n in range(self._rng.randint(1, 4)):
            (place / self._rng.choice(_NAMES)).write_bytes(self._bytes())
        files = sorted(place.iterdir())
        with contextlib.closing(_read(place if self._rng.random() < 0.7 else self._rng.choice(files))) as read:
            for _pair in read:
                pass

    def options(self, tally: Tally) -> None:
        """A command with an absurd option."""
        name = self._rng.choice(list(_COMMANDS))
        options = [*_COMMANDS[name], "--cache", str(self._folder / "cache")]
        absurd = [self._rng.choice(_CHOICES), self._words()[:20_000].replace("\0", "")]
        told, wrong = f"options: {name} {absurd[0]} {absurd[1][:200]!r}", io.StringIO()
        with (
            tally.watched(told, seconds=50),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(wrong),
        ):
            try:
                command([name, *options, *absurd])
            except SystemExit as error:
                if error.code not in (0, 2):
                    raise
        if "details:" in wrong.getvalue() or "Traceback" in wrong.getvalue():
            tally.fault("tracebacks", f"options: {name} {absurd[0]}", f"{absurd[1][:200]!r}: {wrong.getvalue()[-500:]}")

    def name(self, tally: Tally) -> None:
        """A name of a corpus, of a pair, and of a model that is no folder and none of the hub's."""
        name = self._words()[:10_000]
        with tally.watched("pair", PseudoFamError, ValueError):
            pair(name)
        with tally.watched("corpus", PseudoFamError):
            open_corpus(name.replace("hf:", "")).pairs()  # the hub is not asked
        if "/" in name or not name.isascii() or len(name) > 96:  # what may be a name would be asked for on the hub
            resolve_model(name)

    def archive(self, _: Tally) -> None:
        """An export with damage, or what is none."""
        whole = bytearray(self._zip)
        for _n in range(self._rng.choice([1, 1, 4])):
            whole[self._rng.randrange(len(whole))] ^= 1 << self._rng.randrange(8)
        if self._rng.random() < 0.4:
            whole = bytearray(self._forged())
        elif self._rng.random() < 0.2:
            del whole[self._rng.randrange(len(whole)) :]
        target = self._folder / "imported"
        shutil.rmtree(target, ignore_errors=True)
        import_estimates(io.BytesIO(bytes(whole)), Cache(target))

    def configuration(self, _: Tally) -> None:
        """A model's configuration with a value of another kind."""
        place = self._folder / "model"
        place.mkdir(exist_ok=True)
        (place / "config.json").write_text(damaged_json(self._config, self._rng), encoding="utf-8")
        load_config(place)

    def families(self, _: Tally) -> None:
        """A list of families."""
        with contextlib.suppress(ValueError):
            read_families_csv(self._words())

    def expression(self, _: Tally) -> None:
        """An expression for parameters."""
        marks = [*"()[]{}*+?|.^$\\", "(a+)+", "(.*)*", r"\w*", "(?i)", "(?<=x)", "\\1", *string.ascii_letters[:4]]
        with contextlib.suppress(ValueError):
            select_parameters(
                ["model.encoder.layers.0.fc1.weight" * 4] * 50,
                "".join(self._rng.choices(marks, k=self._rng.randint(1, 30))),
            )

    def _forged(self) -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(self._zip)) as old, zipfile.ZipFile(stream, "w") as new:
            for entry in old.namelist():
                body = old.read(entry)
                if entry.endswith(".json") and self._rng.random() < 0.7:
                    body = damaged_json(body.decode(), self._rng).encode()
                new.writestr(entry, body)
        return stream.getvalue()

    def _words(self) -> str:
        return "".join(
            self._rng.choice(_PIECES) if self._rng.random() < 0.7 else chr(self._rng.randrange(1, 0x2FFF))
            for _ in range(self._rng.randint(0, 20))
        )

    def _bytes(self) -> bytes:
        if self._rng.random() < 0.2:
            return self._rng.randbytes(self._rng.choice([0, 1, 99, 5000]))
        if self._rng.random() < 0.3:
            rows = [
                {
                    "source": self._rng.choice(ODD),
                    "be": "x",
                    "en": self._rng.choice(ODD),
                    "text": "a",
                    "label": self._rng.choice(ODD),
                }
                for _ in range(3)
            ]
            return "\n".join(map(odd_json, rows)).encode()
        return self._words().encode("utf-8", "surrogatepass")


def _read(place: Path) -> Iterator[object]:
    corpus = open_corpus(place)
    for one in corpus.pairs():
        for split in corpus.splits(one):
            yield corpus.read(one, split)


@contextlib.contextmanager
def _memory(most: int) -> Iterator[None]:
    """No more memory than this, for this process."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
