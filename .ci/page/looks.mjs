// Each state of a bank at each size, light and dark.
import { mkdirSync } from "node:fs";
import * as expected from "./expected.mjs";

const SIZES = [["phone", 390, 844], ["tablet", 820, 1180], ["desktop", 1280, 800]];
const SCHEMES = ["light", "dark"];

/** Chooses another value of a setting, and asks for it twice. */
export async function change(page, key, to) {
  const select = page.locator(`#k-${key}-new`);
  await select.selectOption(to);
  const plan = page.locator(`#k-${key} .cmd.ask`);
  await plan.waitFor();
  await plan.locator("button.strong").click();
}

/** Logs in with the token of the bridge. */
export async function login(page, bridge) {
  const back = page.url();
  await page.goto(bridge.url + "login");
  await page.fill("input[name=token]", bridge.token);
  await page.click("button");
  await page.waitForURL(bridge.url);
  await page.goto(back);
  await page.waitForSelector(".live");
}

const KEY = "charger_priority";
const otherValue = (bank) => {
  const item = bank.settings.items.find(({ key }) => key === KEY);
  return item.options.find((option) => option !== item.value);
};

/** Views that are looked at only on a light desktop and on a dark phone: each state has another one at all sizes. */
const FEW = /^(gone-units|stale-units|read-only-settings|single|two-banks|nine|nine-units|split-phase|three-phase|packs-units)$/;

/** The second unit answers, but so slowly that its values are old. */
const isStale = (bank) => {
  const { link, groups } = bank.units[bank.order[1]];
  return link.state === "up" && groups.GS?.status !== "fresh";
};

/** States: scene, name of the screenshot, view, and what has to be so before. */
const STATES = [
  ["starting", "starting", "", (bank) => bank.bridge.state === "starting"],
  ["day", "day", "", (bank) => bank.verdict.level === "ok"],
  ["day", "day-settings", "#/settings", (bank) => bank.settings.items.every((item) => !item.blocked)],
  ["day", "day-units", "#/units", (bank) => bank.verdict.level === "ok"],
  ["day", "day-findings", "#/findings", (bank) => bank.verdict.level === "ok"],
  ["night", "night", "", (bank) => bank.verdict.level === "ok" && bank.values.pv_power?.value === 0],
  ["gone", "gone", "", (bank) => bank.verdict.level !== "ok" && bank.bridge.state === "running"],
  ["gone", "gone-units", "#/units", (bank) => bank.units[bank.order[1]].link.state === "down"],
  ["fault", "fault", "", (bank) => bank.verdict.level === "error"],
  ["fault", "fault-findings", "#/findings", (bank) => bank.findings.length > 0],
  ["stale", "stale", "", isStale],
  ["stale", "stale-units", "#/units", isStale],
  ["read-only", "read-only-settings", "#/settings", (bank) => bank.bridge.state === "running"],
  ["single", "single", "", (bank) => bank.bridge.state === "running"],
  ["nine", "nine", "", (bank) => bank.bridge.state === "running"],
  ["two-banks", "two-banks", "", (bank) => bank.bridge.state === "running"],
  ["nine", "nine-units", "#/units", (bank) => bank.bridge.state === "running"],
  ["split-phase", "split-phase", "", (bank) => bank.bridge.state === "running"],
  ["three-phase", "three-phase", "", (bank) => bank.bridge.state === "running"],
  ["packs", "packs-units", "#/units", (bank) => Object.values(bank.packs).every((pack) => pack.values.voltage.status === "fresh")],
];

const CONTROL_STATES = [
  ["refused", "refused-settings", ".cmd.refused"],
  ["pending", "pending-settings", ".cmd.pending"],
  ["pending", "proved-settings", ".cmd.proved"],
];

export async function looks({ browser, bridges, judge, screenshots, isWanted }) {
  mkdirSync(screenshots, { recursive: true });
  // Some pages at a time, because states are waited for. The first state does not last.
  const queue = STATES.filter(([, name]) => isWanted(name));
  const work = async () => {
    for (let state = queue.shift(); state; state = queue.shift()) {
      const [scene, name, view, isReady] = state, bridge = bridges[scene];
      await bridge.until(name, isReady, 300);
      const page = await judge.open(browser, bridge.url + view);
      await everywhere(page, name, judge, screenshots);
      await compare(page, bridge, name, judge);
      await page.context().close();
    }
  };
  await Promise.all([work(), work(), controls({ browser, bridges, judge, screenshots, isWanted })]);
}

async function controls({ browser, bridges, judge, screenshots, isWanted }) {
  for (const [scene, name, selector] of CONTROL_STATES.filter((state) => isWanted(state[1]))) {
    const bridge = bridges[scene];
    const bank = await bridge.until("settings that can be changed", (found) => found.settings.items.every((item) => !item.blocked), 300);
    const page = await judge.open(browser, bridge.url + "#/settings");
    if (selector !== ".cmd.proved") {
      await login(page, bridge);
      await change(page, KEY, otherValue(bank));
    }
    await page.waitForSelector(selector, { timeout: 300_000 });
    // A change that is under way ends by itself, so only its first look is certain.
    await everywhere(page, name, judge, screenshots, selector);
    const after = await bridge.bank();
    if (selector === ".cmd.proved") {
      judge.equal(`${name}: value`, await page.textContent(`#k-${KEY} .val`), expected.words(after.settings.items.find(({ key }) => key === KEY).value));
    }
    if (selector === ".cmd.refused") {
      judge.is(`${name}: the reason of the bridge is shown`, (await page.textContent(selector)).includes(after.results[0].why));
    }
    await page.context().close();
  }
}

/** Looks at what a page shows at each size, light and dark. */
async function everywhere(page, name, judge, screenshots, selector) {
  for (const scheme of SCHEMES) {
    for (const [device, width, height] of SIZES) {
      if (FEW.test(name) && !["desktop-light", "phone-dark"].includes(`${device}-${scheme}`)) continue;
      const place = `${name}-${device}-${scheme}`;
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height });
      await page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }));
      // The pending state ends: then its looks are over.
      if (selector && !await page.$(selector)) return;
      judge.equal(`${place}: sideways scroll`, await page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - innerWidth)), 0);
      judge.equal(`${place}: h1`, await page.locator("h1").count(), 1);
      await judge.axe(page, place);
      // A bar at the bottom of the window would cover the middle of a whole page.
      await page.setViewportSize({ width, height: await page.evaluate(() => document.documentElement.scrollHeight) });
      await page.screenshot({ path: `${screenshots}/${place}.png`, animations: "disabled" });
    }
  }
}

/** Reads the table of battery packs in a page: rows with the cells of the packs, without what only screen readers say. */
export const packTexts = () => Object.fromEntries([...document.querySelectorAll(".packs .side tbody tr")]
  .map((row) => [row.querySelector("th").textContent.trim(), [...row.querySelectorAll("td")].map((cell) => {
    const copy = cell.cloneNode(true);
    copy.querySelectorAll(".sr").forEach((hidden) => hidden.remove());
    return copy.textContent.trim();
  })]));

/** Compares the texts of a page with the API. */
async function compare(page, bridge, name, judge) {
  const view = name.includes("-") ? name.slice(name.lastIndexOf("-") + 1) : "";
  if (view === "settings") {
    const rows = (await (await fetch(bridge.url + "api/v1/entities")).json()).unit;
    await judge.compare(page, bridge, `${name}: values`, () => Object.fromEntries([...document.querySelectorAll(".facts div")]
      .map((row) => [row.querySelector("dt").textContent.trim(), row.querySelector("dd").textContent.trim()])),
    (bank) => expected.settings(bank, rows));
  } else if (view === "findings" || view === "units") {
    await judge.compare(page, bridge, `${name}: texts`, () => Object.fromEntries(
      ["article h2", "article ol li", "article .vals dd", "section.unit h2", "section.unit .facts .num", "section.unit .facts code"]
        .map((selector) => [selector, [...document.querySelectorAll(selector)].map((element) => element.textContent.trim())])),
    expected[view]);
    if (bridge.scene === "packs") {
      const rows = (await (await fetch(bridge.url + "api/v1/entities")).json()).pack;
      await judge.compare(page, bridge, `${name}: packs`, packTexts, (bank) => expected.packs(bank, rows));
    }
  } else {
    await judge.compare(page, bridge, `${name}: values`, () => Object.fromEntries(
      [".verdict h1", ".verdict .vt p", "[data-node=sun] .big", "[data-node=load] .big", "[data-node=battery] .big"]
        .map((selector) => [selector, document.querySelector(selector)?.textContent.trim()])),
    expected.overview);
    if (name !== "nine") {
      await judge.compare(page, bridge, `${name}: table`, () => Object.fromEntries([...document.querySelectorAll(".side tbody tr:not(.on-phone)")]
        .map((row) => [row.querySelector("th").textContent.trim(), [...row.querySelectorAll("td:not(.sum)")].map((cell) => {
          const copy = cell.cloneNode(true);
          copy.querySelectorAll(".sr").forEach((hidden) => hidden.remove());
          return copy.textContent.trim();
        })])),
      expected.table);
    }
  }
}
