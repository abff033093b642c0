// Numbers of 64 bits, which JavaScript would round: those that do not fit become text.

const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Reads JSON. Whole numbers that JavaScript cannot hold exactly are text. */
export function parse(text) {
  return JSON.parse(text.replace(TOKENS, (token) => {
    const isLarge = /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token));
    return isLarge ? `"${token}"` : token;
  }));
}

const format = new Intl.NumberFormat("en");

/** A whole number with its groups of digits, of any size. */
export const count = (value) => value === null || value === undefined ? "–" : format.format(typeof value === "string" ? BigInt(value) : value);

/** Bytes as people write them. */
export function bytes(value) {
  const number = Number(value);
  if (number < 1024) return `${count(number)} bytes`;
  const [unit, size] = number < 1024 ** 2 ? ["KiB", 1024] : number < 1024 ** 3 ? ["MiB", 1024 ** 2] : ["GiB", 1024 ** 3];
  return `${new Intl.NumberFormat("en", { maximumFractionDigits: 1 }).format(number / size)} ${unit}`;
}
