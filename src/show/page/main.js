/* Drawing, and what the pointer, the keys and the controls do. */
'use strict';

const $ = id => document.getElementById(id);
const stage = $('stage');
let current = {view: null, layout: null, hot: [], pointed: null};
let cursor = null; /* the key of the node that the arrow keys have reached */

/* --- drawing --- */

function contentBox() {
  const l = current.layout;
  const top = sideBySide() ? l.top - 26 : l.top - 14;

  return {x: 0, y: top, w: l.right + 10, h: l.bottom + 8 - top};
}

/* The part of the picture that is seen: all of it, hardly enlarged, or the middle and the factor of
 * the zoom. */
function viewBox() {
  const box = contentBox();
  const fit = Math.max(box.w / stage.clientWidth, box.h / stage.clientHeight, .8);
  const [x, y, k] = state.zoom ?? [box.x + box.w / 2, box.y + box.h / 2, 1];
  const w = stage.clientWidth * fit / k, h = stage.clientHeight * fit / k;

  return {x: x - w / 2, y: y - h / 2, w, h};
}

function applyZoom() {
  const b = viewBox();

  for (const svg of stage.querySelectorAll('svg'))
    svg.setAttribute('viewBox', [b.x, b.y, b.w, b.h].map(v => v.toFixed(2)).join(' '));
}

/* The edges in front: those of what is pointed at, else those of the pins. */
function drawHot() {
  const {view, layout: l, pointed} = current;
  let hot = [];

  if (pointed?.edge)
    hot = [pointed.edge];
  else if (pointed?.key)
    hot = edgesAt(l, view, pointed.key);
  else if (pointed?.name)
    hot = view.drawn.filter(e => e.from === pointed.name || e.to === pointed.name);
  else if (view.ends.length && state.show === 'all')
    hot = view.drawn.filter(e => view.ends.some(end => touches(end, e)));
  current.hot = hot.filter(isLive);
  $('hot').innerHTML = drawEdges(l, view, current.hot, 1, true);
  stage.classList.toggle('dim', hot.length > 0);
}

function drawLegendBar() {
  $('legend').innerHTML = legendItems(current.view).map(([text, colour, dash]) => '<span>' +
    (colour ? `<svg><path d="M0 5h28" stroke="${colour}" stroke-width="3" stroke-dasharray="` +
      `${dash ?? ''}"/></svg>` : '') + escapeText(text) + '</span>').join('');
}

function draw() {
  const {view, layout: l} = current, t = theme();

  document.documentElement.classList.toggle('dark', isDark());
  $('bands').innerHTML = drawBands(l, t);
  $('edges').innerHTML = drawEdges(l, view, view.singly, 1);
  $('nodes').innerHTML = drawNodes(l, view, t);
  const [title, counts] = titleLines(view);

  $('title').textContent = title;
  $('counts').textContent = counts;
  $('counts').title = counts;
  document.title = title;
  current.samples = null;
  edgesAt(l, view, ''); /* now rather than under the pointer */
  drawHot();
  drawLegendBar();
  applyZoom();
}

function render() {
  if (graph) {
    current.pointed = null;
    $('card').hidden = true;
    current.view = computeView();
    current.layout = makeLayout(current.view, stage.clientWidth - 16, stage.clientHeight + 40);
    draw();
    showControls();
  } else
    document.documentElement.classList.toggle('dark', isDark());
  showPanel();
  writeState();
}

function set(changes) {
  Object.assign(state, changes);
  render();
}

/* --- pointing and pinning --- */

function toPicture(event) {
  const r = stage.getBoundingClientRect(), b = viewBox();

  return [b.x + (event.clientX - r.left) / r.width * b.w,
          b.y + (event.clientY - r.top) / r.height * b.h, b.w / r.width];
}

/* Points on the drawn curves. */
function samples() {
  current.samples ??= endsOf(current.layout, current.view.singly).map(end => {
    const c = end.curve ??= curveOf(current.layout, end);

    return {e: end.e, at: Array.from({length: 33}, (_, i) => bezier(c, i / 32))};
  });
  return current.samples;
}

/* The node at a place, else the nearest edge within a few pixels. */
function whatIsAt(event) {
  const [x, y, unit] = toPicture(event);
  let best = null, least = 6 * unit;

  for (const n of current.layout.nodes.values())
    if (Math.abs(x - n.x) < n.w / 2 + 2 && Math.abs(y - n.y) < n.h / 2 + 2)
      return {key: n.key};
  for (const {e, at} of samples())
    for (let i = 0; i < 32; i++) {
      const [ax, ay] = at[i], [bx, by] = at[i + 1], dx = bx - ax, dy = by - ay;
      const t = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
      const d = Math.hypot(x - ax - t * dx, y - ay - t * dy);

      if (d < least) {
        least = d;
        best = {edge: e};
      }
    }
  return best;
}

const same = (a, b) => a?.key === b?.key && a?.edge === b?.edge && a?.name === b?.name;

function describe(pointed) {
  const {view, hot, layout: l} = current;
  const value = e => view.rank ? `${view.rank.label} ${number(view.rank.value(e))}` : '';

  if (pointed.edge) {
    const e = pointed.edge, place = view.everything.indexOf(e) + 1;

    return `<b>${escapeText(e.name)}</b><p>into the ${kindNames[e.kind]}` +
      (view.rank ? `; ${escapeText(value(e))}; number ${count(place)} of ` +
        `${count(view.everything.length)}` : '') +
      (comparing() ? `; ${side(e) === 'both' ? 'in both'
        : 'only in ' + escapeText(sections[side(e) === 'a' ? state.a : state.b].name)}` : '') +
      '</p>';
  }
  const n = pointed.key ? l.nodes.get(pointed.key) : null;
  const members = n ? n.members : [pointed.name];
  const out = hot.filter(e => members.includes(e.from)), into = hot.filter(e => !out.includes(e));
  const column = (title, list) => `<div>${title}${list.slice(0, 6).map(e =>
    `<br>${escapeText(e.name)} ${view.rank ? number(view.rank.value(e)) : ''}`).join('')}` +
    `${list.length > 6 ? '<br>…' : ''}</div>`;

  return `<b>${escapeText(n ? (n.group ? n.group + ': ' : '') + n.members.join(' ') +
    (n.at ? '@' + n.at : '') : pointed.name)}</b>` +
    column(`${count(into.length)} in`, into) + column(`${count(out.length)} out`, out);
}

function pointAt(pointed) {
  if (same(pointed, current.pointed))
    return;
  current.pointed = pointed;
  drawHot();
  const n = pointed?.key ? current.layout.nodes.get(pointed.key) : null, b = viewBox();

  $('card').hidden = !pointed; /* not over the node */
  $('card').classList.toggle('right', Boolean(n) && n.x < b.x + b.w / 2 && n.y > b.y + b.h / 2);
  if (pointed)
    $('card').innerHTML = describe(pointed);
  stage.classList.toggle('pointed', Boolean(pointed));
}

function togglePin(name) {
  const pins = state.pins.includes(name) ? state.pins.filter(p => p !== name)
    : [...state.pins, name];

  set({pins});
}

function pinWhat(pointed) {
  const n = pointed?.key ? current.layout.nodes.get(pointed.key) : null;

  if (pointed?.edge)
    togglePin(pointed.edge.name);
  else if (n?.group)
    set({pins: n.members.every(m => state.pins.includes(m))
      ? state.pins.filter(p => !n.members.includes(p))
      : [...new Set([...state.pins, ...n.members])]});
  else if (n)
    togglePin(n.at ? n.members[0] + '@' + n.at : n.members[0]);
  else if (pointed?.name)
    togglePin(pointed.name);
}

/* --- zoom and movement --- */

function zoomBy(factor, event) {
  const b = viewBox();
  const now = state.zoom?.[2] ?? 1, k = Math.max(.5, Math.min(40, now * factor));
  const [x, y] = event ? toPicture(event) : [b.x + b.w / 2, b.y + b.h / 2];
  const mx = b.x + b.w / 2, my = b.y + b.h / 2;

  state.zoom = [x + (mx - x) * now / k, y + (my - y) * now / k, k];
  if (Math.abs(k - 1) < .02)
    state.zoom = null;
  applyZoom();
  writeState();
}

function fitWindow() {
  state.zoom = null;
  applyZoom();
  writeState();
}

let drag = null;

function dragTo(event) {
  const b = viewBox(), k = state.zoom?.[2] ?? 1;
  const dx = (event.clientX - drag.x) * b.w / stage.clientWidth;
  const dy = (event.clientY - drag.y) * b.h / stage.clientHeight;

  drag.far ||= Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > 4;
  if (!drag.far)
    return;
  state.zoom = [drag.cx - dx, drag.cy - dy, k];
  applyZoom();
}

/* The next node in the direction of an arrow key. */
function moveCursor(dx, dy) {
  const nodes = [...current.layout.nodes.values()];
  const from = current.layout.nodes.get(cursor);
  let best = null, least = Infinity;

  for (const n of nodes) {
    const along = from ? (n.x - from.x) * dx + (n.y - from.y) * dy : -n.y;
    const across = from ? Math.abs((n.x - from.x) * dy) + Math.abs((n.y - from.y) * dx) : 0;

    if (n !== from && (!from || along > 1) && along + 3 * across < least) {
      least = along + 3 * across;
      best = n;
    }
  }
  if (!best)
    return;
  cursor = best.key;
  $('nodes').innerHTML = drawNodes(current.layout, current.view, theme());
  pointAt({key: cursor});
}

function save() {
  const link = document.createElement('a');

  link.href = URL.createObjectURL(new Blob([exportSvg()], {type: 'image/svg+xml'}));
  link.download = 'circuit.svg';
  link.click();
  URL.revokeObjectURL(link.href);
}
