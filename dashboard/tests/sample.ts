/** A small chain whose sums come out, and frames that tell of it. */

import type { Chain, Row } from "../src/wire";

export const CHAIN: Chain = { scope: "*", dimension: "channel", window: "all" };
export const MINUTE_MS = 1_763_690_040_000;
export const GENERATION = 1_763_690_000_000;

export const ATTRIBUTION = {
  journeys: 200, touches: 420, conversions: 50, untouched: 4, value: 5000.5, untouched_value: 300.25,
  p_conversion: 0.25, expected_value_per_journey: 25.0025,
  credits: [
    { state: "email", removal_effect: 0.2, removal_effect_value: 0.25, attributed_conversions: 11.5, attributed_value: 1175.0625 },
    { state: "search", removal_effect: 0.6, removal_effect_value: 0.75, attributed_conversions: 34.5, attributed_value: 3525.1875 },
  ],
};
export const TRANSITIONS = {
  states: ["email", "search"],
  counts: [
    ["(start)", "search", 140], ["(start)", "email", 56], ["(start)", "(conversion)", 4],
    ["search", "email", 20], ["search", "search", 10], ["search", "(conversion)", 36], ["search", "(null)", 94],
    ["email", "search", 10], ["email", "(conversion)", 10], ["email", "(null)", 56],
  ] as [string, string, number][],
};
export const DISPOSITIONS = {
  read: 1000, accepted: 980, duplicate: 9, late: 5, invalid: 4, no_consent: 2, conflicts: 1, open_sessions: 30, open_journeys: 25,
};
export const ENGINE = {
  events_per_second: 1200.4, latency_ms_p50: 1.5, latency_ms_p99: 6.1, latency_ms_p999: 11.9, epochs_per_second: 199.6,
  event_time_ms: MINUTE_MS + 7000, event_lag_ms: 320, memory_bytes: 80_000_000, uptime_ms: 3_661_000,
  workers: [
    { process: 0, worker: 0, events_per_second: 700.2, busy_share: 0.11 },
    { process: 0, worker: 1, events_per_second: 500.2, busy_share: 0.09 },
  ],
};

export function minute(minute_ms: number, conversions: number, search: number, email: number) {
  return {
    at_ms: minute_ms, events_per_second: 1000, journeys: conversions * 4, conversions, untouched: conversions - search - email,
    value: conversions * 100, untouched_value: 0, credits: { search: [search, search * 100, 0.6], email: [email, email * 100, 0.2] },
  };
}

export const ROWS: Record<string, unknown> = {
  engine: ENGINE,
  dispositions: DISPOSITIONS,
  scopes: { advertisers: ["Acme", "Borealis"], dimensions: ["channel", "campaign"], windows: ["all", "24h", "1h"] },
  "attribution/*/channel/all": ATTRIBUTION,
  "transitions/*/channel/all": TRANSITIONS,
  [`history/*/channel/all/${MINUTE_MS}`]: minute(MINUTE_MS, 40, 28, 8),
  [`history/*/channel/all/${MINUTE_MS + 60_000}`]: minute(MINUTE_MS + 60_000, 50, 34.5, 11.5),
};

export const snapshot = (epoch: number, rows: Record<string, unknown> = ROWS, generation = GENERATION) =>
  JSON.stringify({ type: "snapshot", generation, epoch, server_time_ms: MINUTE_MS + epoch, rows });
export const delta = (from_epoch: number, epoch: number, rows: Record<string, unknown>, removed: string[] = []) =>
  JSON.stringify({ type: "delta", generation: GENERATION, from_epoch, epoch, server_time_ms: MINUTE_MS + epoch, rows, removed });
export const hello = (generation = GENERATION) =>
  JSON.stringify({ type: "hello", protocol: "tributary.v1.json", generation, epoch: 1, server_time_ms: 1, version: "0.1.0", commit: "c0ffee", heartbeat_ms: 5000 });

export const topicsOf = (rows: ReadonlyMap<string, Row>): string[] => [...rows.values()].map(({ topic }) => topic);
