"""Whether the text of a corpus is still what it was, told by its files without reading them."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from pseudofam_core.corpora.choices import parse_source
from pseudofam_core.corpora.hugging_face import HubCorpus
from pseudofam_core.corpora.kept_back import KEPT_BACK_FILE
from pseudofam_core.errors import CorpusError
from pseudofam_core.places import local

Stamp = tuple[tuple[str, int, int], ...]
_MOST_PATHS = 50_000  # an address may name a whole disk, and each visit to a page looks through it


def stamp_of(source: str | Path) -> Stamp | None:
    """Place, size in bytes and time of change of every file of a corpus: equal stamps, equal text. None on the hub.

    Raises:
        CorpusError: Something that can't be chosen of a corpus, or a folder with far more in it than a corpus has.
    """
    place, choices = parse_source(str(source))
    if place.startswith(HubCorpus.prefix):
        return None
    folder = local(place)
    files = [] if folder is None else _files(folder)
    if choices.kept_back is not None:
        files.append(Path(choices.kept_back) / KEPT_BACK_FILE)
    return tuple(entry for path in sorted(files) if (entry := _entry(path)) is not None)


def _files(place: Path) -> list[Path]:
    """The file, or all that is below the folder."""
    if not place.is_dir():
        return [place]
    try:
        paths = list(islice(place.rglob("*"), _MOST_PATHS + 1))
    except OSError as error:  # a folder vanished meanwhile
        raise CorpusError(f"The folder can't be looked through: {error.strerror}.", path=place) from error
    if len(paths) > _MOST_PATHS:
        raise CorpusError(
            f"The folder of a corpus may hold {_MOST_PATHS:,} files and folders at most. This holds more. "
            "Name the folder that the corpus itself is in.",
            path=place,
        )
    return paths


def _entry(path: Path) -> tuple[str, int, int] | None:
    """What a stamp says of a path; None of what is no file, or is no longer there."""
    try:
        return (str(path), path.stat().st_size, path.stat().st_mtime_ns) if path.is_file() else None
    except OSError:
        return None
