/** Numbers as people read them. */

export function percent(share) {
  return `${Math.round(share * 100)} %`;
}

export function rate(perSecond) {
  return `${significant(perSecond)} tokens/s`;
}

export function bytes(count) {
  const units = ['B', 'KB', 'MB', 'GB'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${significant(value)} ${units[unit]}`;
}

export function duration(millis) {
  return millis < 1000 ? `${significant(millis)} ms` : `${significant(millis / 1000)} s`;
}

/** Three digits; more are noise. */
function significant(value) {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString('en', {maximumFractionDigits: digits});
}
