"""The plot of bench/ranks: speed against ranks, strong and weak, both on logarithmic scales."""
import math

COLOURS = "#0072b2", "#d55e00", "#009e73"
SIDE, LEFT, TOP, GAP = 330, 52, 34, 60
TICKS = 1, 2, 8, 64, 512


def place(value):
    """Of a number of ranks, or a speed, along an axis of 1 to 512."""
    return SIDE * math.log2(max(value, 1)) / 9


def panel(title, x0, curves):
    yield f'<text x="{x0}" y="{TOP - 14}" font-weight="bold">{title}</text>'
    for tick in TICKS:
        at = place(tick)
        yield (f'<path d="M{x0} {TOP + SIDE - at:.1f}h{SIDE}M{x0 + at:.1f} {TOP}v{SIDE}" '
               'stroke="#e4e4e4"/>')
        yield (f'<text x="{x0 - 7}" y="{TOP + SIDE - at + 4:.1f}" text-anchor="end">{tick}</text>'
               f'<text x="{x0 + at:.1f}" y="{TOP + SIDE + 18}" text-anchor="middle">{tick}</text>')
    yield (f'<text x="{x0 + SIDE / 2}" y="{TOP + SIDE + 36}" text-anchor="middle">ranks</text>'
           f'<path d="M{x0} {TOP + SIDE}L{x0 + SIDE} {TOP}" stroke="#999" stroke-dasharray="2 4"/>')
    for colour, (_, _, modelled, measured) in zip(COLOURS, curves):
        points = " ".join(f"{x0 + place(r):.1f},{TOP + SIDE - place(s):.1f}" for r, s in modelled)
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for r, s in measured:
            yield (f'<circle cx="{x0 + place(r):.1f}" cy="{TOP + SIDE - place(s):.1f}" r="4.5" '
                   f'fill="{colour}" stroke="#fff"/>')


def draw(curves):
    """curves: name, weak, points [(ranks, speed)] of the model, and measured ones."""
    width, height = LEFT + 2 * SIDE + GAP + 20, TOP + SIDE + 112
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
             f'width="{width}" height="{height}" font-family="sans-serif" font-size="13">',
             f'<rect width="{width}" height="{height}" fill="#fff"/>',
             f'<text transform="translate(14 {TOP + SIDE / 2}) rotate(-90)" text-anchor="middle">'
             'times as fast as 1 rank</text>']
    titles = "Strong scaling: the same work", "Weak scaling: as much for each rank"
    for i, title in enumerate(titles):
        lines += panel(title, LEFT + i * (SIDE + GAP), [c for c in curves if c[1] == bool(i)])
    y = TOP + SIDE + 62
    for i, (name, *_) in enumerate(c for c in curves if not c[1]):
        lines.append(f'<path d="M{LEFT} {y + 18 * i - 4}h24" stroke="{COLOURS[i]}" '
                     f'stroke-width="2"/><text x="{LEFT + 32}" y="{y + 18 * i}">{name}</text>')
    x = LEFT + SIDE + GAP
    lines.append(f'<path d="M{x} {y - 4}h24" stroke="#999" stroke-dasharray="2 4"/>'
                 f'<text x="{x + 32}" y="{y}">as many times as fast as there are ranks</text>'
                 f'<circle cx="{x + 12}" cy="{y + 14}" r="4.5" fill="#555"/>'
                 f'<text x="{x + 32}" y="{y + 18}">measured on one machine, runs of seconds</text>'
                 f'<path d="M{x} {y + 32}h24" stroke="#555" stroke-width="2"/>'
                 f'<text x="{x + 32}" y="{y + 36}">modelled, each rank on its own machine</text>')
    return "\n".join(lines + ["</svg>"]) + "\n"
