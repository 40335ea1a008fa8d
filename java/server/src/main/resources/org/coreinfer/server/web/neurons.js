/** The picture of core neurons: a strip for each layer, and what changed since the turn before. */

import {percent} from './numbers.js';

/** Sets of neurons, one per layer. */
export class NeuronSets {
  /**
   * @param {number} neurons of each layer
   * @param {string[]} layers base64 of bits: neuron i is bit i % 8, from the lowest, of byte i / 8
   */
  constructor(neurons, layers) {
    this.neurons = neurons;
    this.layers = layers.map((text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
  }

  has(layer, neuron) {
    return (this.layers[layer][neuron >> 3] >> (neuron & 7)) & 1;
  }

  /** Counts a layer's neurons from..to of this set alone, of both, and of the other alone. */
  count(layer, other, from = 0, to = this.neurons) {
    const counts = {kept: 0, fresh: 0, dropped: 0};
    for (let neuron = from; neuron < to; neuron++) {
      const isNow = this.has(layer, neuron);
      const wasBefore = other ? other.has(layer, neuron) : isNow;
      counts.kept += isNow & wasBefore;
      counts.fresh += isNow & ~wasBefore & 1;
      counts.dropped += wasBefore & ~isNow & 1;
    }
    return counts;
  }
}

/** The table that shows them. */
export class Picture {
  /** @param {HTMLTableSectionElement} body */
  constructor(body) {
    this.body = body;
    this.now = null;
    this.before = null;
    new ResizeObserver(() => this.paint()).observe(body);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.paint());
  }

  clear() {
    this.now = null;
    this.before = null;
    this.body.replaceChildren();
  }

  /** What is shown from now on is compared with what was shown last. */
  beginTurn() {
    this.before = this.now;
  }

  /**
   * @param {NeuronSets} now
   * @returns {{share: number, overlap: ?number}} of all layers: neurons kept, and those of them
   *     that were core in the turn before; null in the first turn
   */
  show(now) {
    this.now = now;
    if (this.body.rows.length !== now.layers.length) {
      this.body.replaceChildren(...now.layers.map((_, layer) => row(layer)));
      this.body.parentElement.classList.toggle('many', now.layers.length > 16);
    }
    let kept = 0;
    let total = 0;
    now.layers.forEach((_, layer) => {
      const counts = now.count(layer, this.before);
      const size = counts.kept + counts.fresh;
      const cells = this.body.rows[layer].cells;
      cells[2].textContent = `${size} (${percent(size / now.neurons)})`;
      cells[3].textContent = this.before ? percent(counts.kept / size) : '–';
      cells[1].firstChild.setAttribute('aria-label',
          `${counts.kept} core neurons as before, ${counts.fresh} new, ${counts.dropped} dropped`);
      kept += counts.kept;
      total += size;
    });
    this.paint();
    return {
      share: total / now.layers.length / now.neurons,
      overlap: this.before ? kept / total : null,
    };
  }

  /** Paints each pixel column as a stack: which part of its neurons is kept, new, or dropped. */
  paint() {
    const style = getComputedStyle(document.documentElement);
    const colours = ['kept', 'new', 'dropped'].map((name) => style.getPropertyValue(`--${name}`));
    [...this.body.rows].forEach((each, layer) => {
      paintLayer(each.cells[1].firstChild, colours, this.now, this.before, layer);
    });
  }
}

function row(layer) {
  const out = document.createElement('tr');
  const head = document.createElement('th');
  head.scope = 'row';
  head.textContent = layer;
  const canvas = document.createElement('canvas');
  canvas.setAttribute('role', 'img');
  const cell = document.createElement('td');
  cell.append(canvas);
  out.append(head, cell, document.createElement('td'), document.createElement('td'));
  return out;
}

function paintLayer(canvas, colours, now, before, layer) {
  const width = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
  const height = Math.max(1, Math.round(canvas.clientHeight * devicePixelRatio));
  canvas.width = width; // which clears it
  canvas.height = height;
  const context = canvas.getContext('2d');
  for (let x = 0; x < width; x++) {
    const from = Math.floor((x * now.neurons) / width);
    const to = Math.max(from + 1, Math.floor(((x + 1) * now.neurons) / width));
    const counts = now.count(layer, before, from, to);
    let base = 0;
    [counts.kept, counts.fresh, counts.dropped].forEach((count, i) => {
      const top = base + (count * height) / (to - from);
      context.fillStyle = colours[i];
      context.fillRect(x, height - top, 1, top - base);
      base = top;
    });
  }
}
