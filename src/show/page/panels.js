/* The panels beside the picture: pins and groups, reports, prompts, help. */
'use strict';

function edgeList(list, view, most) {
  const value = e => view.rank ? ' ' + number(view.rank.value(e)) : '';

  return '<ul>' + list.slice(0, most).map(e => `<li>${escapeText(e.name)}${value(e)}</li>`)
    .join('') + (list.length > most ? `<li>and ${count(list.length - most)} more</li>` : '') +
    '</ul>';
}

function pinsPanel(panel) {
  const {view} = current;
  const parts = ['<p class="note">Click a node, an edge or a row to pin it, again to unpin. ' +
    '"Pins show" above chooses what is shown of pins.</p>'];

  for (const end of view.ends) {
    const into = view.shown.filter(e => !end.edge && e.toKeys.some(k => end.ins.includes(k)));
    const out = view.shown.filter(e => !end.edge && end.outs.includes(e.fromKey));

    parts.push(`<h3>${escapeText(end.pin)} <button type="button" data-unpin="` +
      `${escapeText(end.pin)}">unpin</button></h3>`);
    if (!end.edge)
      parts.push(`${count(into.length)} in`, edgeList(into, view, 8),
                 `${count(out.length)} out`, edgeList(out, view, 8));
  }
  if (state.pins.length) {
    parts.push('<p><button type="button" data-unpin="">unpin all (x)</button></p>');
    parts.push('<form id="group"><label>Group the pinned nodes under the name ' +
      '<input name="name" size="10" required pattern="[^,:+@&=]+"></label> ' +
      '<button>Group</button></form>');
  }
  for (const g of state.groups)
    parts.push(`<h3>${escapeText(g.name)} <button type="button" data-ungroup="` +
      `${escapeText(g.name)}">ungroup</button></h3>${escapeText(g.nodes.join(' '))}`);
  panel.innerHTML = parts.join('\n');
}

const baseName = path => path.replace(/^.*\//, '');

/* A report: for each metric, a row for each circuit. */
function reportTable(report) {
  const metrics = new Map();

  for (const r of report.records)
    if (r.metric !== undefined && r.value !== undefined && [r.id, r.order, r.on, r.against]
      .every(x => x === undefined))
      metrics.has(r.metric) ? metrics.get(r.metric).push(r) : metrics.set(r.metric, [r]);
  const spread = r => r.low !== undefined ? `[${number(r.low, 3)}, ${number(r.high, 3)}]`
    : r.sd !== undefined ? '± ' + number(r.sd, 2) : '';
  const name = r => [r.circuit, r.class, r.ablation].filter(x => x !== undefined).join(', ');

  return `<h2>${escapeText(baseName(report.name))}</h2><table class="report"><thead><tr>` +
    '<th>circuit</th><th class="r">edges</th><th class="r">value</th>' +
    '<th class="r">interval</th></tr></thead><tbody>' + [...metrics].map(([metric, rows]) =>
      `<tr class="first"><td colspan="4">${escapeText(metric)}</td></tr>` + rows.map(r =>
        `<tr><td>${escapeText(name(r))}</td><td class="r">${r.edges ?? ''}</td>` +
        `<td class="r">${r.value === null ? '-' : number(r.value)}</td>` +
        `<td class="r">${spread(r)}</td></tr>`).join('')).join('') + '</tbody></table>';
}

const helpText = `<h2>Reading the picture</h2>
<p>Layers run from the bottom to the top. Round nodes are heads, square nodes MLPs: 3.2 is head 2 of
layer 3, m3 the MLP of that layer, counted from 0. A head has the same place in every picture. An edge leaves a node at its top. It enters a head at the left for its
query, in the middle for its key, and at the right for its value. Solid nodes have edges that are
drawn, outlines have none at this setting, and a dot is a head outside of the circuit. Layers
without nodes are collapsed.</p>
<p>If more than ${SINGLY.ranked} edges are shown, the strongest are drawn, and a node's shade is the sum of all
its edges. Point at a node to see all of its edges.</p>
<p>In tables, a3.h2 is that head, and m0->a3.h2&lt;v> the edge from an MLP into its values. With
@S2 at its end, the edge is read at the named position S2: by a head's query or an MLP there, or as key
or value by the head at any position.</p>
<h2>Questions</h2>
<table class="wide"><tbody>
<tr><td>Which edges matter most?</td><td>Edges lists them in the order of the ranking chosen above.</td></tr>
<tr><td>Which head matters most to the answer?</td><td>Search ->logits.</td></tr>
<tr><td>Which head reads S2 most?</td><td>Search @s2 and open Nodes: Σ k and Σ v sum what heads read
there as keys and values. Click a column's name to sort.</td></tr>
<tr><td>Which edges into the logits are negative?</td><td>Search ->logits negative. Signs are those
of scores, from attribution.</td></tr>
<tr><td>What lies between MLP 0 and a head?</td><td>Click both, then choose "paths between pins".</td></tr>
<tr><td>Which prompts does the circuit fail?</td><td>Write the page with the task and a report of
hap-eval --per-example. Prompts then has a button that shows only those.</td></tr>
<tr><td>What feeds a head, and what does it feed?</td><td>Click it and open Pins; "paths through any"
shows its part of the circuit.</td></tr>
<tr><td>What differs between two circuits?</td><td>Write the page from both files. The column "in" of
Edges says where an edge is; click its name to sort.</td></tr>
</tbody></table>
<h2>Keys</h2>
<table class="wide"><tbody>
<tr><td>/</td><td>search; words must all occur, -word must not; negative or positive: the sign of the score</td></tr>
<tr><td>arrows</td><td>in the picture: go to the next node; in a table: to the next row</td></tr>
<tr><td>Enter, space</td><td>pin or unpin the node or row</td></tr>
<tr><td>x</td><td>unpin all</td></tr>
<tr><td>[ and ]</td><td>show fewer or more edges</td></tr>
<tr><td>+ and -, 0</td><td>zoom, fit the window; or the wheel; drag to move</td></tr>
<tr><td>1 … 9</td><td>open a panel</td></tr>
<tr><td>p</td><td>next choice of what is shown of pins</td></tr>
<tr><td>f</td><td>next way to draw: automatic, singly, folded</td></tr>
<tr><td>t</td><td>light or dark</td></tr>
<tr><td>e</td><td>save what is seen as SVG</td></tr>
</tbody></table>
<p>The address contains the view: copy it to send it to somebody who has this file.</p>`;

const panels = [];

function listPanels() {
  if (graph) {
    panels.push({id: 'edges', name: 'Edges',
                 show: p => showTable(p, 'edges', current.view.shown, edgeColumns(current.view))});
    panels.push({id: 'nodes', name: 'Nodes', show: p => showTable(p, 'nodes',
      [...current.view.sums.values()].sort((x, y) => y.inSum + y.outSum - x.inSum - x.outSum),
      nodeColumns(current.view))});
    panels.push({id: 'pins', name: 'Pins', show: pinsPanel});
  }
  if (data.reports?.length)
    panels.push({id: 'report', name: 'Report',
                 show: p => { p.innerHTML = data.reports.map(reportTable).join('\n'); }});
  if (data.tasks?.length)
    panels.push({id: 'prompts', name: 'Prompts', show: promptsPanel});
  if (graph)
    panels.push({id: 'help', name: 'Help', show: p => { p.innerHTML = helpText; }});
}

function showPanel() {
  const panel = document.getElementById('panel');
  const chosen = panels.find(p => p.id === state.tab) ?? panels[0];

  document.getElementById('tabs').innerHTML = panels.map(p =>
    `<button type="button" role="tab" data-tab="${p.id}" aria-selected="${p === chosen}">` +
    `${p.name}${p.id === 'pins' && state.pins.length ? ' ' + state.pins.length : ''}</button>`)
    .join('');
  listed = {...listed, columns: null};
  panel.tabIndex = chosen?.id === 'edges' || chosen?.id === 'nodes' ? 0 : -1;
  chosen?.show(panel);
}
