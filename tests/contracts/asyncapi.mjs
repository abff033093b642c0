// Reads an AsyncAPI document with the specification's own parser, and prints what it says of channels and operations.

import { readFileSync } from "node:fs";

import { AvroSchemaParser } from "@asyncapi/avro-schema-parser";
import { Parser } from "@asyncapi/parser";

const AVRO = "application/vnd.apache.avro;version=1.9.0";
const text = readFileSync(process.argv[2], "utf8");
const parser = new Parser();
parser.registerSchemaParser(AvroSchemaParser());
const { document, diagnostics } = await parser.parse(text);

// 0 is an error, 1 a warning.
const complaints = diagnostics.filter(({ severity }) => severity <= 1);
for (const { message, path, severity } of complaints) console.error(`${severity === 0 ? "error" : "warning"}: ${path.join("/")}: ${message}`);
if (complaints.length > 0 || document === undefined) process.exit(1);

const shown = {
  channels: Object.fromEntries(document.channels().all().map((channel) => [channel.id(), {
    address: channel.address(),
    messages: channel.messages().all().map((message) => ({
      id: message.id(), contentType: message.contentType(), isAvro: message.schemaFormat() === AVRO,
      payload: message.payload()?.type() ?? null,
    })),
  }])),
  operations: Object.fromEntries(document.operations().all().map((operation) => [operation.id(), {
    action: operation.action(), channels: operation.channels().all().map((channel) => channel.id()),
    messages: operation.messages().all().map((message) => message.id()),
  }])),
};
console.log(JSON.stringify(shown));
