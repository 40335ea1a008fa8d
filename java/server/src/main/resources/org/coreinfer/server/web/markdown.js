/**
 * Text with simple Markdown as elements. Everything that a model wrote becomes text nodes: nothing
 * of it is ever parsed as HTML, and there are neither links nor pictures.
 */

const INLINE = /(`+)(.+?)\1(?!`)|\*\*(?=\S)(.+?)\*\*|\*(?=\S)([^*]+?)\*|\b_(?=\S)([^_]+?)_\b/;

/** @returns {DocumentFragment} */
export function render(text) {
  const out = document.createDocumentFragment();
  const lines = text.split('\n');
  let at = 0;
  while (at < lines.length) {
    const fence = /^\s*(```+|~~~+)/.exec(lines[at]);
    if (fence) {
      at = code(out, lines, at, fence[1]);
    } else if (lines[at].trim() === '') {
      at++;
    } else {
      at = block(out, lines, at);
    }
  }
  return out;
}

function code(out, lines, start, fence) {
  let end = start + 1;
  while (end < lines.length && !lines[end].trim().startsWith(fence)) {
    end++;
  }
  const pre = element(out, 'pre');
  element(pre, 'code').textContent = lines.slice(start + 1, end).join('\n');
  return end + 1;
}

const KINDS = [
  {test: /^\s*[-*+]\s+/, outer: 'ul', inner: 'li'},
  {test: /^\s*\d+[.)]\s+/, outer: 'ol', inner: 'li'},
  {test: /^\s*>\s?/, outer: 'blockquote', inner: 'p'},
  {test: /^#{1,6}\s+/, outer: null, inner: 'h4'},
];

function kindOf(line) {
  return KINDS.find((kind) => kind.test.test(line));
}

/** Lines of one kind: a list, a quotation, a heading, or a paragraph. */
function block(out, lines, start) {
  const kind = kindOf(lines[start]);
  let end = start;
  while (end < lines.length && lines[end].trim() !== '' && kindOf(lines[end]) === kind
      && !/^\s*(```|~~~)/.test(lines[end])) {
    end++;
  }
  const own = lines.slice(start, end);
  if (!kind) {
    const paragraph = element(out, 'p');
    own.forEach((line, i) => {
      if (i > 0) {
        element(paragraph, 'br');
      }
      inline(paragraph, line);
    });
    return end;
  }
  const outer = kind.outer ? element(out, kind.outer) : out;
  if (kind.outer === 'ol') {
    outer.start = Number.parseInt(own[0], 10);
  }
  own.forEach((line) => inline(element(outer, kind.inner), line.replace(kind.test, '')));
  return end;
}

function inline(parent, text) {
  let rest = text;
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    parent.append(rest.slice(0, found.index));
    if (found[2] !== undefined) {
      element(parent, 'code').textContent = found[2];
    } else if (found[3] !== undefined) {
      inline(element(parent, 'strong'), found[3]);
    } else {
      inline(element(parent, 'em'), found[4] ?? found[5]);
    }
    rest = rest.slice(found.index + found[0].length);
  }
  parent.append(rest);
}

function element(parent, name) {
  const child = document.createElement(name);
  parent.append(child);
  return child;
}
