"""The commands of ``python -m pseudofam_core``, a file per stage: each adds its own to the parser."""
