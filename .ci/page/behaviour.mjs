// What the page does over time.
import { readFileSync } from "node:fs";
import net from "node:net";
import { Bridge, sleep } from "./bridge.mjs";
import * as expected from "./expected.mjs";
import { watts, words } from "./expected.mjs";
import { login, packTexts } from "./looks.mjs";

export async function behaviour(context) {
  const run = async (checks) => {
    for (const check of checks) {
      if (!context.isWanted(check.name)) continue;
      await check(context);
      console.log(`${check.name} is checked`);
    }
  };
  // The last ones mostly wait.
  await Promise.all([
    run([latency, control, acknowledge, keyboard, markup, packs, chart, record, summerTime, paths, banks, files]),
    run([restart]), run([silence])]);
}

/** A reading is shown within a second. */
async function latency({ browser, bridges, judge }) {
  const bridge = bridges.day, page = await judge.open(browser, bridge.url);
  await page.waitForSelector(".flow .age");
  const late = [];
  for (let round = 0; round < 3; round++) {
    const shown = await page.evaluate(() => new Promise((resolve) => {
      const seconds = () => parseInt(document.querySelector(".flow .age").textContent.match(/\d+/)?.[0] ?? "0", 10);
      let last = seconds();
      const watch = setInterval(() => {
        const present = seconds();
        if (present < last) {
          clearInterval(watch);
          resolve(Date.now() / 1000);
        }
        last = present;
      }, 5);
    }));
    const bank = await bridge.bank();
    late.push(shown - Math.max(...Object.values(bank.units).map((unit) => unit.groups.GS.at)));
  }
  console.log(`a reading is shown after ${late.map((s) => s.toFixed(2)).join(", ")} s`);
  // Times of the API have steps of a tenth. A busy machine may delay some.
  judge.is(`a reading is shown within a second: ${late}`, Math.min(...late) < 1.1);
  await page.context().close();
}

/** The request to change carries the digest of the plan that was shown, and nothing is sent before the second click. */
async function control({ browser, judge, lvx }) {
  // A change is a reason for findings for a while, so the bank is not that of other checks.
  const bridge = await Bridge.start(lvx, "day");
  try {
    await bridge.until("settings that can be changed", (bank) => bank.settings.items.every((item) => !item.blocked), 120);
    await change(browser, bridge, judge);
  } finally {
    await bridge.end();
  }
}

async function change(browser, bridge, judge) {
  const page = await judge.open(browser, bridge.url + "#/settings");
  const key = "solar_priority";
  judge.is("without a login, settings cannot be chosen", await page.isDisabled(`#k-${key}-new`));
  await login(page, bridge);
  await page.waitForSelector(`#k-${key}-new:enabled`);
  const posts = [];
  let digest = null;
  page.on("request", (request) => { if (request.method() === "POST") posts.push([new URL(request.url()).pathname, request.postDataJSON()]); });
  page.on("response", async (response) => { if (response.url().endsWith("/plan")) digest = (await response.json()).plan; });
  const item = (await bridge.bank()).settings.items.find((other) => other.key === key);
  const to = item.options.find((option) => option !== item.value);
  await page.selectOption(`#k-${key}-new`, to);
  await page.waitForSelector(`#k-${key} .cmd.ask`);
  const plan = await page.textContent(`#k-${key} .cmd.ask`);
  judge.is(`the plan shows both values of each unit: ${plan}`, plan.split(`${words(item.value)} → ${words(to)}`).length === 3);
  await sleep(1500);
  judge.equal("the choice stays over updates", await page.inputValue(`#k-${key}-new`), to);
  judge.equal("before the second click, only the plan was asked for", posts.map(([path]) => path), [`/api/v1/settings/${key}/plan`]);
  judge.equal("the old value stays", await page.textContent(`#k-${key} .val`), words(item.value));
  await page.click(`#k-${key} .cmd.ask button.strong`);
  await page.waitForSelector(`#k-${key} .cmd.proved`, { timeout: 120_000 });
  judge.equal("the change carries the digest of the plan", posts.at(-1), [`/api/v1/settings/${key}`, { to, plan: digest, from: item.value }]);
  judge.equal("requests", posts.length, 2);
  judge.equal("the new value is shown", await page.textContent(`#k-${key} .val`), words(to));
  // A change by somebody else while a plan is shown makes the plan invalid; the page says why.
  await page.selectOption(`#k-${key}-new`, item.value);
  await page.waitForSelector(`#k-${key} .cmd.ask`);
  await page.route("**/api/v1/settings/*", (route) => route.continue({ postData: JSON.stringify({ ...route.request().postDataJSON(), plan: "0" }) }));
  judge.errors = judge.fail;
  judge.fail = (text) => { if (!text.includes("409")) judge.errors(text); };
  await page.click(`#k-${key} .cmd.ask button.strong`);
  await page.waitForSelector(`#k-${key} .bad`);
  judge.is("a refused plan is explained", (await page.textContent(`#k-${key} .bad`)).includes("expected a plan that was shown in the last minute"));
  judge.fail = judge.errors;
  await page.context().close();
}

async function acknowledge({ browser, bridges, judge }) {
  const bridge = bridges.fault;
  await bridge.until("a finding", (bank) => bank.findings.length > 0);
  const page = await judge.open(browser, bridge.url);
  await login(page, bridge);
  await page.click(".verdict a.btn");
  await page.waitForSelector("article.target");
  const id = await page.evaluate(() => document.activeElement.id);
  judge.equal("the finding has the focus", id, await page.getAttribute("article.target", "id"));
  await page.click(`#${id} button:has-text("Acknowledge")`);
  await page.waitForSelector(`#${id}.acked`);
  judge.is("the name of the token is shown", (await page.textContent(`#${id}`)).includes("by demo"));
  await page.click(`#${id} button:has-text("Take back")`);
  await page.waitForSelector(`#${id}:not(.acked)`);
  await page.context().close();
}

async function keyboard({ browser, bridges, judge }) {
  const page = await judge.open(browser, bridges.day.url);
  const focus = () => page.evaluate(() => document.activeElement.textContent.trim());
  await page.keyboard.press("Tab");
  judge.equal("first stop", await focus(), "Skip to the content");
  await page.keyboard.press("Enter");
  judge.equal("the link skips to the content", await page.evaluate(() => document.activeElement.id), "main");
  await page.focus("nav a[href='#/units']");
  await page.keyboard.press("Enter");
  await page.waitForSelector("main.v-units");
  judge.equal("the view has the focus", await page.evaluate(() => document.activeElement.id), "main");
  judge.equal("the present view is marked", await page.getAttribute("nav a[href='#/units']", "aria-current"), "page");
  await page.focus("main details summary");
  await page.keyboard.press("Enter");
  await sleep(1300);
  judge.is("details stay open over updates", await page.evaluate(() => document.activeElement.parentElement.open));
  const { title } = (await bridges.day.bank()).verdict;
  const isSaid = page.waitForFunction((text) => document.querySelector("#say").textContent.includes(text), title).then(() => true, () => false);
  judge.is("the verdict is said to screen readers", await isSaid);
  if (await page.evaluate(() => typeof uPlot !== "function")) judge.fail("the library for plots is not embedded");
  await page.context().close();
}

/** Texts of devices and of the configuration cannot become markup. */
async function markup({ browser, bridges, judge }) {
  const bank = await bridges.fault.bank();
  const evil = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'><b class=evil>";
  const spoil = (value, key) => typeof value === "string" && !["level", "state", "status", "serial", "session", "line_direction"].includes(key) ? evil
    : Array.isArray(value) ? value.map((other) => typeof other === "string" ? (key === "order" || key === "units" ? other : evil) : spoil(other))
      : value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([name, other]) => [name, spoil(other, name)])) : value;
  const spoiled = spoil(bank);
  const body = `event: bank\nid: 1\ndata: ${JSON.stringify(spoiled)}\n\n`;
  for (const view of ["", "findings", "settings", "units"]) {
    const page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    page.on("dialog", () => judge.fail(`${view}: a text was run`));
    page.on("pageerror", (error) => judge.fail(`markup ${view}: ${error.stack}`));
    await page.route("**/api/v1/events", (route) => route.fulfill({ contentType: "text/event-stream", body }));
    await page.goto(bridges.fault.url + "#/" + view);
    await page.waitForSelector("main h1");
    judge.is(`${view}: the text is shown`, (await page.textContent("body")).includes("<b class=evil>"));
    judge.equal(`${view}: elements from texts`, await page.locator("#app img, #app script, .evil").count(), 0);
    await page.close();
  }
}

/** Packs say in words that they are silent, old, failed or not read yet, and more than four are the rows of a table. */
async function packs({ browser, bridges, judge, screenshots }) {
  const bridge = bridges.packs;
  const bank = await bridge.until("packs with values", ({ packs }) => Object.values(packs).every(({ values }) => values.voltage.status === "fresh"));
  const rows = (await (await fetch(bridge.url + "api/v1/entities")).json()).pack;
  const as = (n, link, value) => {
    const pack = structuredClone(bank.packs["pack-1"]);
    Object.assign(pack, { n, name: "pack " + n, link: { ...pack.link, ...link } });
    pack.values = Object.fromEntries(Object.entries(pack.values).map(([key, found]) => [key, value(found)]));
    return pack;
  };
  const aged = (status, seconds) => (found) => ({ ...found, status, at: bank.now - seconds });
  const down = (why) => ({ state: "down", since: bank.now - 300, why });
  const made = [
    as(1, {}, aged("stale", 75)),
    as(2, down("no answer in 500 ms"), aged("fresh", 320)),
    as(3, down("the port is gone"), () => ({ status: "failed", why: "the port is gone" })),
    as(4, { state: "starting" }, () => ({ status: "absent" })),
    as(5, {}, (found) => found),
  ];
  made[0].values.current.value = -12.34;
  made[0].values.warnings.value = "cell overvoltage, pack overvoltage";
  made[0].values.temperature_2.value = 41;
  const show = async (list) => {
    const page = await browser.newPage(), packs = Object.fromEntries(list.toReversed().map((pack) => [pack.name, pack]));
    page.on("pageerror", (error) => judge.fail(`packs: ${error.stack}`));
    // A stream that repeats one document.
    await page.addInitScript((data) => {
      window.EventSource = class extends EventTarget {
        constructor() {
          super();
          setInterval(() => this.dispatchEvent(new MessageEvent("bank", { data })), 200);
        }
        close() {}
      };
    }, JSON.stringify({ ...bank, packs }));
    await page.setViewportSize({ width: 390, height: 844 });
    await page.emulateMedia({ colorScheme: "dark" });
    await page.goto(bridge.url + "#/units");
    await page.waitForSelector(`.packs th:has-text("${rows.voltage.name}")`);
    judge.equal(`${list.length} packs: sideways scroll`, await page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - innerWidth)), 0);
    await judge.axe(page, `${list.length} packs`);
    return page;
  };
  let page = await show(made.slice(0, 4));
  const texts = (selector) => page.locator(selector).allTextContents();
  const heads = await texts(".packs thead th");
  [/^pack 1\d+\u202fs old$/, /^pack 2silent for 5\u202fmin, last read \d\d:\d\d$/, /^pack 3silent for 5\u202fmin$/, /^pack 4not read yet$/]
    .forEach((wanted, index) => judge.is(`expected ${wanted}, found ${heads[index]}`, wanted.test(heads[index])));
  const notes = await texts(".packs .note");
  judge.equal("packs with a reason", notes.length, 2);
  judge.is(`the reason is shown: ${notes}`, /^pack 2 has been silent since \d\d:\d\d: no answer in 500 ms$/.test(notes[0]) && notes[1].endsWith("the port is gone"));
  judge.equal("cells of old values", await page.locator(".packs .side td.old").count(), 20);
  judge.equal("cells without a value", await page.locator(".packs .side td.none").count(), 20);
  const wanted = expected.packs({ packs: made.slice(0, 4) }, rows), found = await page.evaluate(packTexts);
  for (const [name, row] of Object.entries(wanted)) judge.equal(`packs: ${name}`, found[name], row);
  judge.equal("packs: rows", Object.keys(found).length, Object.keys(wanted).length);
  // The bars of the window would cover a part.
  await page.setViewportSize({ width: 390, height: await page.evaluate(() => document.documentElement.scrollHeight) });
  await page.locator(".packs").screenshot({ path: `${screenshots}/packs-silent-phone-dark.png` });
  await page.close();
  page = await show(made);
  judge.equal("rows of five packs", (await texts(".packs .many tbody th")).map((text) => text.slice(0, 6)), made.map((pack) => pack.name));
  await page.close();
  page = await browser.newPage();
  await page.goto(bridges.day.url + "#/units");
  await page.waitForSelector("section.unit");
  judge.equal("no table without packs", await page.locator(".packs").count(), 0);
  await page.close();
}

/** The chart draws what the history answers, and gaps; without the library there are lines and a table. */
async function chart({ browser, bridges, judge }) {
  const series = ["pv_power", "load_power", "state_of_charge"];
  const answer = (address) => {
    const { searchParams } = new URL(address);
    judge.is(`the history is asked with a step: ${address}`, /^(5min|30min|2h|day)$/.test(searchParams.get("step")));
    const to = Number(searchParams.get("to")) || Math.floor(Date.now() / 1000), from = to - 86400;
    const t = Array.from({ length: 288 }, (_, i) => from + 300 * i);
    const column = (key) => ({ series: key, name: key, unit: "W", decimals: 0,
      mean: t.map((_, i) => i > 100 && i < 140 ? null : 50 + i % 40) });
    return { api: 1, bank: "virtual", from, to, step: "300", t, series: series.map(column) };
  };
  const show = async (hasPlots) => {
    const page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    page.on("pageerror", (error) => judge.fail(`chart: ${error.stack}`));
    await page.route("**/api/v1/history*", (route) => route.fulfill({ json: answer(route.request().url()) }));
    if (!hasPlots) await page.route("**/page/uplot.js", (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
    await page.goto(bridges.day.url);
    return page;
  };
  let page = await show(true);
  await page.waitForSelector("#plot canvas");
  await page.focus("#plot");
  for (const key of ["End", "ArrowLeft", "ArrowLeft"]) await page.keyboard.press(key);
  judge.is(`arrow keys read out a point: ${await page.textContent("#say")}`, /Sun \d+\u202fW, Load \d+\u202fW, Battery \d+\u202f%/.test(await page.textContent("#say")));
  for (let i = 0; i < 15; i++) await page.keyboard.press("Shift+ArrowLeft");
  judge.is(`a gap is read out as one: ${await page.textContent("#say")}`, (await page.textContent("#say")).includes("Sun no data"));
  await page.click("text=As numbers");
  judge.is("the table has the gap", (await page.textContent(".nums table")).includes("no data"));
  await page.click("button:has-text('30 days')");
  await page.waitForSelector("#plot canvas");
  judge.equal("the range is pressed", await page.getAttribute("button:has-text('30 days')", "aria-pressed"), "true");
  await judge.axe(page, "chart");
  await page.close();
  page = await show(false);
  await page.waitForSelector("#no-plots");
  judge.equal("lines without the library", await page.locator("svg.spark").count(), 3);
  judge.is("the gap is a gap", (await page.getAttribute("svg.spark path", "d")).split("M").length === 3);
  judge.is("the table is open", await page.isVisible(".nums table"));
  await judge.axe(page, "chart without the library");
  await page.close();
}

/** The chart draws the history of the bridge, with its gaps. */
async function record({ browser, bridges, judge }) {
  const bridge = bridges.day, page = await judge.open(browser, bridge.url);
  await page.waitForSelector("#plot canvas");
  for (const [label, step, seconds] of [["24 h", "5min", 86400], ["7 days", "30min", 7 * 86400], ["30 days", "2h", 30 * 86400], ["1 year", "day", 365 * 86400]]) {
    const asked = label === "24 h" ? null : page.waitForResponse((answer) => answer.url().includes(`step=${step}`));
    await page.click(`.seg button:has-text("${label}")`);
    await asked;
    await page.waitForSelector("#plot canvas");
    await page.evaluate(() => { document.querySelector(".nums").open = true; });
    const rows = await page.locator(".nums tbody tr").evaluateAll((found) => found.map((row) => [...row.querySelectorAll("td")].map((cell) => cell.textContent)));
    judge.is(`${label}: ${rows.length} rows`, rows.length > 10);
    const now = Date.now() / 1000;
    const answer = await (await fetch(`${bridge.url}api/v1/history?series=pv_power&from=${Math.round(now - seconds)}&to=${Math.round(now)}&step=${step}`)).json();
    const values = answer.series[0].mean.map((value) => value === null ? "no data" : watts(value));
    // The first and the last point are not complete, and change.
    const shown = rows.slice(1, -1).map(([solar]) => solar);
    judge.is(`${label}: values of the history: ${shown.slice(0, 5)}`, shown.every((text) => values.includes(text)));
  }
  await page.context().close();
}

/** Days with 23 and 25 hours have the right marks. */
async function summerTime({ browser, bridges, judge }) {
  const page = await browser.newPage();
  page.setDefaultTimeout(120_000);
  await page.goto(bridges.day.url);
  const marks = (day) => page.evaluate(async (from) => {
    const { setZone, multiples, clock } = await import(new URL("page/show.js", document.baseURI));
    setZone("Europe/Berlin", 3600);
    return multiples(from, from + 25 * 3600, 3 * 3600).map((t) => clock(t));
  }, Date.parse(day) / 1000);
  const hours = ["00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00", "00:00"];
  judge.equal("23 hours", await marks("2026-03-29T00:00:00+01:00"), hours);
  const year = await page.evaluate(async (from) => {
    const { setZone, months, month, clock } = await import(new URL("page/show.js", document.baseURI));
    setZone("Europe/Berlin", 3600);
    return months(from, from + 365 * 86400).map((t) => `${month(t)} ${clock(t)}`).join(" ");
  }, Date.parse("2025-11-28T11:00:00+01:00") / 1000);
  judge.equal("months", year, "Dec Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov".split(" ").map((name) => `${name} 00:00`).join(" "));
  judge.equal("25 hours", await marks("2026-10-25T00:00:00+02:00"), hours);
  await page.close();
}

/** Relative addresses lead to the bridge below any path. */
async function paths({ browser, bridges, judge }) {
  const { url, port } = bridges.day;
  const proxy = net.createServer((client) => {
    const server = net.connect(port, "127.0.0.1");
    client.on("data", (data) => server.write(data.toString("latin1").replaceAll(" /a/b/", " /").replaceAll(`:${proxy.address().port}`, `:${port}`), "latin1"));
    server.pipe(client);
    client.on("error", () => server.destroy());
    server.on("error", () => client.destroy());
    client.on("close", () => server.destroy());
    server.on("close", () => client.destroy());
  });
  await new Promise((resolve) => { proxy.listen(0, "127.0.0.1", resolve); });
  const page = await judge.open(browser, url.replace(`:${port}/`, `:${proxy.address().port}/a/b/`));
  await page.waitForSelector("[data-node=sun]");
  judge.equal("below a path, the page is styled", await page.evaluate(() => getComputedStyle(document.querySelector("main")).display), "grid");
  await page.context().close();
  proxy.close();
}

/** A bridge with several banks leads from one to the other. */
async function banks({ browser, bridges, judge }) {
  const bridge = bridges["two-banks"];
  await bridge.until("a round", (bank) => bank.bridge.state === "running");
  const page = await judge.open(browser, bridge.url + "#/units");
  await page.waitForSelector(".banks a");
  const names = (await (await fetch(bridge.url + "api/v1/banks")).json()).banks.map((bank) => bank.name);
  judge.equal("names of the banks", names.length, 2);
  for (const name of [names[1], names[0]]) {
    await page.click(`.banks a:has-text("${name}")`);
    await page.waitForSelector(`.banks a[aria-current]:has-text("${name}")`);
    const bank = await (await fetch(`${bridge.url}api/v1/banks/${name}`)).json();
    judge.equal(`units of ${name}`, await page.locator("section.unit h2").allTextContents(), bank.order.map((serial) => bank.units[serial].name));
    judge.is("the view stays", page.url().endsWith("#/units"));
    judge.is("the title names the bank", (await page.title()).includes(name));
  }
  await page.context().close();
}

/** A profile and a capture can be saved. */
async function files({ browser, bridges, judge }) {
  const bridge = bridges.day, page = await judge.open(browser, bridge.url + "#/units");
  const bank = await bridge.until("a round", (found) => found.bridge.state === "running"), [serial] = bank.order;
  for (const [what, end, text] of [["profile", "yaml", "\nbulk_voltage: "], ["capture", "jsonl", "\"direction\":\"received\""]]) {
    const saved = page.waitForEvent("download");
    await page.click(`section.unit a[href$="${serial}/${what}"]`);
    const file = await saved;
    judge.equal(`name of the ${what}`, file.suggestedFilename(), `lvx-${serial}.${end}`);
    judge.is(`content of the ${what}`, readFileSync(await file.path(), "utf8").includes(text));
  }
  await page.context().close();
}

/** Returns what an open page claims about the present, which must be nothing without a connection. */
const claims = (page) => page.evaluate(() => ({
  title: document.title.slice(0, 2),
  live: document.querySelector(".live").textContent.trim(),
  fresh: [...document.querySelectorAll(".side td:not(.sum)")].filter((cell) => !cell.classList.contains("old") && !cell.classList.contains("none") && cell.textContent.trim() !== "").length,
  ribbons: document.querySelectorAll("path.ribbon").length,
}));
const SILENT = { title: "? ", live: "not connected", fresh: 0, ribbons: 0 };

/** The bridge is killed and starts again. */
async function restart({ browser, judge, lvx }) {
  let bridge = await Bridge.start(lvx, "day");
  const { url, port } = bridge;
  try {
    await bridge.until("a round", (bank) => bank.bridge.state === "running");
    const page = await judge.open(browser, url, { mayFail: (place, text) => text.includes("net::ERR_") });
    await page.waitForSelector("path.ribbon");
    await bridge.end("SIGKILL");
    await page.waitForSelector(".verdict.lost", { timeout: 120_000 });
    judge.equal("without the bridge, nothing is shown as new", await claims(page), SILENT);
    bridge = await Bridge.start(lvx, "day", port);
    await page.waitForSelector(".verdict:not(.lost)", { timeout: 120_000 });
    await page.waitForSelector(".verdict.ok", { timeout: 120_000 });
    judge.is("the page recovers", (await claims(page)).live.startsWith("live"));
    await page.context().close();
  } finally {
    await bridge.end();
  }
}

/** The network swallows everything, without closing the connection; then it refuses; then it is there again. */
async function silence({ browser, bridges, judge }) {
  const { url, port } = bridges.day;
  let mode = "open";
  const clients = new Set();
  const proxy = net.createServer((client) => {
    if (mode !== "open") {
      client.destroy();
      return;
    }
    const server = net.connect(port, "127.0.0.1");
    clients.add(client);
    client.on("data", (data) => { if (mode === "open") server.write(data.toString("latin1").replaceAll(`:${proxy.address().port}`, `:${port}`), "latin1"); });
    server.on("data", (data) => { if (mode === "open") client.write(data); });
    for (const [one, other] of [[client, server], [server, client]]) {
      one.on("error", () => other.destroy());
      one.on("close", () => { if (mode === "open") other.destroy(); });
    }
  });
  await new Promise((resolve) => { proxy.listen(0, "127.0.0.1", resolve); });
  const page = await judge.open(browser, url.replace(`:${port}/`, `:${proxy.address().port}/`), { mayFail: (place, text) => text.includes("net::ERR_") });
  await page.waitForSelector("path.ribbon");
  mode = "silent";
  await page.waitForSelector(".verdict.lost", { timeout: 120_000 });
  judge.equal("without the network, nothing is shown as new", await claims(page), SILENT);
  mode = "open";
  clients.forEach((client) => client.destroy());
  await page.waitForSelector(".verdict.ok", { timeout: 120_000 });
  await page.context().close();
  clients.forEach((client) => client.destroy());
  proxy.close();
}
