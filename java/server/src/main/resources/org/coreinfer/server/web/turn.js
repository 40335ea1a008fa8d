/** One turn of a conversation, as it is shown: what was said, and the answers to it. */

import {render} from './markdown.js';
import {bytes, duration, percent, rate} from './numbers.js';
import {compare} from './words.js';

const FINISHES = {
  length: 'as long as it may be',
  cancelled: 'stopped',
  timed_out: 'out of time',
};

export class Turn {
  /**
   * @param {string} user what was said; empty to go on with a story
   * @param {string[]} columns of answers, such as core and dense
   * @param {boolean} isStory whether text is shown as it is
   */
  constructor(user, columns, isStory) {
    this.isStory = isStory;
    this.element = make('article', isStory ? 'turn story' : 'turn');
    if (user.trim() !== '') {
      this.element.append(make('div', 'user', user.trim()));
    }
    const grid = make('div', columns.length > 1 ? 'answers two' : 'answers one');
    this.answers = columns.map((column) => new AnswerView(column, () => this.draw()));
    this.answers.forEach((answer) => grid.append(answer.element));
    this.element.append(grid);
  }

  /** Shows the answers' texts; where there are two, the words in which they differ. */
  draw() {
    const [one, other] = this.answers;
    if (!other) {
      one.show(this.isStory ? one.text.trimStart() : render(one.text), this.isStory);
      return;
    }
    const parts = compare(
        one.text.trimStart(), other.text.trimStart(), !one.isBusy && !other.isBusy);
    one.show(marked(parts[0]), true);
    other.show(marked(parts[1]), true);
  }
}

/** One answer: its text, which grows, and what it took. */
class AnswerView {
  constructor(column, onChange) {
    this.column = column;
    this.onChange = onChange;
    this.text = '';
    this.isBusy = true;
    this.tokens = 0;
    this.firstMillis = null;
    this.began = performance.now();
    this.drawing = 0;
    this.element = make('section', 'answer');
    this.element.dataset.column = column;
    this.heading = make('h3', '', column);
    this.body = make('div', 'text');
    this.body.setAttribute('aria-live', 'polite');
    this.facts = make('p', 'facts');
    this.element.append(this.heading, this.body, this.facts);
    this.wait();
  }

  /** It is another answer's turn first. */
  wait() {
    this.facts.textContent = 'waiting';
  }

  begin() {
    this.began = performance.now();
    this.body.setAttribute('aria-busy', 'true');
    this.facts.textContent = 'reading …';
  }

  /** Takes a piece of text. */
  add(text) {
    const now = performance.now();
    this.firstMillis ??= now - this.began;
    this.text += text;
    this.tokens++;
    const seconds = (now - this.began - this.firstMillis) / 1000;
    const speed = seconds > 0.2 ? `, ${rate((this.tokens - 1) / seconds)}` : '';
    this.facts.textContent = `first token after ${duration(this.firstMillis)}${speed}`;
    if (this.drawing === 0) {
      this.drawing = requestAnimationFrame(() => this.redraw());
    }
  }

  redraw() {
    this.drawing = 0;
    this.onChange();
  }

  /** @param {boolean} isPlain whether lines and blanks are shown as they are */
  show(content, isPlain) {
    this.body.classList.toggle('plain', isPlain);
    this.body.replaceChildren(content);
  }

  /**
   * The answer has ended.
   *
   * @param {?object} usage what the server says that it took; null if it was stopped before its end
   * @param {?number} bytesPerToken null if unknown
   */
  end(usage, bytesPerToken) {
    this.isBusy = false;
    this.body.removeAttribute('aria-busy');
    this.facts.textContent = usage ? told(usage, this.firstMillis, bytesPerToken) : this.stopped();
    if (usage) {
      this.heading.textContent = `${this.column} · ${percent(usage.coreinfer.keep_measured)} of neurons`;
    }
    this.redraw();
  }

  stopped() {
    return this.tokens === 0 ? 'stopped before the first token' : `stopped after ${this.tokens} tokens`;
  }

  /** Says why there is no answer, or no more of it. */
  fail(sentence) {
    this.end(null, null);
    this.facts.textContent = '';
    const error = make('p', 'error', sentence);
    error.setAttribute('role', 'alert');
    this.element.append(error);
  }
}

/** What an answer took, in a line. */
function told(usage, firstMillis, bytesPerToken) {
  const {timings, finish_reason: finish} = usage.coreinfer;
  const cached = usage.prompt_tokens_details.cached_tokens;
  const facts = [
    firstMillis === null ? null : `first token after ${duration(firstMillis)}`,
    `${usage.prompt_tokens} tokens read${cached ? ` (${cached} known before)` : ''}`
        + ` at ${rate(timings.prefill_tokens_per_second)}`,
    `${usage.completion_tokens} written at ${rate(timings.decode_tokens_per_second)}`,
    bytesPerToken === null ? null : `${bytes(bytesPerToken)} per token`,
    FINISHES[finish] ?? null,
  ];
  return facts.filter((fact) => fact !== null).join(' · ');
}

function marked(parts) {
  const out = document.createDocumentFragment();
  for (const part of parts) {
    if (part.differs) {
      const space = /^\s*/.exec(part.text)[0];
      out.append(space, make('mark', '', part.text.slice(space.length)));
    } else {
      out.append(part.text);
    }
  }
  return out;
}

function make(name, className, text = '') {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}
