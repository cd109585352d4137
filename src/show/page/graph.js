/* The graph: nodes, edges, and the paths between them.
 *
 * A node is a writer, or the logits. If edges are split by position, a node has a key for each
 * position, such as a5.h1@S2. An edge read at a position leads to the node at this position; an
 * edge into keys or values leads to the head at every position, because attention carries it
 * there. */
'use strict';

const kindNames = {q: 'query', k: 'key', v: 'value', m: 'MLP', l: 'logits'};

function parseNode(name) {
  const head = /^a(\d+)\.h(\d+)$/.exec(name), mlp = /^m(\d+)(?:\.e(\d+))?$/.exec(name);

  if (head)
    return {name, kind: 'head', layer: +head[1], head: +head[2], label: head[1] + '.' + head[2]};
  if (mlp)
    return {name, kind: 'mlp', layer: +mlp[1], head: -1, expert: +(mlp[2] ?? 0), label: name};
  return {name, kind: name === 'logits' ? 'logits' : 'input', layer: -1, head: -1, label: name};
}

/* Nodes are computed in this order. */
function depth(node, layers) {
  return node.kind === 'input' ? -1 : node.kind === 'logits' ? 2 * layers
    : 2 * node.layer + (node.kind === 'mlp' ? 1 : 0);
}

function parseEdge(name, values, graph) {
  const [plain, at = ''] = name.split('@');
  const [from, into] = plain.split('->');
  const port = /^(.*)<([qkv])>$/.exec(into);
  const to = port ? port[1] : into;
  const kind = port ? port[2] : into === 'logits' ? 'l' : 'm';
  const everywhere = at !== '' && (kind === 'k' || kind === 'v');
  const key = (node, position) => position === '' ? node : node + '@' + position;

  return {name, from, to, kind, at, values, search: name.toLowerCase(), fromKey: key(from, at),
          toKeys: (everywhere ? graph.positions : [at]).map(p => key(to, p))};
}

/* The keys that can be reached from some keys along edges: forward, or back. */
function reach(edges, start, forward) {
  const next = new Map(), seen = new Set(start), queue = [...start];
  const add = (a, b) => next.has(a) ? next.get(a).push(b) : next.set(a, [b]);

  for (const e of edges)
    for (const to of e.toKeys)
      forward ? add(e.fromKey, to) : add(to, e.fromKey);
  while (queue.length)
    for (const key of next.get(queue.pop()) ?? [])
      if (!seen.has(key)) {
        seen.add(key);
        queue.push(key);
      }
  return seen;
}

/* The edges on a path from an input to logits that are read. */
function liveEdges(edges, graph) {
  const at = graph.positions.length ? graph.positions : [''];
  const key = (node, p) => p === '' ? node : node + '@' + p;
  const inputs = at.flatMap(p => graph.inputs.map(node => key(node, p)));
  const read = graph.positions.length ? graph.answers : [''];
  const forth = reach(edges, inputs, true);
  const back = reach(edges, read.map(p => key('logits', p)), false);

  return new Set(edges.filter(e => forth.has(e.fromKey) && e.toKeys.some(k => back.has(k))));
}

/* A pin is a node, a node at a position, or an edge: where paths enter it and leave it. */
function pinEnds(pin, edges) {
  const edge = edges.find(e => e.name === pin);
  const keys = new Set();

  if (edge)
    return {pin, ins: [edge.fromKey], outs: edge.toKeys, edge};
  for (const e of edges)
    for (const key of [e.fromKey, ...e.toKeys])
      if (key === pin || key.split('@')[0] === pin)
        keys.add(key);
  return {pin, ins: [...keys], outs: [...keys], edge: null};
}

const touches = (end, e) => end.edge ? e === end.edge
  : end.ins.includes(e.fromKey) || e.toKeys.some(k => end.ins.includes(k));

/* The edges on paths through at least one of the pins. */
function throughAny(edges, ends) {
  const kept = new Set();

  for (const end of ends) {
    const back = reach(edges, end.ins, false), forth = reach(edges, end.outs, true);

    for (const e of edges)
      if (e === end.edge || e.toKeys.some(k => back.has(k)) || forth.has(e.fromKey))
        kept.add(e);
  }
  return kept;
}

/* The edges on paths through all of the pins, one after another; only those between pins, or also
 * those before the first and after the last. */
function throughAll(edges, ends, layers, between = false) {
  const order = end => depth(parseNode(end.ins[0].split('@')[0]), layers);
  const chain = [...ends].sort((a, b) => order(a) - order(b));
  const kept = new Set();
  let forth = null;

  for (let i = 0; i <= chain.length; i++) {
    const end = chain[i], back = end ? reach(edges, end.ins, false) : null;

    if (forth && end && !end.ins.some(k => forth.has(k)))
      return new Set();
    for (const e of between && !(forth && end) ? [] : edges)
      if ((!forth || forth.has(e.fromKey)) && (!back || e.toKeys.some(k => back.has(k))))
        kept.add(e);
    if (end) {
      if (end.edge)
        kept.add(end.edge);
      forth = reach(edges, end.outs, true);
    }
  }
  return kept;
}
