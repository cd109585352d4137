#!/usr/bin/env python3
"""Drives pages of hap-show --html in a headless Chromium.

    check.py NAME PAGE [ARGUMENT ...]    runs the check of that name on a page

Fails with the reason. The truth is the stream, as JSON lines of hap-convert, or is computed here
in another way than by the page.
"""
import itertools
import json
import math
import pathlib
import re
import sys
import xml.etree.ElementTree as ET

from browser import Browser

WINDOWS = ((1280, 900), (1366, 768))


def lines(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]


def records(path):
    return [r for r in lines(path) if "edge" in r]


def equal(is_, should, what):
    if is_ != should:
        if isinstance(is_, set):
            is_, should = sorted(is_ - should)[:5], sorted(should - is_)[:5]
            sys.exit(f"{what}: only on the page {is_}, only expected {should}")
        sys.exit(f"{what}: {is_!r}, not {should!r}")


def need(condition, what):
    if not condition:
        sys.exit(what)


def drawn(browser, layer="edges"):
    return set(browser.run(f"[...document.querySelectorAll('#{layer} path')]"
                           ".map(p => p.dataset.e)"))


def listed(browser):
    """The first cells of all rows of the table, in order; it is scrolled to see them."""
    browser.run("document.getElementById('panel').scrollTop = 0")
    names, top = [], 0
    while True:
        browser.settle()
        for row in browser.run("[...document.querySelectorAll('#panel tr.row')]"
                               ".map(r => [+r.dataset.row, r.cells[0].textContent])"):
            if row[0] == len(names):
                names.append(row[1])
        height, most = browser.run("(p => [p.clientHeight, p.scrollHeight])"
                                   "(document.getElementById('panel'))")
        top += height // 2
        if top > most:
            return names
        browser.run(f"document.getElementById('panel').scrollTop = {top}")


def node(browser, key):
    return browser.place(f'#nodes g[data-n="{key}"]')


def point_at(browser, x, y):
    """Points at a place and waits until what follows is laid out."""
    browser.run(f"(stage.dispatchEvent(new PointerEvent('pointermove', {{clientX: {x},"
                f" clientY: {y}, bubbles: true}})),"
                " document.getElementById('hot').getBoundingClientRect(), 0)")


def set_value(browser, selector, value):
    browser.run(f"(e => {{ e.value = {json.dumps(value)}; e.dispatchEvent(new Event('input'));"
                f" e.dispatchEvent(new Event('change')); }})"
                f"(document.querySelector({json.dumps(selector)}))")
    browser.settle()


# --- the graph, written anew: all paths, one by one ---

def ends(edge):
    writer, reader = edge.split("->")
    return writer, re.sub("<.>$", "", reader)


def paths(edges):
    """All paths from the input to the logits."""
    out = {}
    for edge in edges:
        out.setdefault(ends(edge)[0], []).append(edge)

    def go(at):
        if at == "logits":
            yield ()
        for edge in out.get(at, ()):
            for rest in go(ends(edge)[1]):
                yield (edge, *rest)

    return list(go("input"))


def nodes_of(path):
    return {n for edge in path for n in ends(edge)}


# --- the checks ---

def edges(browser, page, stream, live):
    """The picture has the live edges, the table all; nothing is requested."""
    browser.open(page)
    equal(drawn(browser), set(pathlib.Path(live).read_text().split()), "the picture")
    equal(sorted(listed(browser)), sorted(r["edge"] for r in records(stream)), "the table")
    equal(browser.errors(), [], "errors")


def slider(browser, page, stream):
    """The slider shows the edges that rank highest; the table is in their order."""
    order = [r["edge"] for r in sorted(records(stream), key=lambda r: -r["score"])]
    browser.open(page)
    equal(listed(browser), order, "the table")
    for n in (1, 7, len(order) - 1):
        set_value(browser, "#n", n)
        equal(listed(browser), order[:n], f"the {n} strongest")
        need(drawn(browser) <= set(order[:n]), "an edge is drawn that is not shown")
    browser.run("document.getElementById('n').focus()")
    before = len(listed(browser))
    browser.key("ArrowLeft")
    equal(len(listed(browser)), before - 1, "an arrow key on the slider")
    browser.run("document.activeElement.blur()")
    browser.key("[")
    need(len(listed(browser)) < before - 1, "the key [ shows fewer edges")


def search(browser, page, stream):
    """Words of the search must all occur, in picture and table."""
    names = [r["edge"] for r in records(stream)]
    browser.open(page)
    whole = drawn(browser)
    browser.key("/")
    browser.type("a1.h logits")
    found = {n for n in names if "a1.h" in n and "logits" in n}
    need(found, "the search should find something")
    equal(set(listed(browser)), found, "the table")
    equal(drawn(browser), found & whole, "the picture")
    browser.key("Escape")
    set_value(browser, "#q", "-m0 input")
    equal(set(listed(browser)), {n for n in names if "m0" not in n and "input" in n}, "with -m0")


def signs(browser, page, stream):
    """The words negative and positive choose edges by the sign of their scores."""
    score = {r["edge"]: r["score"] for r in records(stream)}
    need(min(score.values()) < 0 < max(score.values()), "both signs are needed")
    browser.open(page)
    for word, keep in (("negative", lambda x: x < 0), ("positive", lambda x: x > 0)):
        set_value(browser, "#q", word + " ->logits")
        equal(set(listed(browser)), {e for e in score if e.endswith("->logits") and keep(score[e])},
              word)
    equal(browser.run("document.getElementById('legend').textContent").count("negative"), 1,
          "the legend has signs")


def shares(browser, page, sized, other):
    """Circuits with different rankings are compared by the share of the largest value of each."""
    parts = []
    for stream, size in ((sized, abs), (other, lambda x: max(x, 0))):
        values = {r["edge"]: size(r["score"]) for r in records(stream)}
        parts.append({e: v / max(values.values()) for e, v in values.items()})
    share = {e: max(p.get(e, 0) for p in parts) for e in set().union(*parts)}
    browser.open(page)
    found = browser.run("current.view.everything.map(e => [e.name, current.view.weight(e)])")
    equal({e for e, _ in found}, set(share), "the edges")
    need(all(abs(w - share[e]) < 1e-6 for e, w in found), "the weights")
    equal([w for _, w in found], sorted((w for _, w in found), reverse=True), "the order")


def pins(browser, page, live):
    """Pins of nodes and edges, and the paths through any or all of them, found one by one."""
    every = paths(pathlib.Path(live).read_text().split())
    # two heads that lie on one path
    pair = next(sorted(h) for path in every if len(h := {n for n in nodes_of(path)
                                                         if n[0] == "a"}) > 1)[:2]
    browser.open(page)
    browser.press(*node(browser, pair[0]))
    equal(browser.run("state.pins"), [pair[0]], "a click pins")
    equal(drawn(browser, "hot"), {e for p in every for e in p if pair[0] in ends(e)},
          "the edges in front")
    browser.press(*node(browser, pair[1]))
    equal(browser.run("state.pins"), pair, "two pins")
    for show, keep in (("direct", lambda p: {e for e in p if set(ends(e)) & set(pair)}),
                       ("any", lambda p: set(p) if nodes_of(p) & set(pair) else set()),
                       ("through", lambda p: set(p) if nodes_of(p) >= set(pair) else set())):
        set_value(browser, "#show", show)
        equal(drawn(browser), set().union(*map(keep, every)), show)
        need(set(listed(browser)) >= drawn(browser), "the table")
    set_value(browser, "#show", "between")
    inner = [e for p in every if nodes_of(p) >= set(pair)
             for e in itertools.dropwhile(lambda e: ends(e)[0] not in pair, p)]
    tails = [e for p in every if nodes_of(p) >= set(pair)
             for e in itertools.dropwhile(lambda e: ends(e)[1] not in pair, reversed(p))]
    equal(drawn(browser), set(inner) & set(tails), "paths between pins")
    browser.press(*node(browser, pair[1]))
    equal(browser.run("state.pins"), pair[:1], "another click unpins")
    browser.run("set({pins: [], show: 'through'})")
    edge = next(p for p in every if len(p) > 3)[1]
    x, y = browser.run(f"(e => {{ const b = viewBox(), r = stage.getBoundingClientRect(),"
                       f" [end] = endsOf(current.layout, [e]), [x, y] = bezier(end.curve, .5);"
                       f" return [r.left + (x - b.x) / b.w * r.width,"
                       f" r.top + (y - b.y) / b.h * r.height]; }})(byName.get('{edge}'))")
    browser.press(x, y)
    chosen = browser.run("state.pins")
    equal(len(chosen), 1, "a click on a curve pins an edge")
    equal(drawn(browser), set().union(*(set(p) for p in every if chosen[0] in p)),
          "paths through an edge")


def keyboard(browser, page):
    """Everything without the pointer."""
    browser.open(page)
    browser.run("stage.focus()")
    browser.key("ArrowDown")
    first = browser.run("cursor")
    need(first, "an arrow key chooses a node")
    browser.key("ArrowUp")
    need(browser.run("cursor") != first, "another arrow key chooses another node")
    need(not browser.run("document.getElementById('card').hidden"), "its card is shown")
    browser.key("Enter")
    equal(len(browser.run("state.pins")), 1, "Enter pins")
    browser.key("p")
    equal(browser.run("state.show"), "direct", "p")
    browser.key("x")
    equal(browser.run("state.pins"), [], "x unpins")
    browser.key("2")
    equal(browser.run("document.querySelector('[aria-selected=true]').textContent"), "Nodes", "2")
    browser.key("1")
    browser.run("document.getElementById('panel').focus()")
    browser.key("ArrowDown")
    third = listed(browser)[2]
    browser.key("ArrowDown")
    browser.key("Enter")
    equal(browser.run("state.pins"), [third], "Enter pins a row")
    browser.run("stage.focus()")
    before = browser.run("viewBox().w")
    browser.key("+")
    need(browser.run("viewBox().w") < before, "+ zooms in")
    browser.key("0")
    equal(browser.run("viewBox().w"), before, "0 fits the window")
    dark = browser.run("isDark()")
    browser.key("t")
    equal(browser.run("isDark()"), not dark, "t")
    # every control can be reached with the tabulator and is named
    equal(browser.run("[...document.querySelectorAll('button,input,select')].filter(e =>"
                      " e.tabIndex < 0 || !(e.textContent.trim() || e.ariaLabel ||"
                      " e.labels?.length)).map(e => e.id)"), [], "controls without a name")
    equal(browser.errors(), [], "errors")


def zoom(browser, page):
    """The wheel zooms at the pointer, dragging moves, a click after dragging pins nothing."""
    browser.open(page)
    x, y = browser.place("#nodes g[data-n]")
    browser.mouse("mouseWheel", x, y, deltaX=0, deltaY=-600)
    browser.settle()
    nx, ny = browser.place("#nodes g[data-n]")
    need(abs(nx - x) < 2 and abs(ny - y) < 2, "the place under the pointer stays")
    need(browser.run("state.zoom[2]") > 1.5, "the wheel zooms")
    browser.mouse("mousePressed", 500, 500, button="left", buttons=1, clickCount=1)
    browser.mouse("mouseMoved", 540, 470, button="left", buttons=1)
    browser.mouse("mouseReleased", 540, 470, button="left", buttons=1, clickCount=1)
    browser.settle()
    mx, my = browser.place("#nodes g[data-n]")
    need(abs(mx - nx - 40) < 1 and abs(my - ny + 30) < 1, "dragging moves the picture")
    equal(browser.run("state.pins"), [], "pins after dragging")
    browser.click("#fit")
    equal(browser.run("state.zoom"), None, "fit")


def fits(browser, *pages):
    """Nothing scrolls, and all nodes are in sight, whatever the size."""
    for page, (width, height) in itertools.product(pages, WINDOWS):
        browser.size(width, height)
        browser.open(page)
        equal(browser.run("[document.documentElement.scrollWidth <= innerWidth,"
                          " document.documentElement.scrollHeight <= innerHeight]"),
              [True, True], f"{page} at {width}")
        equal(browser.run("(s => [...document.querySelectorAll('#nodes g')].filter(g => {"
                          " const r = g.getBoundingClientRect(); return r.left < s.left ||"
                          " r.right > s.right || r.top < s.top || r.bottom > s.bottom; })"
                          ".map(g => g.dataset.n))(stage.getBoundingClientRect())"), [],
              f"nodes of {page} that are not in sight at {width}")
        # no node covers another
        equal(browser.run("(n => n.flatMap((a, i) => n.slice(0, i).filter(b =>"
                          " Math.abs(a.x - b.x) < (a.w + b.w) / 2 && Math.abs(a.y - b.y) <"
                          " (a.h + b.h) / 2).map(b => a.key + ' ' + b.key)))"
                          "([...current.layout.nodes.values()])"), [], f"overlaps in {page}")


# What changes in the page from here on: targets, and how many elements were added.
WATCH = """(window.changes = [], window.watched = new MutationObserver(list => changes.push(...list)),
    watched.observe(document, {subtree: true, childList: true, attributes: true}), 0)"""
CHANGES = """(watched.disconnect(), changes.map(m => [m.target.closest('[id]')?.id ?? m.target.tagName,
    m.addedNodes.length]))"""


def hover(browser, page, stream):
    """Pointing at a node shows its edges, all of them, and draws nothing else again."""
    kept = [r["edge"] for r in records(stream)]
    browser.open(page)
    everything = browser.run("document.querySelectorAll('*').length")
    for key in ("m3", "a9.h2", "a15.h4", "a20.h0", "a5.h5"):
        own = {e for e in kept if key in ends(e)}
        x, y = node(browser, key)
        browser.run("pointAt(null)")
        browser.run(WATCH)
        point_at(browser, x, y)
        changes = browser.run(CHANGES)
        equal(drawn(browser, "hot"), own, f"the edges of {key}")
        need(key in browser.run("document.getElementById('card').textContent"), "the card")
        equal({target for target, added in changes if added}, {"hot", "card"}, "what is drawn again")
        equal({target for target, _ in changes} - {"hot", "card", "stage"}, set(), "what changes")
        drawn_again = sum(added for target, added in changes if target == "hot")
        need(len(own) <= drawn_again <= 2 * len(own) < everything / 4,
             f"{drawn_again} elements are drawn for {len(own)} edges of {everything} elements")


def folded(browser, page, stream):
    """Too many edges: the strongest are drawn, the others are in the shade of their nodes."""
    order = [r["edge"] for r in sorted(records(stream), key=lambda r: -r["score"])]
    browser.open(page)
    equal(drawn(browser), set(order[:150]), "the drawn edges")
    equal(len(listed(browser)), len(order), "the table")
    need(f"{len(order) - 150:,} folded" in browser.run("document.getElementById('counts')"
                                                       ".textContent"), "the count of the folded")
    sums = {}
    for r in records(stream):
        for n in ends(r["edge"]):
            sums[n] = sums.get(n, 0) + max(r["score"], 0)
    shades = browser.run("Object.fromEntries([...document.querySelectorAll('#nodes g')].map(g =>"
                         " [g.dataset.n, luminance(g.querySelector('rect').getAttribute('fill'))]))")
    names = sorted((n for n in sums if n[0] in "am"), key=sums.get)
    for weak, strong in zip(names, names[1:]):
        need(shades[weak] >= shades[strong] - .02, f"{weak} is darker than {strong}")
    set_value(browser, "#fold", "single")
    equal(len(drawn(browser)), len(order), "every edge singly")


def unranked(browser, page):
    """Without a ranking there are no strongest edges: none are singled out."""
    browser.open(page)
    need(browser.run("document.getElementById('n').disabled"), "the slider is off")
    browser.run("set({n: 3})")
    equal(browser.run("current.view.shown.length"), browser.run("current.view.everything.length"),
          "edges shown")
    set_value(browser, "#fold", "fold")
    equal(drawn(browser), set(), "edges drawn")


def hollow(browser, page):
    """Nodes without a drawn edge are outlines."""
    browser.open(page, "n=1")
    edge, = drawn(browser)
    solid = set(browser.run("[...document.querySelectorAll('#nodes g')].filter(g =>"
                            " g.querySelector('rect').getAttribute('fill') === theme().node)"
                            ".map(g => g.dataset.n)"))
    equal(solid, set(ends(edge)), "solid nodes")


def legible(browser, *pages):
    """Texts have a contrast of at least 4.5, edges of at least 3, in light and dark."""
    script = """(() => {
      const hex = c => { const n = c.match(/[\\d.]+/g).map(Number);
        return n[3] === 0 ? null : '#' + n.slice(0, 3).map(x => x.toString(16).padStart(2, '0'))
          .join(''); };
      const behind = e => { for (; e; e = e.parentElement) {
          const c = hex(getComputedStyle(e).backgroundColor); if (c) return c; }
        return theme().back; };
      const bad = [];
      for (const e of document.querySelectorAll('body *')) {
        const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
        if (!own || !e.getClientRects().length || e.closest('svg, script, style, option')) continue;
        const c = contrast(hex(getComputedStyle(e).color), behind(e));
        if (c < 4.5) bad.push([e.textContent.slice(0, 20), c]);
      }
      for (const e of document.querySelectorAll('#nodes text, #bands text')) {
        const box = e.previousElementSibling;
        const back = box && e.parentElement.matches('.node') ? box.getAttribute('fill') : theme().band;
        const c = contrast(e.getAttribute('fill'), back);
        if (c < 4.5) bad.push([e.textContent, c]);
      }
      for (const e of document.querySelectorAll('#edges path'))
        if (contrast(e.getAttribute('stroke'), theme().back) < 3)
          bad.push([e.dataset.e, contrast(e.getAttribute('stroke'), theme().back)]);
      return bad; })()"""
    for page, dark in itertools.product(pages, (False, True)):
        browser.size(1280, 900, dark)
        for tab in ("edges", "nodes", "pins", "report", "prompts", "help"):
            browser.open(page, f"tab={tab}&pins=m0")
            equal(browser.run("isDark()"), dark, "the theme follows the system")
            equal(browser.run(script), [], f"texts of {page}, {tab}, dark {dark}")


# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB
VISION = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((.152286, 1.052583, -.204868), (.114503, .786281, .099216),
               (-.003882, -.048116, 1.051998)),
    "deutan": ((.367322, .860646, -.227968), (.280085, .672501, .047413),
               (-.011820, .042940, .968881)),
    "tritan": ((1.255528, -.076749, -.178779), (-.078411, .930809, .147602),
               (.004733, .691367, .303900)),
}


def oklab(colour, vision):
    """Ottosson 2020, of a colour as it is seen."""
    linear = [(c / 12.92 if c <= .04045 else ((c + .055) / 1.055) ** 2.4)
              for c in (int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5))]
    r, g, b = (min(1, max(0, sum(m * x for m, x in zip(row, linear)))) for row in VISION[vision])
    l = (.4122214708 * r + .5363325363 * g + .0514459929 * b) ** (1 / 3)
    m = (.2119034982 * r + .6806995451 * g + .1073969566 * b) ** (1 / 3)
    s = (.0883024619 * r + .2817188376 * g + .6299787005 * b) ** (1 / 3)
    return (.2104542553 * l + .7936177850 * m - .0040720468 * s,
            1.9779984951 * l - 2.4285922050 * m + .4505937099 * s,
            .0259040371 * l + .7827717662 * m - .8086757660 * s)


def colours(browser, page):
    """Kinds, signs and differences differ for every kind of colour vision."""
    browser.open(page)
    for name, theme in browser.run("themes").items():
        for what in ("kind", "sign", "side"):
            for (a, x), (b, y) in itertools.combinations(theme[what].items(), 2):
                for vision in VISION:
                    apart = math.dist(oklab(x, vision), oklab(y, vision))
                    need(apart > (.13 if what == "kind" else .05),
                         f"{name} {a} and {b} differ by {apart:.3f} in {vision} vision")


def fragment(browser, page):
    """A link opens the same view."""
    browser.open(page)
    browser.press(*node(browser, "a0.h0"))
    browser.run("set({n: 30, show: 'any', q: 'a1', theme: 'dark', colour: 'kind', tab: 'nodes',"
                " sort: '-nodes.in', zoom: [200, 300, 2], groups: [{name: 'names',"
                " nodes: ['a0.h0', 'a0.h1']}]})")
    before = browser.run("[JSON.stringify(state), location.hash]")
    seen = drawn(browser), browser.run("document.getElementById('panel').textContent")
    browser.open(page, before[1][1:])
    equal(browser.run("[JSON.stringify(state), location.hash]"), before, "the state")
    equal((drawn(browser), browser.run("document.getElementById('panel').textContent")), seen,
          "what is seen")
    browser.run("location.hash = 'n=5'")
    browser.settle()
    equal(browser.run("[state.n, state.pins.length]"), [5, 0], "another fragment")
    browser.open(page, "n=x&pins=&zoom=1,2&nothing=1&q=%E0%A4%A")
    equal(browser.errors(), [], "errors of a broken fragment")


def export(browser, page):
    """The exported file is a drawing of what is seen."""
    for what in ("", "pins=m0&show=any", "theme=dark"):
        browser.open(page, what)
        root = ET.fromstring(browser.run("exportSvg()"))
        name = "{http://www.w3.org/2000/svg}"
        equal({p.get("data-e") for p in root.iter(name + "path") if p.get("data-e")},
              drawn(browser), "edges")
        equal({g.get("data-n") for g in root.iter(name + "g") if g.get("data-n")},
              set(browser.run("[...current.layout.nodes.keys()]")), "nodes")
        need(browser.run("document.title") in [t.text for t in root.iter(name + "text")],
             "the title")


def difference(browser, page, a, b):
    """Two circuits: what is in both and in one only."""
    one, two = ({r["edge"] for r in records(x)} for x in (a, b))
    browser.open(page)
    equal(set(listed(browser)), one | two, "the table")
    sides = dict(browser.run("current.view.shown.map(e => [e.name, side(e)])"))
    for name, should in (("both", one & two), ("a", one - two), ("b", two - one)):
        equal({e for e, s in sides.items() if s == name}, should, name)
    looks = browser.run("[...document.querySelectorAll('#edges path')].map(p => [p.dataset.e,"
                        " p.getAttribute('stroke'), p.getAttribute('stroke-dasharray') ?? ''])")
    by_side = {s: {tuple(look) for e, *look in looks if sides[e] == s} for s in ("both", "a", "b")}
    need(all(len(v) == 1 for v in by_side.values()), f"one look for each side: {by_side}")
    equal(len(set.union(*by_side.values())), 3, "different looks")
    text = browser.run("document.getElementById('counts').textContent")
    need(f"{len(one & two)} in both" in text and f"{len(one - two)} only in" in text, text)
    set_value(browser, "#b", "-1")
    equal(set(listed(browser)), one, "one circuit")


def report(browser, page, stream):
    """The table of a report has its values."""
    browser.open(page, "tab=report")
    _, *rows = browser.run("[...document.querySelectorAll('#panel tr')].map(r =>"
                           " [...r.cells].map(c => c.textContent))")
    table, metric = {}, None
    for row in rows:
        if len(row) == 1:
            metric, = row
        else:
            table[metric, row[0]] = row[2:]
    values = [r for r in lines(stream) if "metric" in r and "id" not in r]
    equal(set(table), {(r["metric"], r["circuit"]) for r in values}, "rows")
    for r in values:
        value, interval = table[r["metric"], r["circuit"]]
        need(math.isclose(float(value), r["value"], rel_tol=1e-3),
             f"{r['circuit']} {r['metric']} {r['value']}: {value}")
        if "low" in r:
            low, high = map(float, re.fullmatch(r"\[(.*), (.*)\]", interval).groups())
            need(math.isclose(low, r["low"], rel_tol=1e-2) and
                 math.isclose(high, r["high"], rel_tol=1e-2), f"the interval {interval}")
    equal(browser.errors(), [], "errors")


def prompts(browser, page, stream):
    """Prompts: each token in a box with its number, positions, answers."""
    browser.open(page, "tab=prompts")
    first = next(r for r in lines(stream) if "clean" in r)
    boxes = browser.run("[...document.querySelector('.tokens').children].map(b =>"
                        " [b.firstChild.data, b.querySelector('small').textContent])")
    equal("".join(b[0] for b in boxes), first["text"]["clean"], "the tokens")
    equal(len(boxes), len(first["clean"]), "boxes")
    for name, at in first["positions"].items():
        need(name in boxes[at][1].split(), f"{name} at {at}")
    differ = [i for i, (a, b) in enumerate(zip(first["clean"], first["corrupted"])) if a != b]
    equal(browser.run("[...document.querySelector('.tokens').children].flatMap((b, i) =>"
                      " b.matches('.other') ? [i] : [])"), differ, "tokens that differ")
    text = browser.run("document.getElementById('panel').textContent")
    need('right "' in text and "100 prompts" not in text.split("prompts")[0], "the answers")
    equal(browser.errors(), [], "errors")


def predictions(browser, page, tokenizer, report):
    """Below each prompt: what the full model and the circuit predict, as text, and the values."""
    browser.open(page, "tab=prompts")
    vocabulary = json.loads(pathlib.Path(tokenizer).read_text())["model"]["vocab"]
    texts = {token: text.replace("\u0120", " ") for text, token in vocabulary.items()}
    texts_of = browser.run("""(() => {
        const found = {};
        let id;
        for (const e of document.querySelectorAll('#panel h3, #panel .result'))
            if (e.tagName === 'H3') id = e.textContent;
            else found[id + ' ' + e.dataset.c] = e.textContent;
        return found;
    })()""")
    both, wrong = {"predictions": 0, "value": 0}, {}
    for r in lines(report):
        if "predictions" in r:
            token, p = r["predictions"][0]
            text, key = f'predicts "{texts[token]}" ', "predictions"
        elif "id" in r:
            p, text, key = r["value"], f'{r["metric"]} ', "value"
            if r["metric"] == "logit-diff":
                wrong.setdefault(r["circuit"], {})[r["id"]] = p <= 0
        else:
            continue
        if abs(p) > 1e-3:
            line = text + f"{float(f'{p:.4g}'):g}"
            need(line in texts_of[f'{r["id"]} {r["circuit"]}'], line)
            both[key] += 1
    for circuit, of in wrong.items():  # a button shows only the prompts that a circuit gets wrong
        button = f'#panel button[data-wrong="{circuit}"]'
        bad = {i for i in of if of[i]}
        need(f"{circuit}: {len(bad)} of {len(of)} wrong" in
             browser.run(f"document.querySelector('{button}').textContent"), f"wrong: {circuit}")
        for shown in (bad, set(of)):
            browser.click(button)
            equal(set(browser.run("[...document.querySelectorAll('#panel h3')]"
                                  ".map(h => h.textContent)")), shown, f"wrong: {circuit}")
    need(any(any(of.values()) for of in wrong.values()), "no prompt is wrong")
    need(min(both.values()) > 5, f"too few: {both}")
    equal(browser.errors(), [], "errors")


def positions(browser, page, stream):
    """Named positions are columns from left to right; an edge starts in the column it reads."""
    header = lines(stream)[0]
    names = header["graph"]["positions"]
    browser.open(page)
    columns = browser.run("current.layout.labels.map(c => [c.text, c.left, c.left + c.wide])")
    equal([c[0] for c in columns], names, "the columns")
    for x, y in zip(columns, columns[1:]):
        need(x[2] <= y[1], "columns overlap")
    where = {c[0]: c[1:] for c in columns}
    for key, x in browser.run("[...current.layout.nodes.values()].map(n => [n.key, n.x])"):
        left, right = where[key.split("@")[1]]
        need(left < x < right, f"{key} is not in its column")
    for name, at in browser.run("current.view.drawn.flatMap(e => endsOf(current.layout, [e]))"
                                ".map(d => [d.e.name, d.from])"):
        plain, position = name.split("@")
        equal(at, plain.split("->")[0] + "@" + position, "where an edge starts")
    equal(drawn(browser), {r["edge"] for r in records(stream)}, "the picture")
    set_value(browser, "#axis", "over")
    equal(drawn(browser), {r["edge"] for r in records(stream)}, "one over another")
    need(browser.run("[...current.layout.nodes.keys()].every(k => !k.includes('@'))"), "nodes")
    set_value(browser, "#q", "@" + names[0])
    equal(drawn(browser), {r["edge"] for r in records(stream)
                           if r["edge"].endswith("@" + names[0])}, "search by position")


def collapsed(browser, page):
    """Layers without nodes are one thin line, which names them."""
    browser.open(page)
    bands = browser.run("current.layout.bands.map(b => [b.text, b.empty, b.tall])")
    empty = [b for b in bands if b[1]]
    equal([b[0] for b in empty], ["layers 2 to 8: no node"], "collapsed layers")
    need(empty[0][2] < min(b[2] for b in bands if not b[1]), "it is thin")


def groups(browser, page):
    """Pinned nodes can be grouped under a name and are then one node."""
    browser.open(page, "pins=a0.h0,a0.h1&tab=pins")
    browser.run("document.querySelector('#group input').value = 'names'")
    browser.click("#group button")
    keys = browser.run("[...current.layout.nodes.keys()]")
    need("[names]" in keys and "a0.h0" not in keys, f"nodes: {keys}")
    equal(browser.run("state.pins"), [], "pins")
    set_value(browser, "#q", "names")
    need(all({"a0.h0", "a0.h1"} & set(ends(e)) for e in listed_edges(browser)), "search by group")
    browser.click("[data-ungroup]")
    need("a0.h0" in browser.run("[...current.layout.nodes.keys()]"), "ungroup")


def listed_edges(browser):
    return browser.run("current.view.shown.map(e => e.name)")


if __name__ == "__main__":
    with Browser() as chromium:
        chromium.size(1280, 900)
        globals()[sys.argv[1]](chromium, *sys.argv[2:])
