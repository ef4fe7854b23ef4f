/**
 * A stand-in for the server, for the states of the page that a real one seldom has. It speaks docs/API.md: frames with
 * resume, `GET /api/v1/frame`, `POST /api/v1/events`, and the built page under a strict content security policy.
 *
 *   node mock/server.mjs [--port 8000] [--channels 8] [--rate 160] [--speed 1] [--empty]
 *
 * `POST /mock/pause`, `/mock/go`, `/mock/drop`, `/mock/spoil` make it misbehave.
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { parseArgs } from "node:util";

import { WebSocketServer } from "ws";

import { WINDOWS } from "./chains.mjs";
import { HISTORY_MINUTES, World } from "./world.mjs";

const { values: flags } = parseArgs({
  options: {
    port: { type: "string", default: "8000" }, channels: { type: "string", default: "8" },
    rate: { type: "string", default: "160" }, speed: { type: "string", default: "1" }, empty: { type: "boolean", default: false },
  },
});
const EPOCH_MS = 5;
const STEP_MS = 20;
const DIST = new URL("../dist", import.meta.url).pathname;
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const SECURITY =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

const generation = Date.now();
const speed = Number(flags.speed);
const world = new World({ channels: Number(flags.channels), empty: flags.empty, journeys_per_minute: Number(flags.rate) });
let epoch = 1;
let closed_at = Date.now();
let isPaused = false;
let isSpoiled = false;

/** Renewed four times a second, as the program does. */
let measured = { at: 0, row: undefined };
function engine() {
  if (Date.now() - measured.at >= 250) measured = { at: Date.now(), row: measure() };
  return measured.row;
}

function measure() {
  const wobble = (by) => 1 + by * Math.sin(Date.now() / 900);
  const workers = [0, 1].map((worker) => ({ process: 0, worker, events_per_second: world.rate * (worker ? 0.07 : 0.1) * wobble(0.03), busy_share: 0.1 + 0.03 * worker }));
  return {
    events_per_second: workers.reduce((all, of) => all + of.events_per_second, 0),
    latency_ms_p50: 1.4 * wobble(0.1), latency_ms_p99: 5.5 * wobble(0.4) + (epoch % 23 === 0 ? 4 : 0), latency_ms_p999: 11.2,
    epochs_per_second: 1000 / EPOCH_MS, event_time_ms: Math.round(world.now_ms), event_lag_ms: 320, memory_bytes: 81_000_000,
    uptime_ms: Date.now() - generation, workers,
  };
}

/** All rows of a subscription, by key, as texts: two are the same if their texts are. */
function rowsFor({ topics, scope, dimension, window }) {
  const rows = {};
  const chain = `${encodeURIComponent(scope)}/${dimension}/${window}`;
  const result = world.result(scope, dimension, window);
  const has = result && result.attribution.journeys > 0;
  if (topics.includes("engine")) rows.engine = engine();
  if (topics.includes("dispositions")) {
    rows.dispositions = world.dispositions;
    rows.scopes = { advertisers: world.advertisers, dimensions: ["channel", "campaign"], windows: Object.keys(WINDOWS) };
  }
  if (topics.includes("attribution") && has) rows[`attribution/${chain}`] = result.attribution;
  if (topics.includes("transitions") && has) rows[`transitions/${chain}`] = isSpoiled ? { states: "spoiled" } : result.transitions;
  if (topics.includes("history")) {
    world.openMinute(scope, dimension, window);
    const minutes = [...(world.history.get(`${scope}/${dimension}/${window}`) ?? [])].slice(-HISTORY_MINUTES);
    for (const [minute, row] of minutes) rows[`history/${chain}/${minute}`] = row;
  }
  return new Map(Object.entries(rows).map(([key, row]) => [key, key.startsWith("history/") ? written(row) : JSON.stringify(row)]));
}

/** A minute never changes once it is closed, so its text is made once. */
const texts = new WeakMap();
function written(row) {
  if (!texts.has(row)) texts.set(row, JSON.stringify(row));
  return texts.get(row);
}

const DEFAULTS = { topics: ["engine", "dispositions", "attribution"], scope: "*", dimension: "channel", window: "all", tick_ms: 250 };
const stamp = () => ({ generation, epoch, server_time_ms: Date.now() });
const text = (head, rows) => `${JSON.stringify(head).slice(0, -1)},"rows":{${[...rows].map(([key, row]) => `${JSON.stringify(key)}:${row}`).join(",")}}}`;

function refusal({ type, scope, dimension, tick_ms }) {
  if (type !== "subscribe" && type !== "resume") return `there is no message ${type}`;
  if (!(tick_ms >= 20 && tick_ms <= 5000)) return `tick_ms must be 20 to 5000, not ${tick_ms}`;
  if (scope === "*" && dimension !== "channel") return "* has channels only";
  if (scope !== "*" && !world.advertisers.includes(scope)) return `there is no advertiser ${scope}`;
  return undefined;
}

class Reader {
  constructor(socket) {
    this.socket = socket;
    this.spoke_at = Date.now();
    socket.send(JSON.stringify({ type: "hello", protocol: "tributary.v1.json", ...stamp(), version: "0.1.0", commit: "mock", heartbeat_ms: 5000 }));
    this.patience = setTimeout(() => this.take({ type: "subscribe" }), 100);
    socket.on("message", (message) => this.take(JSON.parse(message)));
    socket.on("close", () => {
      clearTimeout(this.patience);
      clearInterval(this.timer);
    });
  }

  take(message) {
    clearTimeout(this.patience);
    const wish = { ...DEFAULTS, ...message };
    const title = refusal(wish);
    if (title) {
      this.socket.send(JSON.stringify({ type: "error", title }));
      return this.socket.close(1008);
    }
    this.wish = wish;
    // What was before is not kept here; a resume within this generation gets all rows as its delta.
    const isResumed = wish.type === "resume" && wish.generation === generation;
    this.rows = rowsFor(wish);
    this.epoch = epoch;
    const head = isResumed ? { type: "delta", ...stamp(), from_epoch: wish.epoch, removed: [] } : { type: "snapshot", ...stamp() };
    this.socket.send(text(head, this.rows));
    clearInterval(this.timer);
    this.timer = setInterval(() => this.tick(), wish.tick_ms);
  }

  tick() {
    if (isPaused) return this.beat();
    const rows = rowsFor(this.wish);
    const changed = [...rows].filter(([key, row]) => this.rows.get(key) !== row);
    const removed = [...this.rows.keys()].filter((key) => !rows.has(key));
    if (changed.length + removed.length === 0) return this.beat();
    this.socket.send(text({ type: "delta", ...stamp(), from_epoch: this.epoch, removed }, changed));
    Object.assign(this, { rows, epoch, spoke_at: Date.now() });
  }

  beat() {
    if (Date.now() - this.spoke_at < 5000) return;
    this.spoke_at = Date.now();
    this.socket.send(JSON.stringify({ type: "heartbeat", ...stamp(), staleness_ms: Date.now() - closed_at }));
  }
}

/** Posted events; only what a test needs of them. */
function takeEvents(body) {
  const tally = { read: 0, accepted: 0, duplicate: 0, late: 0, invalid: 0, no_consent: 0 };
  for (const line of body.split("\n").filter((line) => line.trim() !== "")) {
    tally.read += 1;
    let event;
    try {
      event = JSON.parse(line);
    } catch {
      tally.invalid += 1;
      continue;
    }
    tally.accepted += 1;
    const advertiser = event.advertiser ?? "default";
    const touch = { channel: event.channel ?? "(unknown)", campaign: event.campaign ?? "(unknown)" };
    if (["ad_impression", "ad_click"].includes(event.event_type)) world.point(event.user_id, advertiser, touch);
    if (event.event_type === "conversion") world.point(event.user_id, advertiser, undefined, event.revenue ?? 0);
  }
  for (const [kind, count] of Object.entries(tally)) world.dispositions[kind] += count;
  return tally;
}

async function file(response, path) {
  const name = path === "/" ? "index.html" : normalize(path);
  try {
    const content = await readFile(join(DIST, name));
    response.writeHead(200, { "content-type": TYPES[extname(name)] ?? "application/octet-stream", "content-security-policy": SECURITY });
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
}

const json = (response, content, status = 200) => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(typeof content === "string" ? content : JSON.stringify(content));
};
const body = async (request) => (await request.setEncoding("utf8").toArray()).join("");
const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "tributary.v1.json" });

const MISCHIEF = {
  "/mock/pause": () => (isPaused = true),
  "/mock/go": () => (isPaused = false),
  "/mock/drop": () => sockets.clients.forEach((socket) => socket.terminate()),
  "/mock/spoil": () => (isSpoiled = !isSpoiled),
};

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://mock");
  if (request.method === "POST" && url.pathname in MISCHIEF) {
    MISCHIEF[url.pathname]();
    return json(response, {});
  }
  if (request.method === "POST" && url.pathname === "/api/v1/events") {
    return json(response, { ...takeEvents(await body(request)), as_of_epoch: epoch, generation, staleness_ms: 0 });
  }
  if (url.pathname === "/api/v1/frame") {
    const wish = { ...DEFAULTS, topics: ["engine", "dispositions", "attribution", "transitions", "history"], ...Object.fromEntries(url.searchParams) };
    return json(response, text({ type: "snapshot", ...stamp() }, rowsFor(wish)));
  }
  if (url.pathname === "/healthz") return json(response, {});
  return file(response, url.pathname);
});
server.on("upgrade", (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, (open) => new Reader(open));
});
setInterval(() => {
  if (isPaused) return;
  const now = Date.now();
  world.advance((now - closed_at) * speed);
  epoch += Math.max(1, Math.round((now - closed_at) / EPOCH_MS));
  closed_at = now;
}, STEP_MS);
closed_at = Date.now();
server.listen(Number(flags.port), "127.0.0.1", () => process.stdout.write(`http://127.0.0.1:${flags.port}/\n`));
