/** What the form says of how to answer. */

const field = (id) => document.getElementById(id);

let isKeepChosen = false;

/** Lets the keep slider tell its value. */
export function watchKeep() {
  const keep = field('keep');
  const tell = () => {
    field('keep-value').textContent =
        isKeepChosen ? `${Math.round(keep.value * 100)} %` : 'as the server has it';
    field('keep-reset').hidden = !isKeepChosen;
  };
  keep.addEventListener('input', () => {
    isKeepChosen = true;
    tell();
  });
  field('keep-reset').addEventListener('click', () => {
    isKeepChosen = false;
    keep.focus();
    tell();
  });
  tell();
}

export function systemPrompt() {
  return field('system').value.trim();
}

export function isAtOnce() {
  return field('at-once').checked;
}

/**
 * The fields of a request for a column; empty inputs leave it to the server.
 *
 * @param {string} column dense computes every neuron, whatever else is set
 */
export function requestFields(column) {
  const fields = {};
  for (const [name, id] of [
    ['max_tokens', 'max-tokens'],
    ['temperature', 'temperature'],
    ['top_p', 'top-p'],
    ['seed', 'seed'],
  ]) {
    if (field(id).value !== '') {
      fields[name] = Number(field(id).value);
    }
  }
  fields.coreinfer = {neurons: true};
  if (column === 'dense') {
    fields.coreinfer.method = 'dense';
    return fields;
  }
  if (field('method').value) {
    fields.coreinfer.method = field('method').value;
  }
  if (field('rule').value) {
    fields.coreinfer.rule = field('rule').value;
  }
  if (isKeepChosen && field('method').value !== 'dense') {
    fields.coreinfer.keep = Number(field('keep').value);
  }
  return fields;
}
