// How values are written.

const formats = new Map();

/** `{ amount: "19.99", currency: "USD" }` as the reader's locale writes it. */
export function money({ amount, currency }) {
  if (!formats.has(currency)) formats.set(currency, new Intl.NumberFormat(undefined, { style: "currency", currency }));
  return formats.get(currency).format(amount);
}

const whole = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });

/** A whole number with its groups of digits. */
export const count = (number) => whole.format(number);

/** A number in few characters: 12,345 is 12.3K. */
export const short = (number) => compact.format(number);

/** Events per second. */
export function rate(perSecond) {
  if (perSecond === null || perSecond === undefined) return "–";
  if (perSecond === 0) return "0/s";
  if (perSecond < 0.01) return "<0.01/s";
  const digits = perSecond < 1 ? 2 : perSecond < 100 ? 1 : 0;
  return `${new Intl.NumberFormat(undefined, { maximumFractionDigits: digits }).format(perSecond)}/s`;
}

/** How long ago a time was: "12 s ago". Clocks differ a little, so the future is now. */
export function ago(time, now = Date.now()) {
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1000));
  if (seconds < 1) return "just now";
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h ago`;
  const days = Math.round(seconds / 86_400);
  if (days < 60) return `${days} d ago`;
  return days < 730 ? `${Math.round(days / 30.44)} months ago` : `${Math.round(days / 365.25)} years ago`;
}

/** Hours and minutes in UTC of a time in milliseconds: what operators tell each other must not depend on where they are. */
export const clock = (milliseconds) => new Date(milliseconds).toISOString().slice(11, 16);
