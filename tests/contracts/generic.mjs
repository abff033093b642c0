// The same as generic.py with avsc.

import { readFileSync } from "node:fs";

import avro from "avsc";

const done = JSON.parse(readFileSync(0, "utf8")).map((item) => {
  const type = avro.Type.forSchema(JSON.parse(item.schema), { wrapUnions: false });
  const encoded = "data" in item ? type.toBuffer(item.data) : Buffer.from(item.bytes, "base64");
  return { bytes: encoded.toString("base64"), data: type.fromBuffer(encoded) };
});
console.log(JSON.stringify(done));
