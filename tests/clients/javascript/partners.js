// The partners' page in a real browser, from joining to the last key. Each case goes on where the one before ended.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { LONGEST, SIZES, isAccessible, screenshots, shop, until, visit } from "./browser.js";

const { partner, key, newcomer } = shop.pages;
const PAGE = `${shop.site}/partners.html`;
const CREDENTIAL = "s3cr3t";
const TENT = `${partner}-tent-1`;
const CHANGED = "com.contoso.product.changed.v1";

/** A webhook: whether it consents, what it answers, what it got. */
const webhook = { consents: false, status: 200, got: [], url: "" };
const server = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8").on("data", (part) => { body += part; }).on("end", () => {
    if (request.method === "OPTIONS") {
      response.writeHead(webhook.consents ? 200 : 405, webhook.consents ? { "webhook-allowed-origin": "*" } : {});
      return response.end();
    }
    const event = JSON.parse(body);
    // What is answered to product events is what the case is about.
    const status = event.type === CHANGED ? webhook.status : 200;
    if (status === 200) webhook.got.push({ event, headers: request.headers });
    response.writeHead(status).end();
  });
});
before(() => new Promise((listening) => {
  server.listen(0, "127.0.0.1", () => {
    webhook.url = `http://127.0.0.1:${server.address().port}/${CREDENTIAL}/hook?k=${CREDENTIAL}`;
    listening();
  });
}));
after(() => server.close());

const arrives = (what, wanted) => until(what, async () => ({
  ok: webhook.got.some(wanted), state: JSON.stringify(webhook.got.map(({ event: { id, type, redelivery } }) => [id, type, redelivery])),
}));

async function setPrice(id, amount) {
  const body = JSON.stringify({ name: "Tent", category: "Tents", price: { amount, currency: "USD" } });
  const answer = await fetch(`${shop.functions}/api/products/${id}`, { method: "PUT", headers: { "content-type": "application/json" }, body });
  assert.ok(answer.ok, `PUT ${id}: ${answer.status}`);
  // Two changes at once may be told of as one.
  await until(`${id} at ${amount}`, async () => {
    const shown = await fetch(`${shop.functions}/api/site/products/${id}`).then((answer) => answer.json());
    return { ok: shown.price?.amount === amount, state: JSON.stringify(shown) };
  });
}

/** Closes the capture windows. */
async function capture() {
  const body = JSON.stringify({ seconds: 301 });
  const answer = await fetch(`${shop.control}/clock/advance`, { method: "POST", headers: { "content-type": "application/json" }, body });
  assert.ok(answer.ok, `the clock: ${answer.status} ${await answer.text()}`);
}

async function signIn(page, as = key, name = partner) {
  await page.getByLabel("Partner", { exact: true }).fill(name);
  await page.getByLabel("Key", { exact: true }).fill(as);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** A visit of who is signed in with `keys.own`, at `query`. */
const keys = { own: key, read: null };
const signedIn = (query, options, body, as = keys.own) => visit(options, async (page, context) => {
  await context.addInitScript(([name, own]) => sessionStorage.setItem("contoso.partner", JSON.stringify({ partner: name, key: own })), [partner, as]);
  await page.goto(`${PAGE}?${query}`);
  await page.locator("#view h1").waitFor();
  await body(page, context);
  assert.ok(!(await page.content()).includes(CREDENTIAL), "the page holds no more of the endpoint than its host");
});

const alert = (page, text) => page.getByRole("alert").filter({ hasText: text }).first().waitFor();
const button = (page, name) => page.getByRole("button", { name, exact: true });
const agrees = (page, name) => page.getByRole("dialog").getByRole("button", { name, exact: true });

test("a name or a key that is wrong is said to be", LONGEST, () => visit({ expected: [401] }, async (page) => {
  await page.goto(PAGE);
  await signIn(page, key, "Nobody Here");
  await alert(page, "lower-case letters");
  await signIn(page, "cpk_wrong");
  await alert(page, "does not take this key");
  await signIn(page, key, "nobody");
  await alert(page, "does not take this key");
  await isAccessible(page, "the question who it is");
  await signIn(page);
  await page.getByText("There are no subscriptions yet.").waitFor();
  await page.reload();
  await page.getByText("There are no subscriptions yet.").waitFor();
  assert.ok(!page.url().includes(key), "the key is not in the address");
  await button(page, "Sign out").click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
}));

test("a filter is tried, an endpoint that does not consent is mended, and the subscription is active", LONGEST, async () => {
  for (const [id, amount] of [[TENT, "200.00"], [TENT, "150.00"], [`${partner}-rope-1`, "9.00"]]) await setPrice(id, amount);
  await signedIn("view=new", { expected: [409, 422] }, async (page) => {
    await page.getByLabel("Only these").check();
    await page.getByLabel("Product ids, one a line").fill(Array.from({ length: 23 }, (_, number) => `tent-${number}`).join("\n"));
    await page.getByText("26 of 25 filter values, 3 of them ours: too many").waitFor();
    await page.getByLabel("Ids that begin with …").check();
    await page.getByLabel("Beginning of the id").fill(`${partner}-tent-`);
    await page.getByLabel("Price falls by at least, in percent").fill("5");
    await page.getByText("4 of 25 filter values").waitFor();
    await button(page, "Preview").click();
    await page.getByText("There are no captured events yet").waitFor();
    await button(page, "Subscribe").click();
    await page.locator('[data-field="name"] .wrong', { hasText: "Name is required." }).waitFor();
    await page.getByLabel("Name", { exact: true }).fill("prices");
    assert.equal(await page.locator('[data-field="name"] .wrong').textContent(), "", "what is filled in is no longer said to be missing");
    await page.getByLabel("Address", { exact: true }).fill(webhook.url);
    await button(page, "Subscribe").click();
    await page.locator("#view h1", { hasText: "prices" }).waitFor();
    await page.getByText("OPTIONS was answered with status 405").waitFor();
    await page.locator("#banner", { hasText: "prices has never begun: its endpoint failed the handshake." }).waitFor();
    await button(page, "Try again").click();
    await alert(page, "for the same reason, and nothing was changed");
    await page.getByRole("link", { name: "Failures" }).click();
    await page.getByText("as it did not begin: OPTIONS was answered").waitFor();
    await page.goBack();
    webhook.consents = true;
    await button(page, "Try again").press("Enter");
    await page.getByText("Events are delivered.").waitFor();
    await page.getByText(`Changed products and discontinued products; ids that begin with “${partner}-tent-”; price falls by 5 % or more`).waitFor();
  });
});

test("a test arrives, with the secret that the page shows", LONGEST, () => signedIn("view=subscription&subscription=prices", {}, async (page) => {
  await button(page, "Send a test").click();
  const id = await page.locator(".done code").textContent();
  await arrives("the test", ({ event }) => event.id === id);
  await button(page, "Show the secret").click();
  const secret = await page.getByLabel("Secret", { exact: true }).inputValue();
  assert.equal(webhook.got.find(({ event }) => event.id === id).headers["x-contoso-secret"], secret);
  await button(page, "Make a new secret").click();
  await agrees(page, "Make it").click();
  await page.getByLabel("Secret before it", { exact: true }).waitFor();
  assert.equal(await page.getByLabel("Secret before it", { exact: true }).inputValue(), secret);
  await button(page, "Hide").click();
  assert.ok(!(await page.content()).includes(secret), "what is hidden is gone");
}));

/** Id of the event that failed. */
let failed;

test("what failed is shown with what becomes of it", LONGEST, async () => {
  await signedIn("view=subscription&subscription=prices", {}, (page) => page.getByText("Events are delivered.").waitFor());
  webhook.status = 400;
  await setPrice(TENT, "100.00");
  await signedIn("view=failures&subscription=prices", { expected: [404] }, async (page) => {
    const row = page.getByRole("row").filter({ hasText: "will not be retried" });
    await until("the failure", async () => {
      await page.reload();
      await page.getByRole("region", { name: "Failed events" }).or(page.locator(".nothing")).first().waitFor();
      return { ok: await row.count() === 1, state: await page.locator("#view").textContent() };
    });
    await row.filter({ hasText: "400" }).waitFor();
    failed = await row.locator("th code").textContent();
    await page.getByLabel("Status").fill("503");
    await button(page, "Show").click();
    await page.getByText("Nothing that fits failed").waitFor();
    assert.ok(page.url().endsWith("?view=failures&subscription=prices&status=503"), page.url());
    await page.goBack();
    await row.waitFor();
    await button(page, "Send again").click();
    await alert(page, "captured within minutes");
  });
  webhook.status = 200;
  await signedIn("view=deliveries&subscription=prices", {}, async (page) => {
    const bars = page.getByRole("img", { name: /and 1 failed attempt\b/ });
    await until("the counts", async () => {
      await page.reload();
      await page.locator(".bars svg").waitFor();
      return { ok: await bars.count() === 1, state: await page.locator(".bars svg").getAttribute("aria-label") };
    });
    await page.locator("summary").press("Enter");
    await page.getByRole("region", { name: "Deliveries" }).waitFor();
  });
});

test("a pause ends deliveries, and what it missed is offered", LONGEST, () => signedIn("view=subscription&subscription=prices", {}, async (page) => {
  await button(page, "Pause").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Pause", "the focus is back where it was");
  await button(page, "Pause").press("Enter");
  await page.getByRole("dialog").getByLabel("Reason, if you like").fill("maintenance");
  await agrees(page, "Pause").click();
  await page.getByText("You paused it: Maintenance.").waitFor();
  await setPrice(TENT, "50.00");
  await button(page, "Resume").click();
  await page.getByText("Events are delivered.").waitFor();
  await page.getByRole("status").filter({ hasText: "Events are delivered again." }).getByRole("link", { name: "Send what was missed" }).waitFor();
}));

test("what was captured is previewed, and sent again: one event, and what was missed", LONGEST, async () => {
  await capture();
  await signedIn("view=new", {}, async (page) => {
    await page.getByLabel("Ids that begin with …").check();
    await page.getByLabel("Beginning of the id").fill(`${partner}-tent-`);
    await page.getByLabel("Price falls by at least, in percent").fill("5");
    await until("a preview", async () => {
      await button(page, "Preview").click();
      await page.locator(".preview [role=status]", { hasText: /would have been|no captured/ }).waitFor();
      const state = await page.locator(".preview [role=status]").textContent();
      return { ok: state.startsWith("3 events of the last 5 "), state };
    });
    await page.getByRole("region", { name: "Events that match" }).getByText("33.33 %").waitFor();
    await page.screenshot({ path: `${screenshots}/partners-preview.png`, fullPage: true });
  });
  await signedIn("view=failures&subscription=prices", {}, async (page) => {
    await button(page, "Send again").click();
    await page.getByRole("link", { name: "a redelivery of its own" }).click();
    await page.locator(".state", { hasText: "Done" }).waitFor();
    await arrives("the event again", ({ event }) => event.id === failed && event.redelivery);
  });
  await signedIn("view=subscription&subscription=prices", {}, async (page) => {
    await page.getByRole("link", { name: "Send what was missed" }).click();
    await button(page, "Preview").click();
    // The five minutes before a gap count too.
    await page.locator(".found strong", { hasText: /^3 events$/ }).waitFor();
    await page.screenshot({ path: `${screenshots}/partners-redelivery-preview.png`, fullPage: true });
    await button(page, "Start").click();
    await page.getByText("3 events of 3 that match").waitFor();
    await page.locator(".state", { hasText: "Done" }).waitFor();
    await page.getByText("Nothing is missing until").waitFor();
    await arrives("what was missed", ({ event }) => event.redelivery && event.data.state.price.amount === "50.00");
  });
  // Of a gap within the first second of a minute, fields show neither.
  const gap = { from: "2026-01-05T10:00:00.1Z", until: "2026-01-05T10:00:00.9Z" };
  const address = new URLSearchParams({ view: "redeliveries", subscription: "prices", only: "missing", ...gap });
  await signedIn(address, {}, async (page) => {
    const asked = page.waitForRequest((request) => request.method() === "POST" && request.url().endsWith(":preview"));
    await button(page, "Preview").click();
    const { from, until } = (await asked).postDataJSON();
    assert.deepEqual({ from, until }, gap);
    await page.locator(".found").waitFor();
  });
});

test("a change is saved, and what is not said stays", LONGEST, () => signedIn("view=edit&subscription=prices", {}, async (page) => {
  await page.getByLabel("Price falls by at least, in percent").fill("7.5");
  await page.getByLabel("Several events in one delivery").check();
  await button(page, "Save").click();
  await page.getByText("price falls by 7.5 % or more").waitFor();
  await page.getByText("up to 100 events, about 64 KiB").waitFor();
  await page.getByText("Events are delivered.").waitFor();
  await button(page, "Delete").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("cannot be undone").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Cancel", "what is dangerous is not what Enter does");
  await isAccessible(page, "a dialog");
  await page.screenshot({ path: `${screenshots}/partners-dialog.png` });
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
}));

test("keys are made, handed over and revoked, and a read key changes nothing", LONGEST, async () => {
  await signedIn("view=keys", {}, async (page) => {
    await page.getByLabel("Scope").selectOption("read");
    await page.getByLabel("Label").fill("dashboard");
    await button(page, "Make a key").click();
    keys.read = await page.getByLabel("New key", { exact: true }).inputValue();
    await page.screenshot({ path: `${screenshots}/partners-new-key.png`, fullPage: true });
    await button(page, "I have it").click();
    await page.getByRole("row").filter({ hasText: "dashboard" }).filter({ hasText: "never" }).waitFor();
    assert.ok(!(await page.content()).includes(keys.read));
  });
  await signedIn("view=subscription&subscription=prices", {}, async (page) => {
    await page.getByText("Events are delivered.").waitFor();
    for (const name of ["Pause", "Delete", "Send a test", "Show the secret", "Change"]) {
      assert.equal(await button(page, name).getAttribute("aria-disabled"), "true", name);
    }
    await button(page, "Pause").press("Enter");
    await alert(page, "Your key may only read");
    assert.equal(await page.getByRole("dialog").count(), 0);
    await isAccessible(page, "a subscription with a read key");
    await page.screenshot({ path: `${screenshots}/partners-read-key.png`, fullPage: true });
  }, keys.read);
  await signedIn("view=keys", { expected: [401] }, async (page) => {
    const dashboard = page.getByRole("row").filter({ hasText: "dashboard" });
    await dashboard.getByRole("button", { name: "Revoke" }).click();
    await agrees(page, "Revoke").click();
    await dashboard.filter({ hasText: "revoked" }).waitFor();
    await page.getByLabel("Label").fill("next");
    await page.getByLabel("Takes the place of").selectOption({ index: 1 });
    await button(page, "Make a key").click();
    const next = await page.getByLabel("New key", { exact: true }).inputValue();
    await page.locator("#banner", { hasText: "It is valid until" }).waitFor();
    await button(page, "Go on with this key here").click();
    await page.locator("#banner .note").waitFor({ state: "detached" });
    keys.own = next;
    await page.getByRole("row").filter({ hasText: /superseded\s*valid until/ }).getByRole("button", { name: "Revoke" }).click();
    await agrees(page, "Revoke").click();
    await page.getByRole("row").filter({ hasText: "superseded" }).waitFor({ state: "detached" });
  });
  await visit({ expected: [401] }, async (page) => {
    await page.goto(PAGE);
    await signIn(page);
    await alert(page, "This key was revoked");
  });
  await signedIn("view=audit", {}, async (page) => {
    await page.getByRole("row").filter({ hasText: "POST /subscriptions/prices/pause" }).first().waitFor();
  });
});

test("while nobody answers the page says so, and goes on by itself", LONGEST, () => signedIn("view=subscriptions", { quiet: false }, async (page, context) => {
  await page.locator(".card", { hasText: "prices" }).waitFor();
  const askNow = () => page.evaluate(() => dispatchEvent(new Event("online")));
  await context.route(`${shop.functions}/**`, (route) => route.abort());
  await askNow();
  await alert(page, /^The API does not answer\. Trying again… What is below is as of 20/);
  await page.locator(".body.old").waitFor();
  await page.locator(".card", { hasText: "prices" }).waitFor();
  await context.unroute(`${shop.functions}/**`);
  await askNow();
  await page.getByRole("alert").filter({ hasText: "does not answer" }).waitFor({ state: "detached" });
  assert.equal(await page.locator(".body.old").count(), 0);
}));

test("what Event Grid holds back, and endpoints that fail, are said to be", LONGEST, () => signedIn("view=subscriptions", {}, async (page) => {
  const at = "2027-03-04T10:00:00Z";
  const of = (name, members) => ({
    name, eventTypes: [CHANGED], endpoint: "https://ok.example", handshake: "automatic", state: { name: "active" }, since: at, gaps: [], created: at, changed: at,
    filterValues: { used: 3, limit: 25 }, missed: null, revision: 1, ...members,
  });
  const failed = (members) => ({
    event: "tent-1-2", type: CHANGED, failures: 3, firstFailure: at, lastFailure: at, attempt: 3, outcome: "Busy", status: 503, host: "https://ok.example",
    then: "expected by schedule", nextAttempt: { at, overdue: true }, ...members,
  });
  const held = failed({ event: "tent-1-3", outcome: "Probation", status: null, attempt: null, then: "held back by Event Grid", nextAttempt: null });
  const items = [
    of("resting"), of("failing", { health: { name: "failing", since: at, pausesAt: "2027-03-09T10:00:00Z" } }),
    of("dead", { state: { name: "paused", by: "health", reason: "every attempt to deliver failed since yesterday" } }), of("late", { state: { name: "stuck" } }),
  ];
  await page.route("**/subscriptions", (route) => route.fulfill({ json: { items } }));
  await page.route("**/resting/failures?*", (route) => route.fulfill({ json: { items: [held, failed({})], next: null, since: at, until: at } }));
  await page.route("**/failing/failures?*", (route) => route.fulfill({ json: { items: [], next: null, since: at, until: at } }));
  await page.reload();
  await page.locator(".card", { hasText: "resting" }).getByText("Held back by Event Grid").waitFor();
  await page.locator(".card", { hasText: "dead" }).getByText("We paused it, since its endpoint failed for days: Every attempt").waitFor();
  await page.locator(".card", { hasText: "late" }).getByText("Operators look at it").waitFor();
  await page.locator(".card", { hasText: "failing" }).getByText("it is paused at 2027-03-09 10:00:00 UTC").waitFor();
  await page.locator("#banner", { hasText: "Paused by us, since the endpoint failed for days: dead" }).waitFor();
  await page.locator("#banner", { hasText: "This subscription is failing: failing" }).waitFor();
  await isAccessible(page, "a list with troubles");
  await page.screenshot({ path: `${screenshots}/partners-troubles.png`, fullPage: true });
  const told = { subscription: "dead", at, since: at, sentTo: ["alarms"], type: "com.contoso.partner.subscription-paused.v1" };
  await page.route("**/notices?*", (route) => route.fulfill({ json: { items: [told], next: null, withoutSecondAddress: ["failing"] } }));
  await page.getByRole("link", { name: "Notices" }).click();
  await page.getByRole("row").filter({ hasText: "Paused for it" }).getByRole("link", { name: "alarms" }).waitFor();
  await isAccessible(page, "notices");
  await page.screenshot({ path: `${screenshots}/partners-notices.png`, fullPage: true });
  await page.getByRole("link", { name: "Subscribe a second address" }).click();
  await page.getByLabel("Endpoints that recover").waitFor();
  await page.goto(`${PAGE}?view=failures&subscription=resting`);
  await page.getByText("overdue since 2027-03-04 10:00:00 UTC").waitFor();
  await page.getByRole("row").filter({ hasText: "tent-1-3" }).filter({ hasText: "held back by Event Grid" }).waitFor();
  await page.screenshot({ path: `${screenshots}/partners-failures.png`, fullPage: true });
}));

test("a redelivery says what is not captured, what is not in the log, and what may not have arrived", LONGEST, () => signedIn("view=redeliveries&subscription=prices", {}, async (page) => {
  const [from, logged, until] = ["2027-03-04T09:00:00Z", "2027-03-04T09:50:00Z", "2027-03-04T10:00:00Z"];
  const found = (members) => ({ count: 2, bytes: 10, read: 3, isWhole: true, from, until, rate: 50, note: "by today's filter", ...members });
  const previews = [
    [found({ only: "missing", completeUntil: until }), /Nothing is missing until/, ["are not captured", "log of failures"]],
    [found({ only: "missing", completeUntil: logged }), /Events since .* are not captured yet; this redelivery waits/, ["log of failures"]],
    [found({ only: "failed", completeUntil: logged, failureLog: { until: logged, withoutId: 0 } }), /What failed after .* may not be in the log/, ["are not captured"]],
    [found({ only: "failed", completeUntil: from, failureLog: { until: logged, withoutId: 0 } }), /Events since .* are not captured yet/, []],
  ];
  for (const [answer, said, unsaid] of previews) {
    await page.route("**/redeliveries:preview", (route) => route.fulfill({ json: answer }), { times: 1 });
    await page.getByRole("button", { name: "Preview" }).click();
    const status = page.locator(".found");
    await status.getByText(said).waitFor();
    for (const text of unsaid) assert.equal(await status.getByText(text).count(), 0, `${text}: ${await status.innerText()}`);
    await page.getByLabel("Until (UTC)").fill("2027-03-04T10:00");
    await page.getByLabel("Until (UTC)").fill("");
    await status.waitFor({ state: "detached" });
  }
  const progress = { read: 9, matched: 7, sent: 4, uncertain: 3, refused: 0, leftOut: 0 };
  const job = {
    id: "rd-1", subscription: "prices", state: "failed", reason: "The subscription was paused.", from, until, only: "all", rate: 50, openWindow: "stop", ranges: [],
    progress, created: from, ended: until,
  };
  await page.route("**/redeliveries/rd-1", (route) => route.fulfill({ json: job }));
  await page.goto(`${PAGE}?view=redeliveries&subscription=prices&job=rd-1`);
  await page.getByText("3 events, sent about when the subscription stopped delivering").waitFor();
}));

test("numbers that JavaScript would round are shown whole", LONGEST, () => signedIn("view=subscription&subscription=prices", {}, async (page) => {
  await page.route("**/subscriptions/prices", async (route) => {
    const answer = await route.fetch();
    const text = (await answer.text()).replace(/"revision":\d+/, '"revision":9223372036854775807');
    await route.fulfill({ response: answer, body: text });
  });
  await page.reload();
  await page.getByText("version 9,223,372,036,854,775,807").waitFor();
}));


const VIEWS = {
  subscriptions: "view=subscriptions", subscription: "view=subscription&subscription=prices", new: "view=new", edit: "view=edit&subscription=prices",
  deliveries: "view=deliveries&subscription=prices", failures: "view=failures&subscription=prices",
  redeliveries: "view=redeliveries&subscription=prices", keys: "view=keys", audit: "view=audit",
};
// What a scheme changes is the same on both sizes.
for (const [colorScheme, size] of [["light", "phone"], ["dark", "desktop"]]) {
  const viewport = SIZES[size];
  test(`every view in ${colorScheme} on a ${size}`, LONGEST, async () => {
    await visit({ colorScheme, viewport }, async (page) => {
      await page.goto(PAGE);
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
      await isAccessible(page, "the question who it is");
      await page.screenshot({ path: `${screenshots}/partners-signin-${size}-${colorScheme}.png`, fullPage: true });
    });
    await signedIn("view=subscriptions", { colorScheme, viewport }, async (page) => {
      for (const [name, query] of Object.entries(VIEWS)) {
        await page.evaluate((address) => { history.pushState(null, "", address); dispatchEvent(new PopStateEvent("popstate")); }, `?${query}`);
        assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1", "a keyboard goes on at the heading");
        await page.locator(".body > *").first().waitFor();
        await page.getByText("Reading…").waitFor({ state: "detached" });
        await isAccessible(page, name);
        await page.screenshot({ path: `${screenshots}/partners-${name}-${size}-${colorScheme}.png`, fullPage: true });
      }
    });
  });
}

test("an account that has nothing yet says so", LONGEST, () => visit({}, async (page) => {
  await page.goto(PAGE);
  await signIn(page, newcomer.key, newcomer.partner);
  await page.getByText("There are no subscriptions yet.").waitFor();
  await page.getByRole("link", { name: "Audit log" }).click();
  await page.getByRole("row").filter({ hasText: "add partner" }).filter({ hasText: "an operator" }).waitFor();
  await page.getByRole("link", { name: "Keys" }).click();
  await page.getByRole("row").filter({ hasText: "used here" }).waitFor();
}));
