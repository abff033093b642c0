// Keeps the table of received events up to date. Event data is only ever set as text.
"use strict";

const rows = document.getElementById("events");
const state = document.getElementById("state");
const SHOWN = 100;
let last = "";

function cell(text) {
  const td = document.createElement("td");
  td.textContent = text;
  return td;
}

function dataCell(data) {
  const td = document.createElement("td");
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  const pre = document.createElement("pre");
  summary.textContent = "Show";
  pre.textContent = JSON.stringify(data, null, 2);
  details.append(summary, pre);
  td.append(details);
  return td;
}

function row(event) {
  const tr = document.createElement("tr");
  const time = event.time ?? event.receivedAt;
  tr.append(cell(time), cell(event.type), cell(event.subject ?? ""), cell(event.deliveries), dataCell(event.data));
  return tr;
}

async function refresh() {
  try {
    const response = await fetch("/partner?format=json");
    const inbox = await response.json();
    const now = `${inbox.count}/${inbox.deliveries}`;
    // An open row must not close under the reader's eyes while nothing new comes.
    if (now !== last) {
      last = now;
      rows.replaceChildren(...inbox.events.slice(0, SHOWN).map(row));
      state.textContent = inbox.count === 0
        ? "Waiting for events…"
        : `${inbox.count} events in ${inbox.deliveries} deliveries; the newest ${Math.min(SHOWN, inbox.events.length)} are shown.`;
    }
  } catch {
    state.textContent = "The local stack does not answer. Is it running?";
    last = "";
  }
}

async function run() {
  for (;;) {
    if (!document.hidden) await refresh();
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

run();
