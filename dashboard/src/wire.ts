/**
 * What the server sends, as docs/API.md says it: types, and functions that take nothing on trust.
 *
 * In: text of a frame. Out: a typed message, or a `WireError` that says what was wrong. A row that cannot be read
 * spoils itself only: it is passed on as a fault, so that one panel fails and the others stay.
 */

export const PROTOCOL = "tributary.v1.json";
export const TOPICS = ["engine", "dispositions", "attribution", "transitions", "history"] as const;
export type Topic = (typeof TOPICS)[number];
export type Dimension = "channel" | "campaign";
export type ChainWindow = "all" | "24h" | "1h";

/** One chain: whose, of what, over which time. */
export interface Chain {
  readonly scope: string;
  readonly dimension: Dimension;
  readonly window: ChainWindow;
}

export interface Worker {
  readonly process: number;
  readonly worker: number;
  readonly events_per_second: number;
  readonly busy_share: number | null;
}
export interface Engine {
  readonly events_per_second: number;
  readonly latency_ms_p50: number | null;
  readonly latency_ms_p99: number | null;
  readonly latency_ms_p999: number | null;
  readonly epochs_per_second: number | null;
  readonly event_time_ms: number | null;
  readonly event_lag_ms: number | null;
  readonly memory_bytes: number | null;
  readonly uptime_ms: number | null;
  readonly workers: readonly Worker[];
}
export const DISPOSITIONS = ["accepted", "duplicate", "late", "invalid", "no_consent"] as const;
export type Disposition = (typeof DISPOSITIONS)[number];
export interface Dispositions extends Readonly<Record<Disposition, number>> {
  readonly read: number;
  readonly conflicts: number;
  readonly open_sessions: number;
  readonly open_journeys: number;
}
export interface Scopes {
  readonly advertisers: readonly string[];
}
export interface Credit {
  readonly state: string;
  readonly removal_effect: number | null;
  readonly removal_effect_value: number | null;
  readonly attributed_conversions: number | null;
  readonly attributed_value: number | null;
}
export interface Attribution {
  readonly journeys: number;
  readonly touches: number;
  readonly conversions: number;
  readonly untouched: number;
  readonly value: number;
  readonly untouched_value: number;
  readonly p_conversion: number | null;
  readonly expected_value_per_journey: number | null;
  readonly credits: readonly Credit[];
}
/** From, to, how often. */
export type Count = readonly [from: string, to: string, count: number];
export interface Transitions {
  readonly states: readonly string[];
  readonly counts: readonly Count[];
}
/** Attributed conversions, attributed value, removal effect. */
export type Share = readonly [conversions: number | null, value: number | null, effect: number | null];
export interface Minute {
  /** Which minute, as its key says; `at_ms` is the moment the figures are of. */
  readonly minute_ms: number;
  readonly at_ms: number;
  readonly journeys: number;
  readonly conversions: number;
  readonly untouched: number;
  readonly value: number;
  readonly untouched_value: number;
  readonly credits: Readonly<Record<string, Share>>;
}

export type Row =
  | { readonly topic: "engine"; readonly value: Engine }
  | { readonly topic: "dispositions"; readonly value: Dispositions }
  | { readonly topic: "scopes"; readonly value: Scopes }
  | { readonly topic: "attribution"; readonly value: Attribution }
  | { readonly topic: "transitions"; readonly value: Transitions }
  | { readonly topic: "history"; readonly value: Minute }
  | { readonly topic: "fault"; readonly of: string; readonly value: string };

interface Stamp {
  readonly generation: number;
  readonly epoch: number;
  readonly server_time_ms: number;
}
export type Rows = ReadonlyMap<string, Row>;
export type Message =
  | (Stamp & { readonly type: "hello"; readonly version: string; readonly commit: string; readonly heartbeat_ms: number })
  | (Stamp & { readonly type: "snapshot"; readonly rows: Rows })
  | (Stamp & { readonly type: "delta"; readonly from_epoch: number; readonly rows: Rows; readonly removed: readonly string[] })
  | (Stamp & { readonly type: "heartbeat"; readonly staleness_ms: number })
  | { readonly type: "error"; readonly title: string };

export type Request = { readonly topics: readonly Topic[]; readonly tick_ms: number } & Chain &
  ({ readonly type: "subscribe" } | { readonly type: "resume"; readonly generation: number; readonly epoch: number });

export class WireError extends Error {}

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown, what: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new WireError(`${what} is not an object`);
}
function list(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new WireError(`${what} is not a list`);
}
function number(value: unknown, what: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new WireError(`${what} is not a number`);
}
function text(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw new WireError(`${what} is not a text`);
}
function maybe(value: unknown, what: string): number | null {
  return value === null || value === undefined ? null : number(value, what);
}

/** Numbers by name; those of `optional` may be null. */
function numbers<R extends string, O extends string>(
  from: Fields,
  required: readonly R[],
  optional: readonly O[],
): Record<R, number> & Record<O, number | null> {
  const result: Record<string, number | null> = {};
  for (const name of required) result[name] = number(from[name], name);
  for (const name of optional) result[name] = maybe(from[name], name);
  return result as Record<R, number> & Record<O, number | null>;
}

function worker(value: unknown): Worker {
  return numbers(fields(value, "worker"), ["process", "worker", "events_per_second"], ["busy_share"]);
}
function engine(value: unknown): Engine {
  const from = fields(value, "engine");
  const optional = [
    "latency_ms_p50", "latency_ms_p99", "latency_ms_p999", "epochs_per_second",
    "event_time_ms", "event_lag_ms", "memory_bytes", "uptime_ms",
  ] as const;
  return { ...numbers(from, ["events_per_second"], optional), workers: list(from["workers"], "workers").map(worker) };
}
function dispositions(value: unknown): Dispositions {
  const names = ["read", ...DISPOSITIONS, "conflicts", "open_sessions", "open_journeys"] as const;
  return numbers(fields(value, "dispositions"), names, []);
}
function scopes(value: unknown): Scopes {
  const from = fields(value, "scopes");
  return { advertisers: list(from["advertisers"], "advertisers").map((name) => text(name, "advertiser")) };
}
function credit(value: unknown): Credit {
  const from = fields(value, "credit");
  const optional = ["removal_effect", "removal_effect_value", "attributed_conversions", "attributed_value"] as const;
  return { state: text(from["state"], "state"), ...numbers(from, [], optional) };
}
function attribution(value: unknown): Attribution {
  const from = fields(value, "attribution");
  const required = ["journeys", "touches", "conversions", "untouched", "value", "untouched_value"] as const;
  const optional = ["p_conversion", "expected_value_per_journey"] as const;
  return { ...numbers(from, required, optional), credits: list(from["credits"], "credits").map(credit) };
}
function count(value: unknown): Count {
  const [from, to, times] = list(value, "count");
  return [text(from, "from"), text(to, "to"), number(times, "count")];
}
function transitions(value: unknown): Transitions {
  const from = fields(value, "transitions");
  return {
    states: list(from["states"], "states").map((name) => text(name, "state")),
    counts: list(from["counts"], "counts").map(count),
  };
}
function share(value: unknown): Share {
  const [conversions, money, effect] = list(value, "credit");
  return [maybe(conversions, "conversions"), maybe(money, "value"), maybe(effect, "removal effect")];
}
function minute(key: string, value: unknown): Minute {
  const from = fields(value, "minute");
  const minute_ms = number(Number(key.split("/")[4]), "the minute of the key");
  const required = ["at_ms", "journeys", "conversions", "untouched", "value", "untouched_value"] as const;
  const credits = Object.entries(fields(from["credits"], "credits")).map(([state, of]) => [state, share(of)] as const);
  return { minute_ms, ...numbers(from, required, []), credits: Object.fromEntries(credits) };
}

function readRow(topic: string, key: string, value: unknown): Row | undefined {
  switch (topic) {
    case "engine":
      return { topic, value: engine(value) };
    case "dispositions":
      return key === "scopes" ? { topic: "scopes", value: scopes(value) } : { topic, value: dispositions(value) };
    case "attribution":
      return { topic, value: attribution(value) };
    case "transitions":
      return { topic, value: transitions(value) };
    case "history":
      return { topic, value: minute(key, value) };
    default:
      return undefined;
  }
}

/** One row. Keys of topics that later servers may add are passed over. */
function row(key: string, value: unknown): Row | undefined {
  const head = key.split("/", 1)[0] ?? key;
  const topic = head === "scopes" ? "dispositions" : head;
  try {
    return readRow(topic, key, value);
  } catch (error) {
    if (error instanceof WireError) return { topic: "fault", of: topic, value: error.message };
    throw error;
  }
}
function rows(value: unknown): Rows {
  const known = new Map<string, Row>();
  for (const [key, content] of Object.entries(fields(value, "rows"))) {
    const read = row(key, content);
    if (read) known.set(key, read);
  }
  return known;
}
function stamp(from: Fields): Stamp {
  return numbers(from, ["generation", "epoch", "server_time_ms"], []);
}

function json(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    throw new WireError("a frame is not JSON");
  }
}

/** One message of the server. Types that this client does not know are passed over. */
export function parseMessage(source: string): Message | undefined {
  const from = fields(json(source), "a frame");
  switch (from["type"]) {
    case "hello":
      return {
        type: "hello", ...stamp(from), heartbeat_ms: number(from["heartbeat_ms"], "heartbeat_ms"),
        version: text(from["version"], "version"), commit: text(from["commit"] ?? "", "commit"),
      };
    case "snapshot":
      return { type: "snapshot", ...stamp(from), rows: rows(from["rows"]) };
    case "delta":
      return {
        type: "delta", ...stamp(from), from_epoch: number(from["from_epoch"], "from_epoch"), rows: rows(from["rows"]),
        removed: list(from["removed"] ?? [], "removed").map((key) => text(key, "key")),
      };
    case "heartbeat":
      return { type: "heartbeat", ...stamp(from), staleness_ms: number(from["staleness_ms"], "staleness_ms") };
    case "error":
      return { type: "error", title: text(from["title"], "title") };
    default:
      return undefined;
  }
}

/** The part of a key that names the chain, such as `northwind/channel/24h`. */
export function chainKey(chain: Chain): string {
  return `${encodeURIComponent(chain.scope)}/${chain.dimension}/${chain.window}`;
}

/** The chain part of a key of a chain's row, or undefined for rows that belong to no chain. */
export function chainOf(key: string): string | undefined {
  const parts = key.split("/");
  return parts.length >= 4 ? parts.slice(1, 4).join("/") : undefined;
}
