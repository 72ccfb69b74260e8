"""The charts for the README: how many of the shortest commands each program runs in a second, here and over SSH."""

from xml.sax.saxutils import escape

from .measure import figures, short

WIDTH, LABEL, BAR, STEP, TOP = 760, 236, 22, 36, 64
STYLE = """
    text { font: 13px system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; fill: #57606a; }
    .title { font-size: 16px; font-weight: 600; fill: #1f2328; }
    .ours { fill: #1f2328; font-weight: 600; }
    .bar { fill: #afb8c1; } .bar.sweepq { fill: #0969da; } .span { stroke: #57606a; stroke-width: 1.5; }
    @media (prefers-color-scheme: dark) {
      text { fill: #9198a1; } .title, .ours { fill: #f0f6fc; }
      .bar { fill: #3d444d; } .bar.sweepq { fill: #4493f8; } .span { stroke: #9198a1; }
    }"""


def draw(rows):
    """An SVG text of the rows that run commands, or None if there are none."""
    panels = []
    if compared := [row for row in rows if row.unit == "jobs/s" and row.name.startswith("run ") and row.theirs]:
        # All rows were measured in the same rounds, so each has the same figures of ours.
        bars = [("sweepq, every change durable", figures(compared[0].ours), True)]
        bars += sorted(((row.reference, figures(row.theirs), False) for row in compared), key=lambda bar: -bar[1]["median"])
        panels.append(("/bin/true, two at a time: jobs per second", bars))
    if compared := [row for row in rows if row.unit == "jobs/s" and (row.reference or "").startswith("dpdispatcher")]:
        bars = []
        for row in compared:
            way = f", {row.name.strip()}" if row.name.startswith(" ") else ""
            bars += [bar for bar in (("sweepq" + way, figures(row.ours), True), (row.reference + way, figures(row.theirs), False))
                     if bar[1]]
        panels.append(("/bin/true on a host over SSH: jobs per second", bars))
    if not panels:
        return None
    height, parts = 0, []
    for title, bars in panels:
        parts += panel(title, bars, height)
        height += TOP + STEP * len(bars) + 16
    parts.insert(0, f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
                    'role="img" aria-label="Jobs per second of sweepq and other programs">\n'
                    f"  <style>{STYLE}\n  </style>")
    return "\n".join(parts + ["</svg>", ""])


def panel(title, bars, above):
    """The lines of one chart, below what has such a height."""
    scale = (WIDTH - LABEL - 90) / max(bar[1]["max"] for bar in bars)
    parts = [
        f'  <text class="title" x="0" y="{above + 20}">{escape(title)}</text>',
        f'  <text x="0" y="{above + 42}">Same machine, same run. Bars are medians, lines span the slowest and fastest round.</text>',
    ]
    for place, (label, value, is_ours) in enumerate(bars):
        y = above + TOP + STEP * place
        middle, end = y + BAR / 2, LABEL + value["median"] * scale
        low, high = LABEL + value["min"] * scale, LABEL + value["max"] * scale
        parts += [
            f'  <text{" class=" + chr(34) + "ours" + chr(34) if is_ours else ""} x="{LABEL - 10}" y="{middle + 4.5}" '
            f'text-anchor="end">{escape(label)}</text>',
            f'  <rect class="bar{" sweepq" if is_ours else ""}" x="{LABEL}" y="{y}" '
            f'width="{max(end - LABEL, 1):.1f}" height="{BAR}" rx="3"/>',
            f'  <line class="span" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>',
            f'  <text{" class=" + chr(34) + "ours" + chr(34) if is_ours else ""} x="{max(end, high) + 8:.1f}" '
            f'y="{middle + 4.5}">{short(value["median"])}</text>',
        ]
    return parts
