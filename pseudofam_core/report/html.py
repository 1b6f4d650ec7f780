"""A report as HTML: parts for a page of the explorer, and one file that needs nothing else, on screens and on paper.

All text is escaped here, and here only. The file holds no script and asks for nothing: its policy forbids both.
"""

from __future__ import annotations

from html import escape

from pseudofam_core.charts.static import static_svg
from pseudofam_core.report.part import Part, Table
from pseudofam_core.report.summary import Report

STYLE = """
.report table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums;margin:.5rem 0}
.report th,.report td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem .2rem;
border-bottom:1px solid rgba(125,139,149,.35)}
.report td:last-child{overflow-wrap:anywhere}
.report th{font-weight:600}
.report h2{font-size:1.15rem;font-weight:600;margin:1.6rem 0 .3rem;padding:0}
.report .number{text-align:right;white-space:nowrap}
.report tr.marked td{background:rgba(26,143,168,.13)}
.report .scroll{overflow-x:auto}
.report .wide table{width:100%;min-width:46rem}
.report p{margin:.4rem 0;max-width:46rem}
.report .note{font-size:.875rem;opacity:.85}
.report pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.8125rem;padding:.5rem .7rem;margin:.4rem 0;
border:1px solid rgba(125,139,149,.35);border-radius:.3rem}
.report blockquote{margin:.8rem 0;padding:.2rem 0 .2rem .9rem;border-left:.25rem solid #1a8fa8;max-width:46rem}
"""
_FILE_STYLE = """
:root{color-scheme:light dark}
body{margin:0 auto;padding:1.5rem;max-width:56rem;color:#16232b;background:#ffffff;
font:1rem/1.5 "Source Sans 3","Segoe UI",system-ui,"Noto Sans",sans-serif}
h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0}
svg{max-width:100%;min-width:40rem;height:auto;display:block}
@media screen and (prefers-color-scheme:dark){body{color:#e6ecef;background:#10191f}}
@page{margin:16mm}
@media print{:root{color-scheme:light}
body{max-width:none;padding:0;font-size:10.5pt;color:#000000;background:#ffffff}
h2{break-after:avoid}tr,svg,pre,blockquote{break-inside:avoid}thead{display:table-header-group}
.report .scroll{overflow:visible}.report .wide table{min-width:0}svg{min-width:0}
.report tr.marked td{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_WIDE = 6  # columns from which on a table gets a scroll bar in a narrow window rather than narrow columns


def quote_html(report: Report) -> str:
    """The sentence to quote."""
    return f"<blockquote>{escape(report.quote)}</blockquote>"


def part_html(part: Part, *, with_figure: bool) -> str:
    """A part under its heading.

    Args:
        part: What to show.
        with_figure: Whether its figure is drawn too, as SVG.
    """
    pieces = [f"<h2>{escape(part.title)}</h2>", *(f"<p>{escape(sentence)}</p>" for sentence in part.sentences)]
    if part.figure is not None and with_figure:
        pieces.append(f'<div class="scroll">{static_svg(part.figure, alt=part.alt)}</div>')
    if part.table is not None:
        pieces.append(table_html(part.table))
    pieces += [f"<pre>{escape(command)}</pre>" for command in part.commands]
    pieces += [f'<p class="note">{escape(note)}</p>' for note in part.notes]
    return f'<section id="{escape(part.name)}">{"".join(pieces)}</section>'


def table_html(table: Table) -> str:
    """A table, its pointed-out rows tinted."""
    kinds = [' class="number"' if name in table.numbers else "" for name in table.columns]
    head = "".join(f"<th{kind}>{escape(name)}</th>" for name, kind in zip(table.columns, kinds, strict=True))
    rows = []
    for place, row in enumerate(table.rows):
        cells = "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(row, kinds, strict=True))
        rows.append(f'<tr class="marked">{cells}</tr>' if place in table.marked else f"<tr>{cells}</tr>")
    wide = " wide" if len(table.columns) >= _WIDE else ""
    return (
        f'<div class="scroll{wide}"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def report_html(report: Report) -> str:
    """One file: no script, nothing to be fetched, light on paper."""
    parts = "".join(part_html(part, with_figure=True) for part in report.parts)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(report.title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<style>{STYLE}{_FILE_STYLE}</style></head>"
        f'<body><main class="report"><p class="note">Pseudo language family · {report.made:%Y-%m-%d %H:%M} UTC</p>'
        f"<h1>{escape(report.title)}</h1>{quote_html(report)}{parts}</main></body></html>\n"
    )
