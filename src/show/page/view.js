/* From the state to the edges that are shown, and their weights. */
'use strict';

const data = JSON.parse(document.getElementById('hap-data').textContent);
const graph = data.graph;
const edges = (data.edges ?? []).map(([name, ...values]) => parseEdge(name, values, graph));
const byName = new Map(edges.map(e => [e.name, e]));
const sections = data.sections ?? [];
const circuits = sections.map((s, i) => i).filter(i => sections[i].kind === 'circuit');

for (const s of sections) { /* names without folders, if these are not needed to tell them apart */
  s.path = s.name;
  s.name = s.path.replace(/^.*\//, '');
}
for (const s of sections)
  if (sections.some(o => o.name === s.name && o.path !== s.path))
    s.name = s.path;

for (const s of sections) {
  s.members = edges.filter(e => e.values[s.member] !== null);
  s.live = s.kind === 'circuit' ? liveEdges(s.members, graph)
    : new Set(s.members.filter(e => e.kind !== 'l' || !e.at || graph.answers.includes(e.at)));
}

/* Two circuits of different files are compared; in one stream the last circuit is the result. */
function settleSources() {
  const last = circuits.length ? circuits.at(-1) : sections.length - 1;
  const other = circuits.length === 2 ? circuits[0] : -1;

  if (!sections[state.a]) {
    const compare = other >= 0 && sections[other].name !== sections[last].name;

    state.a = compare ? other : last;
    state.b = compare ? last : -1;
  }
  if (!sections[state.b] || state.b === state.a)
    state.b = -1;
}

const comparing = () => state.b >= 0;
const inA = e => sections[state.a].members.length && e.values[sections[state.a].member] !== null;
const inB = e => comparing() && e.values[sections[state.b].member] !== null;
const side = e => !comparing() ? 'both' : inA(e) ? inB(e) ? 'both' : 'a' : 'b';
const isLive = e => sections[state.a].live.has(e) || (comparing() && sections[state.b].live.has(e));

const isSized = i => sections[i].by === 'magnitude';

/* Circuits that were ranked in different ways are compared by each edge's share of the largest
 * value of its circuit. */
function shares(indices) {
  const parts = indices.map(i => {
    const of = e => e.values[sections[i].columns.rank] ?? 0;
    const size = isSized(i) ? e => Math.abs(of(e)) : e => Math.max(of(e), 0);
    const most = sections[i].members.reduce((max, e) => Math.max(max, size(e)), 0);

    return e => most > 0 ? size(e) / most : 0;
  });
  const value = e => Math.max(...parts.map(part => part(e)));

  return {id: 'rank', label: 'share of the largest', column: 'share', value, sized: false,
          key: value};
}

/* What edges can be ranked by: scores in the input, then what the circuit itself carries. */
function rankings() {
  const list = [];
  const own = comparing() ? [state.a, state.b] : [state.a];
  const add = (id, label, column, indices, sized) => {
    const columns = indices.map(i => sections[i].columns[column]).filter(c => c !== undefined);
    const value = e => columns.map(c => e.values[c]).find(v => v !== null) ?? null;

    if (columns.length && edges.some(e => value(e) !== null))
      list.push({id, label, value, sized, column: sized ? 'score' : id === 'rank' ? 'ranking' : id,
                 key: sized ? e => Math.abs(value(e) ?? 0) : e => value(e) ?? -Infinity});
  };

  sections.forEach((s, i) => {
    if (s.kind === 'scores')
      add('score' + i, '|score| in ' + s.name, 'score', [i], true);
  });
  const ranked = own.filter(i => sections[i].columns.rank !== undefined);

  if (new Set(ranked.map(i => sections[i].by)).size > 1)
    list.push(shares(ranked));
  else if (ranked.length)
    add('rank', isSized(ranked[0]) ? '|score|' : 'ranking', 'rank', own, isSized(ranked[0]));
  add('cost', 'cost of removal (KL)', 'cost', own, false);
  if (own.some(i => sections[i].graded))
    add('z', 'z', 'z', own, false);
  return list;
}

const ranking = () => {
  const list = rankings();

  return list.find(r => r.id === state.by) ?? list[0] ?? null;
};

/* The weight of an edge in (0, 1]: its share of the largest value; 1 without a ranking. */
function weigher(rank, among) {
  let most = 0;

  if (!rank)
    return () => 1;
  for (const e of among)
    most = Math.max(most, rank.key(e));
  return e => most > 0 ? Math.max(rank.key(e), 0) / most : 0;
}

function searchTest(text, rank) {
  const value = e => rank?.value(e) ?? 0;
  const signs = {__proto__: null, negative: e => value(e) < 0, positive: e => value(e) > 0};
  const words = text.toLowerCase().split(/\s+/).filter(Boolean).map(word => {
    const group = state.groups.find(g => g.name.toLowerCase() === word);

    return signs[word] ?? (group ? e => group.nodes.includes(e.from) || group.nodes.includes(e.to)
      : word.length > 1 && word[0] === '-' && word[1] !== '>'
        ? e => !e.search.includes(word.slice(1)) : e => e.search.includes(word));
  });

  return e => words.every(w => w(e));
}

/* More edges than these are folded into their nodes, with a ranking and without. */
const SINGLY = {ranked: 300, unranked: 500};
const STRONGEST = 150; /* of folded edges, the number that is drawn */

/* Counts and sums of the edges into and out of each node. */
function sumNodes(shown, weight) {
  const sums = new Map();
  const of = name => {
    if (!sums.has(name))
      sums.set(name, {...parseNode(name), q: 0, k: 0, v: 0, m: 0, l: 0, in: 0, out: 0,
                      inSum: 0, outSum: 0, kindSum: {q: 0, k: 0, v: 0, m: 0, l: 0}});
    return sums.get(name);
  };

  for (const e of shown) {
    const from = of(e.from), to = of(e.to), w = weight(e);

    from.out++;
    from.outSum += w;
    to.in++;
    to[e.kind]++;
    to.inSum += w;
    to.kindSum[e.kind] += w;
  }
  return sums;
}

/* everything: edges of the source(s), strongest first. ranked: the first n of them. shown: those
 * that search and pins leave. drawn: the live ones of these; singly: those drawn as curves. */
function computeView() {
  const rank = ranking();
  const everything = edges.filter(e => inA(e) || inB(e));
  const tie = new Map(edges.map((e, i) => [e, i]));

  if (rank)
    everything.sort((x, y) => rank.key(y) - rank.key(x) || tie.get(x) - tie.get(y));
  const n = rank && state.n > 0 ? Math.min(state.n, everything.length) : everything.length;
  const ranked = everything.slice(0, n);
  const live = ranked.filter(isLive);
  const ends = state.pins.map(pin => pinEnds(pin, edges)).filter(end => end.ins.length);
  const found = searchTest(state.q, rank);
  let kept = null;

  if (ends.length && state.show === 'direct')
    kept = new Set(ranked.filter(e => ends.some(end => touches(end, e))));
  else if (ends.length && (state.show === 'any' || (state.show === 'between' && ends.length < 2)))
    kept = throughAny(live, ends);
  else if (ends.length && state.show === 'through')
    kept = throughAll(live, ends, graph.layers);
  else if (ends.length > 1 && state.show === 'between')
    kept = throughAll(live, ends, graph.layers, true);
  const shown = ranked.filter(e => found(e) && (!kept || kept.has(e)));
  const weight = weigher(rank, everything);
  const drawn = shown.filter(isLive);
  const most = rank ? SINGLY.ranked : SINGLY.unranked;
  const folds = state.fold === 'fold' || (state.fold === 'auto' && drawn.length > most);
  const singly = !folds ? drawn : rank ? drawn.slice(0, STRONGEST) : [];

  const base = sections[state.a].kind === 'scores' ? ranked : everything; /* their nodes are drawn */

  return {rank, everything, n, ranked, shown, drawn, singly, folds, weight, ends,
          members: base.filter(isLive), sums: sumNodes(drawn, weight)};
}
