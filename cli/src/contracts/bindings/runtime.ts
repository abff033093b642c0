
/** What was received is not what its type says. The message begins with the path of what is wrong. */
export class InvalidData extends Error {
  readonly path: string;

  constructor(path: string, problem: string) {
    super(`${path || "the data"}: ${problem}`);
    this.name = "InvalidData";
    this.path = path;
  }
}

type $Check = (value: unknown, path: string) => void;

function $fail(path: string, problem: string): never {
  throw new InvalidData(path, problem);
}

function $below(path: string, step: string | number): string {
  return path === "" ? String(step) : `${path}.${step}`;
}

function $object(value: unknown, path: string): { [name: string]: unknown } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return $fail(path, "is no object");
  return value as { [name: string]: unknown };
}

function $members(value: unknown, path: string, members: readonly (readonly [string, boolean, $Check])[]): void {
  const object = $object(value, path);
  for (const [name, isRequired, check] of members) {
    if (Object.prototype.hasOwnProperty.call(object, name)) check(object[name], $below(path, name));
    else if (isRequired) $fail($below(path, name), "is missing");
  }
}

function $map(check: $Check): $Check {
  return (value, path) => Object.entries($object(value, path)).forEach(([name, item]) => check(item, $below(path, name)));
}

function $list(check: $Check): $Check {
  return (value, path) => {
    if (!Array.isArray(value)) return $fail(path, "is no list");
    value.forEach((item, index) => check(item, $below(path, index)));
  };
}

function $union(...checks: readonly $Check[]): $Check {
  return (value, path) => {
    let first: unknown;
    for (const check of checks) {
      try {
        return check(value, path);
      } catch (error) {
        // What is wrong with null says nothing.
        if (check !== $null) first ??= error;
      }
    }
    throw first;
  };
}

function $any(): void {}

function $null(value: unknown, path: string): void {
  if (value !== null) $fail(path, "is not null");
}

function $boolean(value: unknown, path: string): void {
  if (typeof value !== "boolean") $fail(path, "is neither true nor false");
}

function $int(value: unknown, path: string): void {
  if (typeof value !== "number" || (value | 0) !== value) $fail(path, "is no whole number of 32 bits");
}

/** JSON.parse has rounded a number beyond 2^53 already. */
function $long(value: unknown, path: string): void {
  if (!Number.isInteger(value)) $fail(path, "is no whole number");
  if (!Number.isSafeInteger(value)) $fail(path, "is beyond 2^53, where JavaScript rounds: read the text with a parser that keeps large numbers");
}

function $number(value: unknown, path: string): void {
  if (typeof value !== "number" || !Number.isFinite(value)) $fail(path, "is no number");
}

function $text(value: unknown, path: string): void {
  if (typeof value !== "string") $fail(path, "is no text");
}

function $like(pattern: RegExp, what: string): $Check {
  return (value, path) => {
    if (typeof value !== "string" || !pattern.test(value)) $fail(path, `is not ${what}`);
  };
}

// Not every module needs each of them.
void [$map, $list, $union, $any, $null, $boolean, $int, $long, $number, $text, $like];
