"""Parallel corpora, and those of other tasks: open one with `open_corpus`, whatever its layout."""

from __future__ import annotations

from pathlib import Path

from pseudofam_core.corpora.batches import sample_indices, token_batches
from pseudofam_core.corpora.bitext import SPLITS, Bitext, ParallelCorpus
from pseudofam_core.corpora.choices import Choices, parse_source
from pseudofam_core.corpora.cleaning import Cleaning, CleaningReport, Reason, clean
from pseudofam_core.corpora.hugging_face import HubCorpus, SavedDatasetCorpus
from pseudofam_core.corpora.kept_back import KeptBack, read_kept_back
from pseudofam_core.corpora.limited import LimitedCorpus
from pseudofam_core.corpora.line_files import LineFilesCorpus
from pseudofam_core.corpora.moses import MosesCorpus
from pseudofam_core.corpora.naming import told
from pseudofam_core.corpora.parallel import shared_targets
from pseudofam_core.corpora.reader import Reader
from pseudofam_core.corpora.tables import TableCorpus
from pseudofam_core.corpora.tasks import TaskCorpus
from pseudofam_core.corpora.ted import TedTalksCorpus
from pseudofam_core.errors import CorpusError, shortened
from pseudofam_core.places import local, within

__all__ = [
    "READERS",
    "SPLITS",
    "Bitext",
    "Choices",
    "Cleaning",
    "CleaningReport",
    "HubCorpus",
    "LimitedCorpus",
    "LineFilesCorpus",
    "MosesCorpus",
    "ParallelCorpus",
    "Reason",
    "SavedDatasetCorpus",
    "TableCorpus",
    "TaskCorpus",
    "TedTalksCorpus",
    "clean",
    "open_corpus",
    "parse_source",
    "sample_indices",
    "shared_targets",
    "token_batches",
]

# The first that recognises a source reads it: a layout with stricter marks stands before a looser one.
READERS: tuple[type[Reader], ...] = (
    SavedDatasetCorpus,
    MosesCorpus,
    TedTalksCorpus,
    LineFilesCorpus,
    TaskCorpus,
    TableCorpus,
)


def open_corpus(source: str | Path) -> ParallelCorpus:
    """Open a corpus: ``hf:NAME`` from the hub, else a folder or file, recognised by what is in it.

    What it leaves open can be said after its name, as in ``my/corpus#test=devtest,zh=zh-cn`` (`parse_source`).

    Raises:
        CorpusError: Nothing is there, or no reader knows the layout; the message lists what was looked for. Or a model is
            named that lists no text as kept back.
    """
    place, choices = parse_source(str(source))
    corpus = _opened(place, choices)
    return corpus if choices.kept_back is None else LimitedCorpus(corpus, _kept_back(choices.kept_back))


def _kept_back(model: str) -> KeptBack:
    folder = local(model)
    if folder is None:
        raise CorpusError("There is no such folder of a model, or none that may be read here.", path=shortened(model))
    return read_kept_back(folder)


def _opened(place: str, choices: Choices) -> ParallelCorpus:
    if place.startswith(HubCorpus.prefix):
        return HubCorpus(place.removeprefix(HubCorpus.prefix), choices=choices)
    if not place:  # which as a path would be the present folder
        raise CorpusError("corpus must be `sample`, a folder or file, or hf:NAME. Got nothing.")
    path = local(place)
    if path is None:
        raise CorpusError(
            f"There is no such file or folder{within()}. A dataset of the hub is written hf:NAME.",
            path=shortened(place),
        )
    try:
        reader = next((reader for reader in READERS if reader.recognises(path)), None)
    except OSError as error:
        raise CorpusError(f"The folder can't be looked through: {error.strerror}.", path=path) from error
    if reader is None:
        layouts = "".join(f"\n  - {layout}" for layout in (*(reader.layout for reader in READERS), HubCorpus.layout))
        skipped = told(MosesCorpus(path).skipped)
        raise CorpusError(
            f"No corpus is recognised here. Looked for:{layouts}" + (f"\nSkipped: {skipped}." if skipped else ""),
            path=path,
        )
    return reader(path, choices=choices)
