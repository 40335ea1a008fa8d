/** Where two texts differ, word by word. */

/** Longer texts are compared up to here: the time grows with the square. */
const MOST_WORDS = 1500;

/**
 * Marks the words of each text that the other lacks, by their longest common subsequence.
 *
 * @param {boolean} isWhole whether both have ended; if not, what one is ahead is not a difference
 * @returns {Array<Array<{text: string, differs: boolean}>>} the parts of both texts
 */
export function compare(one, other, isWhole) {
  const a = one.match(/\s*\S+|\s+$/g) ?? [];
  const b = other.match(/\s*\S+|\s+$/g) ?? [];
  const both = Math.min(a.length, b.length);
  const [endA, endB] = isWhole ? [a.length, b.length] : [both, both];
  const [isCommonA, isCommonB] = common(
      a.slice(0, Math.min(endA, MOST_WORDS)), b.slice(0, Math.min(endB, MOST_WORDS)));
  const parts = (words, isCommon) => words.map(
      (text, i) => ({text, differs: i < isCommon.length && !isCommon[i]}));
  return [parts(a, isCommonA), parts(b, isCommonB)];
}

function common(a, b) {
  const left = a.map((word) => word.trim());
  const right = b.map((word) => word.trim());
  const width = right.length + 1;
  const lengths = new Uint16Array((left.length + 1) * width); // of what is common from (i, j) on
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      lengths[i * width + j] = left[i] === right[j]
          ? lengths[(i + 1) * width + j + 1] + 1
          : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  const isCommon = [left.map(() => false), right.map(() => false)];
  let i = 0;
  let j = 0;
  while (i < left.length && j < right.length) {
    if (left[i] === right[j]) {
      isCommon[0][i++] = true;
      isCommon[1][j++] = true;
    } else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) {
      i++;
    } else {
      j++;
    }
  }
  return isCommon;
}
