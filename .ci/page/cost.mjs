// What the page costs: bytes, time until something is seen, CPU and memory of the bridge.
import http from "node:http";
import { sleep } from "./bridge.mjs";

const PAGES = 50;

/** Number of streams that a bridge allows. */
const MAX_STREAMS = 64;

export async function cost({ browser, bridges, judge }) {
  const bridge = bridges.day;
  await bridge.until("a round", (bank) => bank.bridge.state === "running");
  await firstView(browser, bridge, judge);
  await idle(browser, bridge, judge);
  await many(browser, bridge, judge);
}

async function firstView(browser, bridge, judge) {
  const times = [];
  let bytes = 0;
  for (let round = 0; round < 3; round++) {
    const page = await judge.open(browser, bridge.url);
    await page.waitForSelector("[data-node=sun] .big");
    times.push(await page.evaluate(() => performance.getEntriesByName("first-view")[0].startTime));
    bytes = await page.evaluate(() => performance.getEntries()
      .filter((entry) => (entry.entryType === "resource" || entry.entryType === "navigation") && !/uplot|\/api\//.test(entry.name))
      .reduce((sum, entry) => sum + entry.encodedBodySize, 0));
    await page.context().close();
  }
  console.log(`first view with values after ${times.map((ms) => ms.toFixed(0)).join(", ")} ms; ${bytes} bytes without the library for plots`);
  judge.is(`sent: ${bytes} bytes`, bytes > 10_000 && bytes < 30_000);
  judge.is(`first view: ${times}`, Math.min(...times) < 10_000);
}

async function idle(browser, bridge, judge) {
  const measure = async () => {
    const before = bridge.use();
    await sleep(4000);
    return (bridge.use().cpu - before.cpu) / 40;
  };
  const without = await measure();
  const page = await judge.open(browser, bridge.url);
  await sleep(1000);
  const used = await measure();
  await page.context().close();
  console.log(`CPU of the bridge: ${without.toFixed(1)} % without a page, ${used.toFixed(1)} % with one`);
  // Of a program without optimization, on a machine that does other things.
  judge.is(`an idle page costs ${(used - without).toFixed(1)} %`, used - without < 5);
}

/** Opens what a page opens: its files, then the stream. */
async function client(bridge, files, received) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
  const read = (path, onData) => new Promise((resolve, reject) => {
    const request = http.get(bridge.url + path, { agent, headers: { "Accept-Encoding": "gzip" } }, (answer) => {
      if (answer.statusCode !== 200) return reject(new Error(`${path}: status ${answer.statusCode}`));
      const isStream = path.endsWith("/events");
      answer.on("data", (data) => onData?.(data.toString()));
      answer.on("end", resolve);
      if (isStream) resolve(request);
      return undefined;
    });
    request.on("error", reject);
  });
  for (const path of files) await read(path);
  return read("api/v1/events", received);
}

async function many(browser, bridge, judge) {
  const index = await (await fetch(bridge.url)).text();
  const files = ["", ...new Set(index.match(/page\/[a-z.]+/g)), "api/v1/entities", "api/v1/access", "api/v1/banks"];
  const before = bridge.use(), streams = [], counts = Array(PAGES).fill(0);
  for (let i = 0; i < PAGES; i += 5) {
    streams.push(...await Promise.all([0, 1, 2, 3, 4].map((n) =>
      client(bridge, files, (text) => { counts[i + n] += text.includes("event: patch") ? 1 : 0; }))));
  }
  const start = bridge.use();
  counts.fill(0);
  await sleep(5500);
  const end = bridge.use();
  for (let wait = 0; wait < 120 && Math.min(...counts) < 1; wait++) await sleep(500);
  while (streams.length < MAX_STREAMS) streams.push(await client(bridge, []));
  const page = await judge.open(browser, bridge.url, { mayFail: (place) => place.endsWith("/events"), until: "main h1" });
  await page.waitForSelector(`text=expected at most ${MAX_STREAMS} streams`);
  streams.forEach((stream) => stream.destroy());
  await page.waitForSelector("[data-node=sun]");
  await page.context().close();
  console.log(`${PAGES} pages: ${((end.cpu - start.cpu) / 55).toFixed(1)} % of a core, ` +
    `${((end.memory - before.memory) / 1e6).toFixed(1)} MB more than before, ${Math.min(...counts)} messages at least`);
  judge.is(`every one of ${PAGES} pages gets messages: ${counts}`, Math.min(...counts) >= 1);
  judge.is(`${PAGES} pages take ${end.memory - before.memory} bytes`, end.memory - before.memory < 30e6);
}
