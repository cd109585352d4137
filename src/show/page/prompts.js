/* Prompts with their tokens and answers, and what the reports of the input have of them. */
'use strict';

function tokenText(tasks, token) {
  return typeof token === 'string' ? token : tasks.tokens?.[token] ?? String(token);
}

/* Tokens in boxes, with their indices and the names of their positions; those that differ from
 * the other prompt have a thick frame. */
function tokenBoxes(task, record, tokens, other) {
  if (typeof tokens === 'string')
    return `<p>${escapeText(tokens)}</p>`;
  const names = i => Object.entries(record.positions ?? {}).filter(([, at]) => at === i)
    .map(([name]) => name).join(' ');

  return '<div class="tokens">' + tokens.map((token, i) =>
    `<span class="token${Array.isArray(other) && other[i] !== token ? ' other' : ''}">` +
    `${escapeText(tokenText(task, token).replace(/\n/g, '⏎'))}<small>${i} ${escapeText(names(i))}` +
    '</small></span>').join('') + '</div>';
}

function predictionText(task, list) {
  return (Array.isArray(list) ? list : [list]).map(p => Array.isArray(p)
    ? `"${tokenText(task, p[0])}" ${number(p[1])}`
    : p !== null && typeof p === 'object'
      ? `"${tokenText(task, p.token)}" ${number(p.probability ?? p.p ?? null)}`
      : `"${tokenText(task, p)}"`).join(', ');
}

/* What the reports have of each prompt: by its id, the values and predictions of each circuit. */
const resultsOf = (() => {
  const results = new Map();

  for (const report of data.reports ?? [])
    for (const r of report.records) {
      if (r.id === undefined)
        continue;
      const key = JSON.stringify(r.id);
      const of = results.get(key) ?? new Map();
      const one = of.get(r.circuit) ?? {values: {}, predictions: null, report};

      if (r.predictions)
        one.predictions = r.predictions;
      else
        one.values[r.metric] = r.value;
      results.set(key, of.set(r.circuit, one));
    }
  return record => results.get(JSON.stringify(record.id)) ?? new Map();
})();

/* Whether a circuit gets a prompt wrong, by the first of these that the report has; null: not
 * known. */
function isWrong({values}) {
  for (const metric of ['accuracy', 'right-over-wrong'])
    if (typeof values[metric] === 'number')
      return values[metric] < 1;
  return typeof values['logit-diff'] === 'number' ? values['logit-diff'] <= 0 : null;
}

/* Of a task: for each circuit, the number of prompts that are known and of those that are wrong. */
function countWrong(task) {
  const counts = new Map();

  for (const record of task.records)
    for (const [name, result] of resultsOf(record)) {
      const wrong = isWrong(result), of = counts.get(name) ?? {known: 0, wrong: 0};

      of.known += wrong !== null;
      of.wrong += wrong === true;
      counts.set(name, of);
    }
  return [...counts].filter(([, of]) => of.known > 0);
}

function resultText(task, name, {values, predictions, report}, wrong) {
  const list = Object.entries(values).map(([metric, value]) =>
    `${escapeText(metric)} ${number(value)}`);

  return `<p class="result${wrong ? ' bad' : ''}" data-c="${escapeText(name)}"><b>` +
    `${escapeText(name)}</b>` + (wrong === null ? '' : wrong ? ': ✗ wrong' : ': ✓ right') +
    (predictions ? `, predicts ${escapeText(predictionText(report, predictions))}` : '') +
    (list.length ? `<br><small>${list.join(' · ')}</small>` : '') + '</p>';
}

function promptEntry(task, record) {
  const answers = record.answers ?? (record.answer !== undefined ? [record.answer] : []);
  const wrongs = record.wrongs ?? (record.wrong !== undefined ? [record.wrong] : []);
  const answerText = a => Array.isArray(a) ? a.map(t => tokenText(task, t)).join(task.tokens ? '' : ' ')
    : tokenText(task, a);
  const list = answers => [].concat(answers).map(a => `"${answerText(a)}"`).join(', ');
  const parts = [`<h3>${escapeText(record.id ?? '')}</h3>`];

  if (record.text && !task.tokens)
    parts.push(`<p>${escapeText(record.text.clean)}</p>`);
  parts.push(tokenBoxes(task, record, record.clean, record.corrupted));
  parts.push('corrupted:', tokenBoxes(task, record, record.corrupted, record.clean));
  parts.push(`<p>right ${escapeText(list(answers))}` +
    (wrongs.length ? `, wrong ${escapeText(list(wrongs))}` : '') + '</p>');
  for (const [name, value] of Object.entries(record.predictions ?? {}))
    parts.push(`<p>${escapeText(name)} predicts ${escapeText(predictionText(task, value))}</p>`);
  for (const [name, result] of resultsOf(record))
    parts.push(resultText(task, name, result, isWrong(result)));
  return parts.join('\n');
}

/* A button for each circuit that shows only the prompts that it gets wrong, or all again. */
function wrongButtons(task) {
  return countWrong(task).map(([name, {known, wrong}]) =>
    `<button type="button" data-wrong="${escapeText(name)}" aria-pressed="` +
    `${state.wrong === name}">${escapeText(name)}: ${count(wrong)} of ${count(known)} wrong` +
    '</button>').join(' ');
}

function promptsPanel(panel) {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const isShown = record => {
    const result = resultsOf(record).get(state.wrong);

    return (!state.wrong || (result && isWrong(result))) &&
      (graph || words.every(w => JSON.stringify(record).toLowerCase().includes(w)));
  };

  panel.innerHTML = data.tasks.map(task => {
    const buttons = wrongButtons(task), shown = task.records.filter(isShown);

    return `<h2>${escapeText(baseName(task.name))}: ${count(task.n)} prompts` +
      (task.n > task.records.length ? `, the first ${task.records.length}` : '') + '</h2>' +
      (buttons ? `<p class="wrongs">${buttons}</p>` : '') +
      (shown.length ? '' : '<p class="note">No prompt matches.</p>') +
      shown.map(r => promptEntry(task, r)).join('\n');
  }).join('\n');
}
