/* What is shown. The fragment of the address holds everything that differs from the defaults, so
 * that a view can be sent as a link. */
'use strict';

const initial = {n: 0, by: '', q: '', pins: [], show: 'all', fold: 'auto', axis: 'side',
                 colour: 'auto', theme: 'auto', a: -1, b: -1, tab: '', zoom: null, groups: [],
                 tight: false, sort: '', wrong: ''};
const state = structuredClone(initial);

/* Lists are separated by commas, groups written as NAME:node+node. */
function stateText() {
  const words = [];

  for (const [key, usual] of Object.entries(initial)) {
    const value = state[key];
    let text = Array.isArray(value) ? value.join(',') : String(value);

    if (key === 'groups')
      text = value.map(g => g.name + ':' + g.nodes.join('+')).join(',');
    if (key === 'zoom' && value)
      text = value.map(x => Math.round(x * 1000) / 1000).join(',');
    if (JSON.stringify(value) !== JSON.stringify(usual))
      words.push(key + '=' + encodeURIComponent(text).replace(/%2C/g, ',').replace(/%3E/g, '>'));
  }
  return words.join('&');
}

function readState(fragment) {
  Object.assign(state, structuredClone(initial));
  for (const word of fragment.replace(/^#/, '').split('&')) {
    const [key, raw = ''] = word.split('=');
    let text;

    try {
      text = decodeURIComponent(raw);
    } catch {
      continue;
    }
    if (!(key in initial))
      continue;
    if (key === 'pins')
      state.pins = text.split(',').filter(Boolean);
    else if (key === 'zoom')
      state.zoom = text.split(',').map(Number).every(Number.isFinite)
        ? text.split(',').map(Number) : null;
    else if (key === 'groups')
      state.groups = text.split(',').filter(g => g.includes(':')).map(g => {
        const [name, nodes] = g.split(':');
        return {name, nodes: nodes.split('+')};
      });
    else if (typeof initial[key] === 'number')
      state[key] = Number.isFinite(+text) ? +text : initial[key];
    else
      state[key] = key === 'tight' ? text === 'true' : text;
  }
}

let ownFragment = '';

function writeState() {
  ownFragment = '#' + stateText();
  try {
    history.replaceState(null, '', ownFragment);
  } catch {
    location.replace(ownFragment);
  }
}
