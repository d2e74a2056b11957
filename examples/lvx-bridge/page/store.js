// The state of a bank, kept current by merge patches (RFC 7396) over server-sent events.

export const state = {
  /** Document of the bank, as `/api/v1/bank` has it; null before the first one. */
  bank: null,
  /** Names, units and kinds of all values, from `/api/v1/entities`. */
  rows: { unit: {}, pack: {}, bank: {} },
  /** What this client may do, from `/api/v1/access`. */
  access: { acknowledge: false, control: false },
  /** Banks of the bridge. */
  banks: [],
  /** View that is shown. */
  route: "overview",
  /** Why there is no connection; null while there is one. */
  problem: "connecting",
  /** Chosen values that were not asked for yet, by setting. */
  drafts: {},
  /** Plans that are shown, by setting. */
  plans: {},
  /** Requests that run, and errors, by the place where they are shown. */
  busy: {},
  errors: {},
};

/** The bridge sends something every 5 seconds. */
const MAX_QUIET = 12;
const RETRY_TIME = 3000;
const MAX_HIDDEN = 60_000;
const BANKS_PERIOD = 15_000;

const listeners = new Set();
export const onChange = (listener) => listeners.add(listener);
export const changed = () => listeners.forEach((listener) => listener());

const chosen = new URLSearchParams(location.search).get("bank");
const api = (path) => "api/v1/" + path;
/** Returns a path of the API about the chosen bank. */
const ofBank = (path) => api(chosen === null ? path : `banks/${encodeURIComponent(chosen)}/${path}`);
export const unitPath = (serial, what) => ofBank(`units/${encodeURIComponent(serial)}/${what}`);
export const bankPath = () => chosen === null ? api("bank") : api("banks/" + encodeURIComponent(chosen));

// The wall clock of a tablet may be wrong or be set, and the other clock may stand still while a laptop sleeps. The
// time since something was heard is the greater of both.
let heard = { wall: Date.now(), steady: performance.now() }, skew = 0;
export const quiet = () => Math.max(Date.now() - heard.wall, performance.now() - heard.steady) / 1000;
/** The time of the bridge, in Unix seconds. */
export const now = () => Date.now() / 1000 + skew;
/** Whether the values may be old: no message for so long that one was missed, or no connection. */
export const lost = () => state.bank !== null && (state.problem !== null || quiet() > MAX_QUIET);

function take(bank) {
  state.bank = bank;
  state.problem = null;
  heard = { wall: Date.now(), steady: performance.now() };
  skew = bank.now - Date.now() / 1000;
  changed();
}

/** Applies a merge patch. Null removes a member. */
export function merge(target, change) {
  if (change === null || typeof change !== "object" || Array.isArray(change)) return change;
  const isMap = target !== null && typeof target === "object" && !Array.isArray(target);
  const result = isMap ? { ...target } : {};
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}

let source = null, retry = null, opened = 0;

/** Connects, and connects again whenever nothing is heard. */
export function start() {
  connect();
  setInterval(() => {
    const isStuck = performance.now() - opened > MAX_QUIET * 1000;
    if (quiet() > MAX_QUIET && isStuck && !retry && !document.hidden) connect();
    if (document.hidden && source && hiddenSince && Date.now() - hiddenSince > MAX_HIDDEN) pause();
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    hiddenSince = document.hidden ? Date.now() : null;
    if (!document.hidden && !source) connect();
  });
  addEventListener("online", connect);
}

// A browser opens few connections to one server. Tabs that nobody sees leave them to the others.
let hiddenSince = null;
function pause() {
  end();
  state.problem = "paused";
  changed();
}

function end() {
  clearTimeout(retry);
  retry = null;
  source?.close();
  source = null;
}

function connect() {
  end();
  opened = performance.now();
  const own = source = new EventSource(ofBank("events"));
  const isOld = () => own !== source;
  own.addEventListener("bank", (event) => {
    if (isOld()) return;
    const isFirst = state.bank === null || state.bank.bridge.session !== JSON.parse(event.data).bridge.session;
    take(JSON.parse(event.data));
    if (isFirst) describe();
  });
  own.addEventListener("patch", (event) => {
    if (isOld()) return;
    const message = JSON.parse(event.data);
    // After a hole, the whole document is needed again.
    if (state.bank === null || message.seq !== state.bank.seq + 1) return connect();
    take({ ...merge(state.bank, message.patch), seq: message.seq });
  });
  own.onerror = () => {
    if (isOld()) return;
    if (state.problem === null || state.problem === "connecting") state.problem = "lost";
    changed();
    // The browser repeats the attempt unless the server refused it. Then the answer says why.
    if (own.readyState === EventSource.CLOSED) {
      end();
      probe();
    }
  };
}

/** Finds out why the stream was refused, and tries again later. */
async function probe() {
  retry = setTimeout(connect, RETRY_TIME);
  try {
    const stop = new AbortController();
    const answer = await fetch(ofBank("events"), { cache: "no-store", signal: stop.signal });
    const body = answer.ok ? {} : await answer.json().catch(() => ({}));
    stop.abort();
    state.problem = answer.status === 401 ? "login" : answer.ok ? "lost" : body.error || "HTTP " + answer.status;
  } catch {
    state.problem = "lost";
  }
  changed();
}

/** Reads what changes only with the bridge. Without it, the page works, with fewer names. */
async function describe() {
  const read = async (path, keep) => {
    try {
      const answer = await fetch(api(path), { cache: "no-store" });
      if (answer.ok) keep(await answer.json());
    } catch { /* The next start of the bridge is another attempt. */ }
  };
  await Promise.all([
    read("entities", (rows) => { state.rows = rows; }),
    read("access", (access) => { state.access = access; }),
    read("banks", (list) => { state.banks = list.banks; }),
  ]);
  changed();
}

/** Reads the verdicts of the other banks again. */
setInterval(async () => {
  if (state.banks.length < 2 || document.hidden || lost()) return;
  try {
    const answer = await fetch(api("banks"), { cache: "no-store" });
    if (answer.ok) state.banks = (await answer.json()).banks;
  } catch { /* The stream shows whether the bridge answers. */ }
}, BANKS_PERIOD);

/** Reads the history of the chosen bank; throws with the reason if there is none. */
export async function history(query) {
  const answer = await fetch(ofBank("history") + "?" + new URLSearchParams(query), { cache: "no-store" });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Error(/nothing was recorded/.test(body.error) ? "nothing was recorded yet" : body.error || "HTTP " + answer.status);
  }
  return body;
}

/** Sends a request that changes something; throws with the reason if it is refused. */
export async function post(path, body) {
  const answer = await fetch(ofBank(path), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const result = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(result.error || "the bridge answered with status " + answer.status);
  return result;
}

/** Runs a request, and shows at `place` that it runs or why it failed. */
export async function run(place, request) {
  state.busy[place] = true;
  delete state.errors[place];
  changed();
  try {
    return await request();
  } catch (error) {
    state.errors[place] = error.message;
    return null;
  } finally {
    delete state.busy[place];
    changed();
  }
}

