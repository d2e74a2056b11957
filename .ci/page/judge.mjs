// Collects what is wrong.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { sleep } from "./bridge.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export class Judge {
  checks = 0;
  failures = [];

  fail(text) {
    this.failures.push(text);
    console.log("FAIL " + text);
  }

  is(text, isTrue) {
    this.checks += 1;
    if (!isTrue) this.fail(text);
  }

  equal(text, found, expected) {
    const [a, b] = [found, expected].map((value) => JSON.stringify(value));
    this.is(`${text}: expected ${b}, found ${a}`, a === b);
  }

  /** Opens a page whose errors and requests are watched. `mayFail` are addresses that may be refused. Waits for the values,
   * or for what `until` selects. */
  async open(browser, url, { options = {}, mayFail = () => false, until = ".live" } = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    context.setDefaultTimeout(120_000);
    const page = await context.newPage(), { host } = new URL(url);
    page.on("pageerror", (error) => this.fail(`${url}: ${error.stack}`));
    page.on("console", (message) => {
      const { url: place } = message.location();
      // A bridge without history says so with status 404.
      const isExpected = place.includes("/api/v1/history") || mayFail(place, message.text());
      if (message.type() === "error" && !isExpected) this.fail(`${url}: console: ${message.text()} (${place})`);
    });
    page.on("request", (request) => {
      const own = new URL(request.url());
      if (own.protocol !== "data:" && own.host !== host) this.fail(`${url}: request to ${own.host}`);
    });
    await page.goto(url);
    await page.waitForSelector(until);
    return page;
  }

  /** Runs axe on what a page shows now. */
  async axe(page, place) {
    this.checks += 1;
    if (!await page.evaluate(() => "axe" in window)) await page.evaluate(AXE);
    const violations = await page.evaluate(async () => {
      const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.html.slice(0, 120)} ${node.any[0]?.message ?? ""}`).join("; ")}`);
    });
    for (const violation of violations) this.fail(`${place}: axe: ${violation}`);
  }

  /** Compares what a page shows with the API, between two answers of the API with the same values. */
  async compare(page, bridge, place, read, expected) {
    const stable = (bank) => {
      const { now, seq, ...rest } = bank;
      return JSON.stringify(rest, (key, value) => ["at", "latency_ms", "counts", "judged_at"].includes(key) ? undefined : value);
    };
    let found, wanted;
    for (let attempt = 0; attempt < 40; attempt++) {
      const before = await bridge.bank();
      await sleep(250);
      found = await page.evaluate(read);
      const after = await bridge.bank();
      if (stable(before) !== stable(after)) continue;
      wanted = expected(after);
      found = Object.fromEntries(Object.keys(wanted).map((key) => [key, found[key]]));
      if (JSON.stringify(found) === JSON.stringify(wanted)) break;
    }
    if (wanted === undefined) this.fail(`${place}: the values of the API did not rest`);
    else this.equal(place, found, wanted);
  }

  end() {
    console.log(`${this.checks} checks, ${this.failures.length} failures`);
    if (this.failures.length) process.exit(1);
  }
}
