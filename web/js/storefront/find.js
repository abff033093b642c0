// Which products a text means.

/** A text without case and accents, as words. */
function wordsOf(text) {
  return (text ?? "").normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);
}

/** How well a word fits a product: a whole word of its name is best, the begin of one next, then brand and category; 0 is not at all. */
function fit(word, { names, others }) {
  if (names.includes(word)) return 4;
  if (names.some((name) => name.startsWith(word))) return 3;
  if (others.some((other) => other.startsWith(word))) return 2;
  return names.some((name) => name.includes(word)) ? 1 : 0;
}

/** The products that every word of `text` fits, the best first. A plural is also looked for as its singular. */
export function found(items, text) {
  const wanted = wordsOf(text);
  if (wanted.length === 0) return [];
  const scored = [];
  for (const item of items) {
    const known = { names: wordsOf(item.name), others: wordsOf(`${item.brand ?? ""} ${item.category}`) };
    const fits = wanted.map((word) => Math.max(fit(word, known), word.length > 3 && word.endsWith("s") ? fit(word.slice(0, -1), known) : 0));
    if (fits.every((fit) => fit > 0)) scored.push([fits.reduce((sum, fit) => sum + fit, 0), item]);
  }
  return scored.toSorted(([a], [b]) => b - a).map(([, item]) => item);
}
