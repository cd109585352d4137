/* The controls above the picture, and all events. */
'use strict';

function options(select, list, value) {
  const html = list.map(([id, text]) => `<option value="${escapeText(id)}">${escapeText(text)}` +
    '</option>').join('');

  if (select.dataset.html !== html) {
    select.innerHTML = html;
    select.dataset.html = html;
  }
  select.value = value;
}

function showControls() {
  const {view} = current, all = view.everything.length;
  const list = rankings().map(r => [r.id, r.label]);
  const names = sections.map((s, i) => [String(i), s.name + (s.kind === 'scores' ? ' (scores)' : '') +
    (sections.filter(o => o.name === s.name).length > 1 ? ` #${i + 1}` : '')]);
  const others = circuits.filter(i => i !== state.a).map(i => names[i]);

  $('n').max = $('count').max = Math.max(all, 1);
  $('n').disabled = $('count').disabled = !view.rank;
  $('slider').title = view.rank ? '' : 'this circuit carries no ranking; give scores as well';
  $('n').value = $('count').value = view.n;
  options($('by'), list.length ? list : [['', 'no ranking']], view.rank?.id ?? '');
  options($('a'), circuits.length ? circuits.map(i => names[i]) : names, String(state.a));
  options($('b'), [['-1', 'nothing'], ...others], String(state.b));
  $('sourceA').hidden = $('sourceB').hidden = circuits.length < 2;
  $('axes').hidden = graph.positions.length === 0;
  for (const id of ['show', 'fold', 'colour', 'axis', 'theme'])
    $(id).value = state[id];
  $('colour').querySelector('[value=side]').hidden = !comparing();
  $('tight').checked = state.tight;
  if (document.activeElement !== $('q'))
    $('q').value = state.q;
}

const nextChoice = id => {
  const values = [...$(id).options].map(o => o.value);

  set({[id]: values[(values.indexOf(state[id]) + 1) % values.length]});
};

const changeCount = factor => {
  const n = current.view.n;

  set({n: Math.max(1, Math.min(current.view.everything.length,
                               Math.round(factor > 1 ? Math.max(n * factor, n + 1)
                                                     : Math.min(n * factor, n - 1))))});
};

const keys = {
  '/': () => $('q').select(), x: () => set({pins: []}), t: () => set({theme: isDark() ? 'light' : 'dark'}),
  e: save, '+': () => zoomBy(1.3), '=': () => zoomBy(1.3), '-': () => zoomBy(1 / 1.3),
  0: fitWindow, '[': () => changeCount(1 / 1.15), ']': () => changeCount(1.15),
  p: () => nextChoice('show'), f: () => nextChoice('fold'), Escape: () => pointAt(null),
  '?': () => set({tab: 'help'}),
};

const arrows = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

function onKey(event) {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  const inTable = event.target === $('panel') && listed.columns;
  const accept = event.key === 'Enter' || event.key === ' ';
  let done = true;

  if (event.ctrlKey || event.metaKey || event.altKey || (typing && event.key !== 'Escape'))
    return;
  if (typing)
    event.target.blur();
  else if (event.target === stage && arrows[event.key])
    moveCursor(...arrows[event.key]);
  else if (event.target === stage && accept && cursor)
    pinWhat({key: cursor});
  else if (inTable && (event.key === 'ArrowDown' || event.key === 'ArrowUp'))
    moveRow(event.key === 'ArrowDown' ? 1 : -1);
  else if (inTable && (event.key === 'PageDown' || event.key === 'PageUp'))
    moveRow(event.key === 'PageDown' ? 20 : -20);
  else if (inTable && accept && listed.items[listed.row])
    togglePin(listed.items[listed.row].name);
  else if (/^[1-9]$/.test(event.key) && panels[event.key - 1])
    set({tab: panels[event.key - 1].id});
  else if (keys[event.key] && graph)
    keys[event.key]();
  else
    done = false;
  if (done)
    event.preventDefault();
}

function listenStage() {
  stage.addEventListener('pointermove', event => {
    if (drag)
      dragTo(event);
    else if (event.target.closest('#tools') === null)
      pointAt(whatIsAt(event));
  });
  stage.addEventListener('pointerleave', () => pointAt(null));
  stage.addEventListener('pointerdown', event => {
    if (event.button !== 0 || event.target.closest('#tools'))
      return;
    const b = viewBox();

    drag = {x: event.clientX, y: event.clientY, cx: b.x + b.w / 2, cy: b.y + b.h / 2, far: false};
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener('pointerup', event => {
    const far = drag?.far;

    if (!drag)
      return;
    drag = null;
    if (far)
      writeState();
    else
      pinWhat(whatIsAt(event));
  });
  stage.addEventListener('wheel', event => {
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY * .0015), event);
  }, {passive: false});
  stage.addEventListener('dblclick', fitWindow);
  $('closer').onclick = () => zoomBy(1.3);
  $('farther').onclick = () => zoomBy(1 / 1.3);
  $('fit').onclick = fitWindow;
}

function rowOf(event) {
  const row = event.target.closest('tr.row');

  return row ? listed.items[row.dataset.row] : null;
}

function listenPanel() {
  const panel = $('panel');

  panel.addEventListener('scroll', fillTable);
  panel.addEventListener('focus', fillTable);
  panel.addEventListener('pointerover', event => {
    const item = rowOf(event);

    if (item)
      pointAt(listed.kind === 'edges' ? {edge: item} : {name: item.name});
  });
  panel.addEventListener('pointerleave', () => graph && pointAt(null));
  panel.addEventListener('click', event => {
    const item = rowOf(event), {sort, unpin, ungroup, wrong} = event.target.dataset;

    if (item)
      togglePin(item.name);
    else if (sort !== undefined)
      set({sort: state.sort === sort ? '-' + sort : sort});
    else if (wrong !== undefined)
      set({wrong: state.wrong === wrong ? '' : wrong});
    else if (unpin !== undefined)
      set({pins: unpin === '' ? [] : state.pins.filter(p => p !== unpin)});
    else if (ungroup !== undefined)
      set({groups: state.groups.filter(g => g.name !== ungroup)});
  });
  panel.addEventListener('submit', event => {
    const name = new FormData(event.target).get('name').trim();
    const nodes = [...new Set(state.pins.filter(p => !p.includes('->')).map(p => p.split('@')[0]))];

    event.preventDefault();
    if (name && nodes.length)
      set({groups: [...state.groups.filter(g => g.name !== name)
        .map(g => ({...g, nodes: g.nodes.filter(n => !nodes.includes(n))})),
                    {name, nodes}], pins: []});
  });
  $('tabs').addEventListener('click', event => {
    if (event.target.dataset.tab)
      set({tab: event.target.dataset.tab});
  });
}

/* Draws once a frame, however often a value changes. */
let waiting = null;

function soon(changes) {
  waiting ??= requestAnimationFrame(() => {
    waiting = null;
    render();
  });
  Object.assign(state, changes);
}

function listenControls() {
  for (const id of ['by', 'show', 'fold', 'colour', 'axis', 'theme'])
    $(id).addEventListener('change', event => set({[id]: event.target.value}));
  for (const id of ['a', 'b'])
    $(id).addEventListener('change', event => set({[id]: Number(event.target.value), n: initial.n}));
  for (const id of ['n', 'count'])
    $(id).addEventListener('input', event => {
      if (event.target.value >= 1)
        soon({n: Number(event.target.value)});
    });
  $('q').addEventListener('input', event => soon({q: event.target.value}));
  $('tight').addEventListener('change', event => set({tight: event.target.checked}));
  $('export').onclick = save;
  $('copy').onclick = () => navigator.clipboard?.writeText(location.href);
}

/* Without a graph the picture's place has the drawings of reports, curves and logs. */
function showFigures() {
  document.body.classList.add('plain');
  $('title').textContent = document.title;
  $('q').placeholder = '(key /)';
  stage.replaceChildren(...$('figures').children);
  document.body.classList.toggle('alone', stage.childElementCount === 0);
  $('figures').remove();
}

function start() {
  initial.n = data.top ?? 0;
  readState(location.hash);
  listPanels();
  if (graph) {
    settleSources();
    listenStage();
    new ResizeObserver(() => render()).observe(stage);
  } else
    showFigures();
  listenControls();
  listenPanel();
  document.addEventListener('keydown', onKey);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', render);
  addEventListener('hashchange', () => {
    if (location.hash === ownFragment)
      return;
    readState(location.hash);
    if (graph)
      settleSources();
    render();
  });
  render();
}

start();
