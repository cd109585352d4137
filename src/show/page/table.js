/* The tables of edges and of nodes. Only the rows in sight are in the document. */
'use strict';

const ROW = 22; /* the height of a row, as in the style */
const number = (x, digits = 4) => x === null || x === undefined ? ''
  : String(+x.toPrecision(digits));

function edgeColumns(view) {
  const list = [{label: 'edge', cell: e => e.name, key: e => e.name, words: true}];

  list.push({label: 'into', cell: e => kindNames[e.kind], key: e => e.kind, words: true});
  if (comparing())
    list.push({label: 'in', cell: e => side(e) === 'both' ? 'both'
      : sections[side(e) === 'a' ? state.a : state.b].name, key: side, words: true});
  for (const r of rankings())
    list.push({label: r.column, title: r.label,
               cell: e => number(r.value(e)), key: r.key});
  if (view.shown.length > view.drawn.length)
    list.push({label: '', cell: e => isLive(e) ? '' : 'dead', key: e => isLive(e) ? 1 : 0});
  return list;
}

function nodeColumns(view) {
  const list = [{label: 'node', cell: n => n.name, key: n => n.name, words: true}];
  const add = (label, title, key) => list.push({label, title, cell: n => number(key(n), 3), key});

  add('in', 'edges in', n => n.in);
  add('out', 'edges out', n => n.out);
  if (view.rank) {
    add('Σ in', 'sum of the weights of the edges in; 1 is the strongest edge', n => n.inSum);
    add('Σ out', 'sum of the weights of the edges out', n => n.outSum);
    for (const kind of ['q', 'k', 'v'])
      add('Σ ' + kind, `sum of the weights into ${kindNames[kind]}s`, n => n.kindSum[kind]);
  } else
    for (const kind of ['q', 'k', 'v'])
      add(kind, `edges into ${kindNames[kind]}s`, n => n[kind]);
  return list;
}

/* `kind`: edges or nodes. The sort order is part of the state: KIND.COLUMN, after '-' if
 * ascending. */
function sorted(items, columns, kind) {
  const down = !state.sort.startsWith('-');
  const [of, label] = state.sort.replace(/^-/, '').split('.');
  const column = of === kind ? columns.find(c => c.label === label) : null;

  if (!column)
    return items;
  const order = column.words
    ? (x, y) => String(column.key(x)).localeCompare(column.key(y), 'en', {numeric: true})
    : (x, y) => column.key(y) - column.key(x);

  return [...items].sort((x, y) => down ? order(x, y) : order(y, x));
}

let listed = {items: [], row: 0};

function showTable(panel, kind, items, columns) {
  const list = sorted(items, columns, kind);

  listed = {kind, items: list, columns, row: Math.min(listed.kind === kind ? listed.row : 0,
                                                      Math.max(0, list.length - 1))};
  panel.innerHTML = '<table><thead><tr>' + columns.map(c =>
    `<th class="${c.words ? '' : 'r'}" title="${escapeText(c.title ?? c.label)}">` +
    `<button type="button" data-sort="${escapeText(kind + '.' + c.label)}">` +
    `${escapeText(c.label)}</button></th>`).join('') + '</tr></thead><tbody></tbody></table>' +
    (list.length ? '' : '<p class="note">Nothing is shown: search, pins or the slider leave ' +
      'no edge.</p>');
  fillTable();
}

/* Rows outside of the panel are replaced by the height that they would have. */
function fillTable() {
  const panel = document.getElementById('panel'), body = panel.querySelector('tbody');

  if (!body || !listed.columns)
    return;
  const first = Math.max(0, Math.floor(panel.scrollTop / ROW) - 10);
  const last = Math.min(listed.items.length, first + Math.ceil(panel.clientHeight / ROW) + 24);
  const space = rows => `<tr style="height:${rows * ROW}px"></tr>`;

  body.innerHTML = space(first) + listed.items.slice(first, last).map((item, i) =>
    `<tr class="row${state.pins.includes(item.name) ? ' pin' : ''}` +
    `${document.activeElement === panel && first + i === listed.row ? ' at' : ''}" ` +
    `data-row="${first + i}">` +
    listed.columns.map(c => `<td class="${c.words ? '' : 'r'}">${escapeText(c.cell(item))}</td>`)
      .join('') + '</tr>').join('') + space(listed.items.length - last);
}

function moveRow(step) {
  const panel = document.getElementById('panel');

  if (!listed.items.length)
    return;
  listed.row = Math.max(0, Math.min(listed.items.length - 1, listed.row + step));
  const y = listed.row * ROW;

  if (y < panel.scrollTop)
    panel.scrollTop = y;
  else if (y + 3 * ROW > panel.scrollTop + panel.clientHeight)
    panel.scrollTop = y + 3 * ROW - panel.clientHeight;
  fillTable();
  pointAt(listed.kind === 'edges' ? {edge: listed.items[listed.row]}
    : {name: listed.items[listed.row].name});
}
