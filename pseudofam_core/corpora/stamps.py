"""Whether the text of a corpus is still what it was, told by its files without reading them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pseudofam_core.corpora.choices import parse_source
from pseudofam_core.corpora.hugging_face import HubCorpus
from pseudofam_core.corpora.kept_back import KEPT_BACK_FILE
from pseudofam_core.places import local

Stamp = tuple[tuple[str, int, int], ...]


def stamp_of(source: str | Path) -> Stamp | None:
    """Place, size in bytes and time of change of every file of a corpus: equal stamps, equal text. None on the hub.

    Raises:
        CorpusError: Something that can't be chosen of a corpus.
    """
    place, choices = parse_source(str(source))
    if place.startswith(HubCorpus.prefix):
        return None
    folder = local(place)
    files = [] if folder is None else list(_files(folder))
    if choices.kept_back is not None:
        files.append(Path(choices.kept_back) / KEPT_BACK_FILE)
    stats = ((str(path), path.stat()) for path in sorted(files) if path.is_file())
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def _files(place: Path) -> Iterator[Path]:
    return place.rglob("*") if place.is_dir() else iter([place])
