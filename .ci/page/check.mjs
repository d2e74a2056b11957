// Opens the page of the bridge in Chromium: check.mjs LVX CHROMIUM SCREENSHOTS [ONLY].
// ONLY is a regular expression for the names of states and functions, such as `fault|keyboard`.
//
// 1. Each state, on a phone, a tablet and a desktop, light and dark: no error, no request to another host, no violation
//    of axe, no sideways scroll, the values of the API.
// 2. Behaviour: changes, acknowledgements, restarts, loss of the network, keyboard, texts as markup.
// 3. Cost: first view, an idle page, fifty pages.
import { existsSync, readFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { Bridge } from "./bridge.mjs";
import { Judge } from "./judge.mjs";
import { looks } from "./looks.mjs";
import { behaviour } from "./behaviour.mjs";
import { cost } from "./cost.mjs";

const [lvx, folder, screenshots, only = ""] = process.argv.slice(2);
const SCENES = ["day", "night", "gone", "fault", "stale", "starting", "pending", "refused", "read-only", "single", "two-banks", "nine",
  "split-phase", "three-phase", "packs"];

const began = Date.now();
const seconds = () => ((Date.now() - began) / 1000).toFixed(0);
const libraries = ["", "/pulseaudio"].map((more) => `${folder}/usr/lib/x86_64-linux-gnu${more}:${folder}/usr/lib/aarch64-linux-gnu${more}`).join(":");
const installed = `${folder}/browser`;
const browser = await chromium.launch({
  executablePath: existsSync(installed) ? readFileSync(installed, "utf8").trim() : `${folder}/usr/lib/chromium/chromium-headless-shell`,
  env: { ...process.env, LD_LIBRARY_PATH: `${folder}/usr/lib/chromium:${libraries}`, FONTCONFIG_FILE: `${folder}/fonts.conf` },
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const bridges = {}, judge = new Judge();
let failed = null;
try {
  await Promise.all(SCENES.map(async (scene) => { bridges[scene] = await Bridge.start(lvx, scene); }));
  console.log(`${SCENES.length} bridges, Chromium ${browser.version()}, ${seconds()} s`);
  const isWanted = (name) => new RegExp(only).test(name);
  const context = { browser, bridges, judge, lvx, screenshots, isWanted };
  if (isWanted("cost")) await cost(context);
  console.log(`cost: ${seconds()} s`);
  await Promise.all([looks(context), behaviour(context)]);
  console.log(`looks and behaviour: ${seconds()} s`);
} catch (error) {
  failed = error;
} finally {
  await browser.close();
  await Promise.all(Object.values(bridges).map((bridge) => bridge.end()));
}
if (failed) judge.fail(failed.stack);
judge.end();
