/* Places of nodes and curves of edges: layers from the bottom to the top, the heads of a layer in
 * a row, its MLP right of them and a little higher. Layers without nodes are collapsed to a thin
 * line. If edges are split by position, each position can have a column of its own; a row of a
 * column then contains only the nodes that are there. */
'use strict';

const nodeWidth = (label, height) => Math.max(height, 7.1 * label.length * height / 20 + 8);

/* The key under which a node is drawn: its group, or itself, at its position if these are side
 * by side. */
function placeKey(name, at) {
  const group = state.groups.find(g => g.nodes.includes(name));
  const base = group ? '[' + group.name + ']' : name;

  return sideBySide() ? base + '@' + at : base;
}

const sideBySide = () => graph.positions.length > 0 && state.axis === 'side';

/* The ends of an edge that are drawn; an edge into keys or values of a head ends at each position
 * where the head has edges out. */
function drawnEnds(e, out) {
  const from = placeKey(e.from, e.at);
  let to = [placeKey(e.to, e.at)];

  if (sideBySide() && e.toKeys.length > 1) {
    const used = graph.positions.map(p => placeKey(e.to, p)).filter(k => out.has(k));

    to = used.length ? used : to;
  }
  return to.filter(k => k !== from).map(k => ({e, from, to: k}));
}

function rowsOf(nodes) {
  const used = new Set(nodes.filter(n => n.layer >= 0).map(n => n.layer));
  const rows = [];

  for (let layer = 0; layer < graph.layers; layer++)
    if (used.has(layer))
      rows.push({layers: [layer], empty: false});
    else if (rows.at(-1)?.empty)
      rows.at(-1).layers.push(layer);
    else
      rows.push({layers: [layer], empty: true});
  return rows;
}

/* Which nodes are drawn, and where the rows and columns are. */
function makeLayout(view, width, height) {
  const among = state.tight ? view.drawn : view.members;
  const out = new Set(among.map(e => placeKey(e.from, e.at)));
  const names = new Map();
  const put = (name, at) => {
    const group = state.groups.find(g => g.nodes.includes(name));
    const key = placeKey(name, at), node = parseNode(name);

    if (!names.has(key))
      names.set(key, {...node, key, at, members: [], group: group?.name ?? ''});
    if (!names.get(key).members.includes(name))
      names.get(key).members.push(name);
  };

  for (const e of among) {
    put(e.from, e.at);
    for (const end of drawnEnds(e, out))
      put(e.to, sideBySide() ? end.to.split('@')[1] ?? '' : '');
  }
  if (!sideBySide())
    for (const name of [...graph.inputs, 'logits'])
      put(name, '');
  const l = {nodes: names, out, width, height, labels: [], bands: [], dots: []};

  placeRows(l, [...names.values()]);
  sideBySide() ? placeColumns(l) : placeHeads(l);
  l.boxes = new Map(); /* the nodes at each strip of 8 pixels */
  for (const node of names.values())
    for (let i = Math.floor((node.y - node.h / 2 - 2) / 8);
         i <= Math.floor((node.y + node.h / 2 + 2) / 8); i++)
      l.boxes.has(i) ? l.boxes.get(i).push(node) : l.boxes.set(i, [node]);
  return l;
}

function placeRows(l, nodes) {
  const rows = rowsOf(nodes), thin = 15;
  const full = rows.filter(r => !r.empty).length, empty = rows.length - full;
  const head = sideBySide() ? 88 : 64, foot = 92;

  l.row = Math.min(150, Math.max(23, (l.height - head - foot - thin * empty) / Math.max(full, 1)));
  l.size = Math.min(30, Math.max(14, l.row * .46));
  l.rowY = new Map();
  let y = head + 30;

  l.logitsY = head + 6;
  for (const row of rows.toReversed()) {
    const tall = row.empty ? thin : l.row;
    const first = row.layers[0], last = row.layers.at(-1);

    l.bands.push({y, tall, empty: row.empty, text: row.empty
      ? (first === last ? `layer ${first}: no node` : `layers ${first} to ${last}: no node`)
      : `${first}`});
    for (const layer of row.layers)
      l.rowY.set(layer, y);
    y += tall;
  }
  l.inputY = y + 26;
  l.bottom = l.inputY + 18;
  l.top = head - 10;
}

/* A head has the same place in every picture. */
function placeHeads(l) {
  const left = 46, right = graph.layers > 16 ? 104 : 84, shifts = [0, .22, .11];
  const widest = nodeWidth(`${graph.layers - 1}.${graph.heads - 1}`, l.size);
  const space = (l.width - left - right) / (graph.heads + .25);
  const slot = Math.max(widest + 3, Math.min(space, 130));
  const span = slot * (graph.heads + .25);

  const step = nodeWidth(`m${graph.layers - 1}.e${(graph.experts ?? 1) - 1}`, l.size) + 4;
  const mlpX = node => left + span + 22 + step * node.expert;

  l.right = left + span + right + step * ((graph.experts ?? 1) - 1);
  for (const node of l.nodes.values()) {
    node.w = node.kind === 'input' || node.kind === 'logits' ? Math.max(90, Math.min(span * .3, 180))
      : nodeWidth(node.group || node.label, l.size);
    node.h = l.size;
    if (node.kind === 'input') {
      const both = graph.inputs.length > 1;

      node.w = both ? node.w / 1.6 : node.w;
      node.x = left + span / 2 + (both ? (node.name === 'tok' ? -1 : 1) * (node.w / 2 + 6) : 0);
      node.y = l.inputY;
    } else if (node.kind === 'logits') {
      node.x = left + span / 2;
      node.y = l.logitsY;
    } else if (node.kind === 'mlp') {
      node.x = mlpX(node);
      node.y = l.rowY.get(node.layer) + .34 * l.row;
    } else {
      node.x = left + slot * (node.head + .5 + shifts[node.layer % 3]);
      node.y = l.rowY.get(node.layer) + .64 * l.row;
    }
    if (node.group)
      placeGroup(l, node, name => {
        const one = parseNode(name);

        return one.kind === 'mlp' ? mlpX(one) : left + slot * (one.head + .5);
      });
  }
  for (const [layer, y] of l.rowY) /* where a head could be */
    for (let h = 0; h < graph.heads && !l.bands.find(b => b.y === y).empty; h++)
      if (!l.nodes.has(`a${layer}.h${h}`))
        l.dots.push({x: left + slot * (h + .5 + shifts[layer % 3]), y: y + .64 * l.row,
                     name: `a${layer}.h${h}`});
}

/* A group is drawn in the middle of its members. */
function placeGroup(l, node, xOf) {
  const members = node.members.map(parseNode).filter(n => n.layer >= 0);
  const mean = list => list.reduce((a, b) => a + b, 0) / Math.max(list.length, 1);

  node.kind = 'group';
  node.label = node.group;
  node.w = nodeWidth(node.group, l.size) + 6;
  if (members.length) {
    node.x = mean(members.map(n => xOf(n.name)));
    node.y = mean(members.map(n => l.rowY.get(n.layer) + .64 * l.row));
  }
}

function placeColumns(l) {
  const columns = graph.positions.map(at => {
    const nodes = [...l.nodes.values()].filter(n => n.at === at);
    const cells = new Map();

    for (const n of nodes) {
      n.h = l.size;
      n.w = nodeWidth(n.group || n.label, l.size) + (n.layer < 0 ? 8 : 0);
      const row = n.kind === 'input' ? 'input' : n.kind === 'logits' ? 'logits' : n.layer;

      cells.has(row) ? cells.get(row).push(n) : cells.set(row, [n]);
    }
    for (const cell of cells.values())
      cell.sort((a, b) => depth(a, graph.layers) - depth(b, graph.layers) || a.head - b.head);
    const need = [...cells.values()].map(c => c.reduce((sum, n) => sum + n.w + 10, 0));

    return {at, cells, need: Math.max(46, 10 + 7 * at.length, ...need)};
  });
  const left = 46, gap = 26;
  const sum = columns.reduce((s, c) => s + c.need, 0);
  const spare = Math.max(0, l.width - left - 30 - sum - gap * columns.length) / columns.length;
  let x = left;

  for (const column of columns) {
    const wide = column.need + spare;

    l.labels.push({x: x + wide / 2, text: column.at, left: x, wide});
    for (const [row, cell] of column.cells) {
      const used = cell.reduce((s, n) => s + n.w, 0);
      const between = Math.min(34, (wide - used) / (cell.length + 1));
      let at = x + (wide - used - between * (cell.length - 1)) / 2;

      for (const n of cell) {
        n.x = at + n.w / 2;
        n.y = row === 'input' ? l.inputY : row === 'logits' ? l.logitsY
          : l.rowY.get(row) + (n.kind === 'mlp' ? .34 : .64) * l.row;
        at += n.w + between;
      }
    }
    x += wide + gap;
  }
  l.right = x;
}

/* --- curves --- */

const ports = {q: -.28, k: 0, v: .28, m: 0, l: 0};

function spread(node, x, other) {
  return x + Math.max(-node.w / 2 + 10, Math.min(node.w / 2 - 10, .3 * (other - x)));
}

function bezier(c, t) {
  const u = 1 - t, a = u * u * u, b = 3 * t * u * u, d = 3 * t * t * u, e = t * t * t;

  return [a * c[0] + b * c[2] + d * c[4] + e * c[6], a * c[1] + b * c[3] + d * c[5] + e * c[7]];
}

function blocked(l, x, y, from, to) {
  for (const n of l.boxes.get(Math.floor(y / 8)) ?? [])
    if (n !== from && n !== to && Math.abs(x - n.x) < n.w / 2 + 2 && Math.abs(y - n.y) < n.h / 2 + 2)
      return true;
  return false;
}

/* The curve of an edge: [x, y] of its ends and pulls. Of several curves, the one that touches the
 * fewest other nodes. */
function curveOf(l, end, tries = 9) {
  const from = l.nodes.get(end.from), to = l.nodes.get(end.to), e = end.e;
  let x1 = from.x, x2 = to.x + ports[e.kind] * to.w;
  const y1 = from.y - from.h / 2, y2 = to.y + to.h / 2;
  let best = null, least = Infinity;

  if (from.layer < 0 && from.kind === 'input')
    x1 = spread(from, from.x, x2);
  if (to.kind === 'logits')
    x2 = spread(to, to.x, x1);
  if (from.kind === 'head' && to.kind === 'mlp' && from.layer === to.layer)
    return [x1, y1, x1 + 4, y1 - .2 * l.row, to.x - to.w / 2 - 30, to.y, to.x - to.w / 2, to.y];
  const pull = y1 > y2 ? .46 * (y1 - y2) : 24;
  const hand = (e.name.length + e.from.length) % 2 ? 1 : -1;
  const apart = graph.positions.length && !sideBySide()
    ? 4 * (graph.positions.indexOf(e.at) - (graph.positions.length - 1) / 2) : 0;
  const stacked = from.kind === 'mlp' && to.kind === 'mlp' && !sideBySide();

  for (let i = 0; i < tries && least > 0; i++) {
    const aside = apart + (stacked ? 10 * Math.ceil(Math.sqrt((y1 - y2) / l.row)) + 9 * i
      : Math.ceil(i / 2) * 20 * (i % 2 ? hand : -hand));
    const c = [x1, y1, x1 + aside, y1 - pull, x2 + aside, y2 + pull, x2, y2];
    let touched = 0;

    for (let k = 1; tries > 1 && k < 24 && touched < least; k++) {
      const [x, y] = bezier(c, k / 24);

      touched += blocked(l, x, y, from, to) ? 1 : 0;
    }
    if (touched < least) {
      least = touched;
      best = c;
    }
  }
  return best;
}
