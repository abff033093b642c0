// Reads examples by generated bindings, from standard input: `{ "module": …, "cases": [{ "parse": …, "text": …, "valid": … }] }`. Each valid one
// must come out as it went in, and each invalid one must be refused with a path.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { module, cases } = JSON.parse(readFileSync(0, "utf8"));
const bindings = await import(pathToFileURL(module).href);
for (const { parse, text, valid, says } of cases) {
  const read = () => bindings[parse](JSON.parse(text));
  if (valid) {
    assert.deepEqual(read(), JSON.parse(text), text);
  } else {
    assert.throws(read, (error) => error instanceof bindings.InvalidData && error.message.includes(says ?? ""), `${parse} took ${text}`);
  }
}
console.log(`${cases.length} cases`);
