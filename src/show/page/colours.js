/* Colours, and the contrast between them. Those of kinds differ for every kind of colour vision
 * (by at least 0.15 in OKLab, simulated by Machado et al. 2009) and have a contrast of at least 3
 * with the background, texts of at least 4.5; signs and differences also differ in dash. */
'use strict';

const themes = {
  light: {back: '#ffffff', text: '#1f2328', faint: '#57606a', band: '#f3f5f8', line: '#d0d7de',
          node: '#3d4a5c', nodeText: '#ffffff', dot: '#b3bcc6', shade: '#0b4f9e',
          mark: '#8f2d76',
         kind: {q: '#1f9be8', k: '#cc8500', v: '#3648f6', m: '#8c4891', l: '#c2162f'},
         sign: {plus: '#2a74d8', minus: '#c8640a'},
         side: {both: '#6e7781', a: '#2a74d8', b: '#c8640a'}},
  dark: {back: '#0f141a', text: '#e6edf3', faint: '#9aa7b4', band: '#171e27', line: '#303a46',
         node: '#b9c6d6', nodeText: '#0f141a', dot: '#4b5866', shade: '#6cb2ff',
         mark: '#f08fd0',
         kind: {q: '#75c9ff', k: '#e5bb24', v: '#daf5ca', m: '#9777fe', l: '#ff4683'},
         sign: {plus: '#5aa2ff', minus: '#ff9a4d'},
         side: {both: '#a3adb8', a: '#5aa2ff', b: '#ff9a4d'}},
};

function isDark() {
  return state.theme === 'dark' ||
    (state.theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
}

const theme = () => themes[isDark() ? 'dark' : 'light'];

const channels = hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16));

function mix(from, to, share) {
  const a = channels(from), b = channels(to);

  return '#' + a.map((x, i) => Math.round(x + (b[i] - x) * share).toString(16).padStart(2, '0'))
    .join('');
}

/* WCAG's relative luminance and contrast. */
function luminance(hex) {
  const [r, g, b] = channels(hex).map(x => x / 255)
    .map(x => x <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);

  return .2126 * r + .7152 * g + .0722 * b;
}

function contrast(a, b) {
  const x = luminance(a), y = luminance(b);

  return (Math.max(x, y) + .05) / (Math.min(x, y) + .05);
}

/* White or black: one of them always has a contrast of 4.5. */
const textOn = back => contrast(back, '#ffffff') >= contrast(back, '#000000') ? '#ffffff'
  : '#000000';

/* What colours and dashes show: the sign of scores if there are two, else the kind of reader. */
function colouring(view) {
  if (state.colour !== 'auto')
    return state.colour === 'side' && !comparing() ? 'kind' : state.colour;
  if (comparing())
    return 'side';
  return isSigned(view) ? 'sign' : 'kind';
}

const isSigned = view => view.rank?.sized && view.everything.some(e => view.rank.value(e) < 0);
const isNegative = (view, e) => Boolean(view.rank) && (view.rank.value(e) ?? 0) < 0;

function edgeStyle(view, mode, e, t) {
  const negative = isNegative(view, e);
  const colour = mode === 'side' ? t.side[side(e)]
    : mode === 'sign' ? t.sign[negative ? 'minus' : 'plus'] : t.kind[e.kind];

  return {colour, dash: negative ? '5 3' : comparing() && side(e) === 'b' ? '2 3' : ''};
}
