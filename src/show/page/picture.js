/* The picture, as text of SVG: the same code draws on the page and exports. */
'use strict';

const escapeText = text => String(text).replace(/[&<>"]/g,
  c => ({'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'})[c]);
const round = x => Math.round(x * 10) / 10;
const count = n => n.toLocaleString('en-US');

function textAt(x, y, text, fill, size, more = '') {
  return `<text x="${round(x)}" y="${round(y)}" fill="${fill}" font-size="${size}"${more}>` +
    `${escapeText(text)}</text>`;
}

function thickness(view) {
  const n = Math.max(view.singly.length, 20);
  const thick = Math.max(1.8, 4.6 - .9 * Math.log10(n / 20) * 1.6);

  return e => !view.rank ? .5 * thick : thick * (.22 + .78 * view.weight(e) ** .5);
}

function drawEdge(end, width, {colour, dash}, opacity) {
  const c = end.curve;

  return `<path data-e="${escapeText(end.e.name)}" d="M${round(c[0])} ${round(c[1])}C` +
    c.slice(2).map(round).join(' ') + `" stroke="${colour}" stroke-width="` +
    `${width.toFixed(2)}" stroke-opacity="${opacity.toFixed(2)}"` +
    (dash ? ` stroke-dasharray="${dash}"` : '') + '/>';
}

/* What is drawn of these edges. Curves are computed once for a layout. */
function endsOf(l, list) {
  l.ends ??= new Map();
  return list.flatMap(e => {
    if (!l.ends.has(e))
      l.ends.set(e, drawnEnds(e, l.out)
        .filter(end => l.nodes.has(end.from) && l.nodes.has(end.to)));
    return l.ends.get(e);
  });
}

/* Strong edges are drawn last. Those in front are not paler if they are weak. Where there are many,
 * curves are not bent around nodes. */
function drawEdges(l, view, list, opacity, front = false) {
  const mode = colouring(view), width = thickness(view), t = theme();
  const tries = list.length > (front ? 60 : 600) ? 1 : 9;
  const pale = view.rank && !front ? e => opacity * (.5 + .5 * view.weight(e) ** .5)
    : () => opacity;

  return endsOf(l, list).toReversed().map(end => {
    end.curve ??= curveOf(l, end, tries);
    return drawEdge(end, width(end.e), edgeStyle(view, mode, end.e, t), pale(end.e));
  }).join('\n');
}

/* The edges of each drawn node. */
function edgesAt(l, view, key) {
  if (l.atFor !== view) {
    l.at = new Map();
    l.atFor = view;
    for (const end of endsOf(l, view.drawn))
      for (const k of new Set([end.from, end.to]))
        l.at.has(k) ? l.at.get(k).add(end.e) : l.at.set(k, new Set([end.e]));
  }
  return [...l.at.get(key) ?? []];
}

function drawBands(l, t) {
  const parts = [];

  for (const b of l.bands)
    parts.push(b.empty
      ? `<path d="M8 ${round(b.y + b.tall / 2)}H${round(l.right)}" stroke="${t.line}"` +
        ' stroke-dasharray="1 4" fill="none"/>'
      : `<rect x="8" y="${round(b.y + 1.5)}" width="${round(l.right - 8)}" height="` +
        `${round(b.tall - 3)}" rx="5" fill="${t.band}"/>` +
        textAt(14, b.y + .64 * b.tall + 4, b.text, t.faint, 11));
  for (const c of l.labels)
    parts.push(`<rect x="${round(c.left)}" y="${l.top - 18}" width="${round(c.wide)}" height="` +
      `${round(l.bottom - l.top + 26)}" rx="8" fill="none" stroke="${t.line}"/>` +
      textAt(c.x, l.top - 3, c.text, t.text, 13, ' font-weight="bold" text-anchor="middle"'));
  for (const d of l.dots)
    parts.push(`<circle cx="${round(d.x)}" cy="${round(d.y)}" r="1.8" fill="${t.dot}"/>`);
  return parts.join('\n');
}

/* The names of collapsed layers, in front of the edges that cross them. */
function drawCollapsed(l, t) {
  return l.bands.filter(b => b.empty).map(b =>
    textAt(14, b.y + b.tall / 2 + 3.5, b.text, t.faint, 10,
           ` paint-order="stroke" stroke="${t.back}" stroke-width="5" stroke-linejoin="round"`))
    .join('\n');
}

/* A node with edges that are drawn is solid, one without is an outline. If edges are folded, the
 * shade of a node is the sum of its edges. */
function drawNode(n, look, t) {
  const {fill, stroke, text, ring} = look;
  const round_corner = n.kind === 'mlp' ? 3 : n.h / 2;
  const size = Math.min(13, Math.max(9.5, n.h * .62));

  return `<g class="node" data-n="${escapeText(n.key)}" role="img" aria-label="` +
    `${escapeText(n.members.join(' '))}">` +
    (ring ? `<rect x="${round(n.x - n.w / 2 - 3.5)}" y="${round(n.y - n.h / 2 - 3.5)}" width="` +
      `${round(n.w + 7)}" height="${round(n.h + 7)}" rx="${round_corner + 3}" fill="none" ` +
      `stroke="${ring}" stroke-width="2.4"/>` : '') +
    `<rect x="${round(n.x - n.w / 2)}" y="${round(n.y - n.h / 2)}" width="${round(n.w)}" ` +
    `height="${round(n.h)}" rx="${round_corner}" fill="${fill}" stroke="${stroke}"/>` +
    textAt(n.x, n.y + .36 * size, n.label, text, round(size), ' text-anchor="middle"') + '</g>';
}

function nodeLooks(l, view, t) {
  const touched = new Set(), sums = new Map();
  let most = 0;

  for (const end of endsOf(l, view.drawn)) {
    const w = view.weight(end.e);

    for (const key of [end.from, end.to]) {
      touched.add(key);
      sums.set(key, (sums.get(key) ?? 0) + w);
    }
  }
  for (const n of l.nodes.values())
    if (n.layer >= 0)
      most = Math.max(most, sums.get(n.key) ?? 0);
  return n => {
    const pinned = view.ends.some(end => !end.edge &&
      (n.members.includes(end.pin) || end.pin === n.members[0] + '@' + n.at));
    const ring = pinned ? t.mark : n.key === cursor ? t.text : '';
    const share = most > 0 ? Math.min(1, ((sums.get(n.key) ?? 0) / most)) ** .6 : 0;

    if (!touched.has(n.key))
      return {fill: t.back, stroke: t.dot, text: t.faint, ring};
    if (!view.folds || n.layer < 0)
      return {fill: t.node, stroke: t.node, text: t.nodeText, ring};
    const fill = mix(t.band, t.shade, .12 + .88 * share);

    return {fill, stroke: t.shade, text: textOn(fill), ring};
  };
}

function drawNodes(l, view, t) {
  const look = nodeLooks(l, view, t);

  return drawCollapsed(l, t) + '\n' +
    [...l.nodes.values()].map(n => drawNode(n, look(n), t)).join('\n');
}

/* --- title and legend --- */

function titleLines(view) {
  const a = sections[state.a], all = view.everything.length;
  const name = s => s.title && s.title !== s.kind ? s.title : s.name;
  const what = comparing() ? `${sections[state.a].name} and ${sections[state.b].name}` : name(a);
  const heads = [...view.sums.values()];
  const parts = [`${count(view.shown.length)} of ${count(all)} edges shown`];

  if (view.folds)
    parts.push(`${count(view.singly.length)} drawn singly, ` +
      `${count(view.drawn.length - view.singly.length)} folded into the shade of their nodes`);
  if (view.folds && !view.rank)
    parts.push('no ranking: give scores as well to draw the strongest');
  if (comparing()) {
    const sides = {both: 0, a: 0, b: 0};

    for (const e of view.shown)
      sides[side(e)]++;
    parts.push(`${count(sides.both)} in both, ${count(sides.a)} only in ${sections[state.a].name}, ` +
      `${count(sides.b)} only in ${sections[state.b].name}`);
  } else if (a.kind === 'circuit') {
    parts.push(`sparsity ${(100 * (1 - a.n / graph.edges)).toFixed(2)} %`);
    const dead = view.shown.length - view.drawn.length;

    if (dead)
      parts.push(`${count(dead)} dead`);
  }
  const many = (kind, word) => {
    const n = heads.filter(node => node.kind === kind).length;

    return `${count(n)} ${word}${n === 1 ? '' : 's'}`;
  };

  parts.push(many('head', 'head') + ', ' + many('mlp', graph.experts ? 'expert' : 'MLP'));
  return [what, parts.join(' · ')];
}

function legendItems(view) {
  const mode = colouring(view), {kind, sign, side: sides} = theme(), items = [];

  if (mode === 'kind')
    items.push(['into q (left)', kind.q], ['k (middle)', kind.k],
               ['v (right)', kind.v], ['MLP', kind.m], ['logits', kind.l]);
  else if (mode === 'sign')
    items.push(['positive', sign.plus], ['negative', sign.minus, '5 3']);
  else
    items.push(['in both', sides.both], ['only ' + sections[state.a].name, sides.a],
               ['only ' + sections[state.b].name, sides.b, '2 3']);
  if (mode !== 'sign' && isSigned(view))
    items.push(['dashed: negative', '', '']);
  if (view.rank)
    items.push(['width: ' + view.rank.label, '', '']);
  if (view.folds)
    items.push(['shade of a node: sum of its edges', '', '']);
  return items;
}

function drawLegend(l, view, t, y) {
  const parts = [];
  let x = 14;

  for (const [text, colour, dash] of legendItems(view)) {
    if (colour) {
      parts.push(`<path d="M${x} ${y - 4}h24" stroke="${colour}" stroke-width="3" fill="none"` +
        (dash ? ` stroke-dasharray="${dash}"` : '') + '/>');
      x += 30;
    }
    parts.push(textAt(x, y, text, t.text, 12));
    x += 6.4 * text.length + 18;
  }
  l.legendRight = x;
  return parts.join('\n');
}

/* The picture as a file: what is seen, with its title and legend. */
function exportSvg() {
  const t = theme(), {view, layout: l} = current;
  const [title, counts] = titleLines(view);
  const legend = drawLegend(l, view, t, l.bottom + 24);
  const wide = Math.ceil(Math.max(l.right, l.legendRight, 7.4 * counts.length) + 12);
  const high = Math.ceil(l.bottom + 40), dim = current.hot.length ? .12 : .85;
  const shift = sideBySide() ? 22 : 0;

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 ${-shift} ${wide} ${high + shift}" ` +
    `width="${wide}" height="${high + shift}" font-family="Helvetica,Arial,'DejaVu Sans',` +
    `sans-serif">\n<rect y="${-shift}" width="100%" height="100%" fill="${t.back}"/>\n` +
    textAt(14, 26 - shift, title, t.text, 17, ' font-weight="bold"') +
    textAt(14, 45 - shift, counts, t.faint, 12) + '\n' + drawBands(l, t) +
    `\n<g fill="none" stroke-linecap="round">\n` +
    drawEdges(l, view, view.singly, dim) + '\n' + drawEdges(l, view, current.hot, 1, true) +
    '\n</g>\n' + drawNodes(l, view, t) + '\n' + legend + '\n</svg>\n';
}
