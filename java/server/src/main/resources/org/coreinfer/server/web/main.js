/** The page: sends what is typed, and shows what comes back. */

import {Refusal, askModel, stream} from './api.js';
import {Conversation} from './conversation.js';
import {NeuronSets, Picture} from './neurons.js';
import {bytes, duration, percent, rate} from './numbers.js';
import {isAtOnce, requestFields, systemPrompt, watchKeep} from './settings.js';
import {Turn} from './turn.js';

const KEY = 'coreinfer-key';
const byId = (id) => document.getElementById(id);

const welcome = byId('welcome');
const picture = new Picture(byId('layers'));
let model = null;
let conversation = null;
let running = null; // the AbortController of the turn in progress

function key() {
  return sessionStorage.getItem(KEY) ?? '';
}

async function connect() {
  try {
    model = await askModel(key());
  } catch (e) {
    if (!(e instanceof Refusal)) {
      throw e;
    }
    if (e.status === 401) {
      askForKey(key() ? e.message : '');
    }
    byId('model').textContent = e.message;
    return;
  }
  byId('key-form').hidden = true;
  const {architecture, layers, neurons, backend} = model.meta;
  byId('model').textContent =
      `${model.id} · ${architecture}, ${layers} × ${neurons} neurons, on ${backend}`;
  startAnew();
}

function askForKey(error) {
  byId('key-form').hidden = false;
  byId('key-error').textContent = error;
  byId('key-error').hidden = error === '';
  byId('key').focus();
}

function startAnew() {
  running?.abort();
  conversation = new Conversation(!model.meta.has_chat_template);
  picture.clear();
  byId('numbers').replaceChildren();
  byId('picture-hint').hidden = false;
  welcome.textContent = conversation.isStory
      ? 'This model has no chat template, so it goes on with your text: begin a story. Later, an empty message lets it go on.'
      : 'Say something.';
  byId('conversation').replaceChildren(welcome);
  byId('prompt').placeholder = conversation.isStory ? 'Once upon a time' : 'Message';
  byId('prompt-label').textContent = conversation.isStory ? 'Text to go on with' : 'Message';
  byId('system-field').hidden = conversation.isStory;
  byId('prompt').focus();
}

async function send() {
  const input = byId('prompt');
  const canGoOn = conversation?.isStory && conversation.turns.length > 0;
  if (running || !conversation || (input.value.trim() === '' && !canGoOn)) {
    return;
  }
  const user = conversation.isStory ? input.value : input.value.trim();
  input.value = '';
  const columns = byId('both').checked ? ['core', 'dense'] : ['core'];
  const view = new Turn(user, columns, conversation.isStory);
  welcome.remove();
  byId('conversation').append(view.element);
  view.element.scrollIntoView({block: 'end'});
  await take(conversation.add(user), view, conversation);
  if (input.value === '' && view.answers.every((answer) => answer.text === '')) {
    input.value = user; // nothing came of it, so it may be sent again
  }
}

/** Has a turn answered in all of its columns: one after the other, so that speeds are their own. */
async function take(turn, view, talk) {
  running = new AbortController();
  const {signal} = running;
  const seed = Math.floor(Math.random() * 2 ** 31); // the same for all columns
  const ask = (each) => answer({turn, view: each, talk, signal, seed});
  setBusy(true);
  picture.beginTurn();
  try {
    if (isAtOnce()) {
      await Promise.all(view.answers.map(ask));
    } else {
      for (const each of view.answers) {
        await ask(each);
      }
    }
  } finally {
    running = null;
    setBusy(false);
  }
  if (Object.keys(turn.answers).length === 0) {
    talk.remove(turn);
  }
}

async function answer({turn, view, talk, signal, seed}) {
  if (signal.aborted) {
    view.end(null, null);
    return;
  }
  const {column} = view;
  const body = {seed, ...talk.request(column, systemPrompt()), ...requestFields(column)};
  const seen = {bytesPerToken: null, shares: null};
  let usage = null;
  view.begin();
  try {
    for await (const chunk of stream(talk.path, body, key(), signal)) {
      usage = chunk.usage ?? usage;
      if (chunk.coreinfer) {
        seen.bytesPerToken = chunk.coreinfer.bytes_per_token;
        seen.shares = showNeurons(column, chunk.coreinfer, talk) ?? seen.shares;
      }
      const text = talk.textOf(chunk);
      if (text) {
        view.add(text);
        follow(view.element);
      }
    }
    view.end(usage, seen.bytesPerToken);
  } catch (e) {
    fail(view, e);
  }
  if (view.text || usage) {
    turn.answers[column] = view.text;
  }
  if (usage && column === 'core' && talk === conversation) {
    showNumbers(usage, view.firstMillis, seen);
  }
  follow(view.element);
}

function fail(view, e) {
  if (e.name === 'AbortError') {
    view.end(null, null);
    return;
  }
  if (!(e instanceof Refusal)) {
    view.fail(`The page has failed: ${e.message}.`);
    throw e;
  }
  if (e.status === 401) {
    askForKey(e.message);
  }
  const isFull = e.code === 'context_length_exceeded';
  view.fail(isFull ? `${e.message} Or begin anew with the button New.` : e.message);
}

function showNeurons(column, told, talk) {
  if (column !== 'core' || talk !== conversation) {
    return null;
  }
  byId('picture-hint').hidden = true;
  return picture.show(new NeuronSets(told.neurons, told.core_neurons));
}

function showNumbers(usage, firstMillis, seen) {
  const {timings} = usage.coreinfer;
  const numbers = {
    'Core neurons': seen.shares && percent(seen.shares.share),
    'As before': seen.shares?.overlap == null ? null : percent(seen.shares.overlap),
    'Bytes per token': seen.bytesPerToken && bytes(seen.bytesPerToken),
    'Of dense decoding’s': seen.bytesPerToken
        && percent(seen.bytesPerToken / model.meta.bytes_per_token),
    'Reading': rate(timings.prefill_tokens_per_second),
    'Writing': rate(timings.decode_tokens_per_second),
    'First token': firstMillis === null ? null : duration(firstMillis),
  };
  byId('numbers').replaceChildren(...Object.entries(numbers).map(([name, value]) => {
    const pair = document.createElement('div');
    const term = document.createElement('dt');
    const detail = document.createElement('dd');
    term.textContent = name;
    detail.textContent = value ?? '–';
    pair.append(term, detail);
    return pair;
  }));
}

/** Keeps the end in view, unless the reader has scrolled away from it. */
function follow(element) {
  const list = byId('conversation');
  if (list.scrollHeight - list.scrollTop - list.clientHeight < 160) {
    requestAnimationFrame(() => element.scrollIntoView({block: 'end'}));
  }
}

function setBusy(isBusy) {
  byId('send').hidden = isBusy;
  byId('stop').hidden = !isBusy;
}

byId('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  send();
});
byId('prompt').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send();
  }
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    running?.abort();
  }
});
byId('stop').addEventListener('click', () => {
  running?.abort();
  byId('prompt').focus();
});
byId('fresh').addEventListener('click', () => model && startAnew());
byId('settings-button').addEventListener('click', () => {
  const settings = byId('settings');
  settings.hidden = !settings.hidden;
  byId('settings-button').setAttribute('aria-expanded', String(!settings.hidden));
});
byId('key-form').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, byId('key').value.trim());
  byId('key').value = '';
  connect();
});

watchKeep();
connect();
