/** The server's API: the model that it has, and answers while they come. */

/** What the server, or the way to it, has against a request, as a sentence. */
export class Refusal extends Error {
  /**
   * @param {string} message
   * @param {number} status of HTTP; 0 where nothing came back
   * @param {string} code of the error, such as context_length_exceeded
   */
  constructor(message, status, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** What the server says of its model. */
export async function askModel(key) {
  const response = await send('v1/models', {headers: headers(key)});
  return (await response.json()).data[0];
}

/**
 * The chunks of a streamed answer, parsed.
 *
 * @param {string} path such as v1/completions
 * @param {object} body without its `stream`
 * @param {AbortSignal} signal cancels, which the server notices, too
 */
export async function* stream(path, body, key, signal) {
  const streamed = {...body, stream: true, stream_options: {include_usage: true}};
  const response = await send(path, {
    method: 'POST',
    headers: {...headers(key), 'Content-Type': 'application/json'},
    body: JSON.stringify(streamed),
    signal,
  });
  let isWhole = false;
  for await (const data of events(response.body)) {
    if (data === '[DONE]') {
      isWhole = true;
      break;
    }
    const chunk = JSON.parse(data);
    if (chunk.error) {
      throw new Refusal(sentence(chunk.error.message), response.status, chunk.error.code);
    }
    yield chunk;
  }
  if (!isWhole) {
    throw new Refusal('The answer broke off: the connection was lost.', 0, 'broken');
  }
}

/** The data of server-sent events; comments, which are heartbeats, say nothing. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let data = [];
  for (;;) {
    const {done, value} = await reader.read();
    if (done) {
      return;
    }
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const text = line.endsWith('\r') ? line.slice(0, -1) : line;
      if (text.startsWith('data:')) {
        data.push(text.slice(text[5] === ' ' ? 6 : 5));
      } else if (text === '' && data.length > 0) {
        yield data.join('\n');
        data = [];
      }
    }
  }
}

function headers(key) {
  return key ? {Authorization: `Bearer ${key}`} : {};
}

async function send(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (e) {
    if (e.name === 'AbortError') {
      throw e;
    }
    throw new Refusal('The server cannot be reached: is it still running?', 0, 'unreachable');
  }
  if (!response.ok) {
    throw await refusal(response);
  }
  return response;
}

async function refusal(response) {
  let error = {};
  try {
    error = (await response.json()).error ?? {};
  } catch {
    // Something between here and the server has answered; its status is all there is to say.
  }
  const said = error.message ?? `the server answered with status ${response.status}`;
  const wait = response.headers.get('Retry-After');
  const again = response.status === 429 && wait ? ` Try again in ${wait} s.` : '';
  return new Refusal(sentence(said) + again, response.status, error.code ?? '');
}

function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
