# SPDX-License-Identifier: Apache-2.0
"""Draws the table of scripts/bench: a bar for each case's ratio.

usage: chart.py TABLE >CHART.svg

The axis is logarithmic, so that twice as good and half as good look alike.
"""

import html
import math
import sys

LEFT, WIDTH, RIGHT, ROW, TOP = 190, 480, 250, 22, 46
# Cases in which less is better.
LESS = ("rtt-", "cpu-", "peers65k-add", "peers65k-last", "peers65k-mem")
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10)


def read(path):
    """(case, unit, mmesh, peer, peer_value, ratio) of each row that has a ratio."""
    with open(path, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file][1:]
    return [row for row in rows if len(row) == 6 and 0 < float(row[5]) < math.inf]


def place(ratio):
    """x of a ratio."""
    share = math.log(min(max(ratio, STEPS[0]), STEPS[-1]) / STEPS[0]) / math.log(
        STEPS[-1] / STEPS[0])
    return LEFT + WIDTH * share


def text(x, y, words, anchor="start", style=""):
    """One line of text."""
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" {style}>{html.escape(words)}</text>'


def draw(rows):
    """The drawing's lines."""
    height = TOP + ROW * len(rows) + 14
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" '
           f'height="{height}" font-family="sans-serif" font-size="12">')
    yield '<rect width="100%" height="100%" fill="white"/>'
    yield text(LEFT, 16, "mmesh : peer, side by side in one run (blue: more is better, "
                         "green: less is better)", style='font-weight="bold"')
    for step in STEPS:
        x = place(step)
        yield (f'<line x1="{x:.0f}" y1="{TOP - 8}" x2="{x:.0f}" y2="{height - 10}" '
               f'stroke="{"#333" if step == 1 else "#ddd"}"/>')
        yield text(x, TOP - 12, f"{step:g}", "middle", 'fill="#666"')
    for i, (case, unit, mmesh, peer, value, ratio) in enumerate(rows):
        y, ends = TOP + ROW * i, sorted((place(1), place(float(ratio))))
        colour = "#2a8a4a" if case.startswith(LESS) else "#2a5aa8"
        yield text(LEFT - 8, y + 14, case, "end")
        yield (f'<rect x="{ends[0]:.0f}" y="{y + 3}" width="{max(ends[1] - ends[0], 1):.0f}" '
               f'height="{ROW - 7}" fill="{colour}"/>')
        yield text(LEFT + WIDTH + 8, y + 14, f"{float(ratio):.2f}   {mmesh} : {value} {unit} ({peer})")
    yield "</svg>"


print("\n".join(draw(read(sys.argv[1]))))
