/** What the reader has chosen, as it stands in the URL. Defaults are left out, so that a plain link stays plain. */

import type { Chain, ChainWindow, Dimension } from "./wire";

export type Measure = "conversions" | "value";
export interface Selection extends Chain {
  readonly measure: Measure;
}

export const DIMENSIONS: readonly Dimension[] = ["channel", "campaign"];
export const MEASURES: readonly Measure[] = ["conversions", "value"];
export const WINDOWS: readonly ChainWindow[] = ["all", "24h", "1h"];
export const WINDOW_NAMES: Readonly<Record<ChainWindow, string>> = { all: "all time", "24h": "24 h", "1h": "1 h" };
export const WINDOW_SAID: Readonly<Record<ChainWindow, string>> = { all: "", "24h": "in the last 24 hours", "1h": "in the last hour" };
export const EVERYONE = "*";
export const DEFAULTS: Selection = { scope: EVERYONE, dimension: "channel", measure: "conversions", window: "all" };
const TICK_MS = 250;

function one<T extends string>(value: string | null, known: readonly T[], otherwise: T): T {
  return known.find((name) => name === value) ?? otherwise;
}

/** All advertisers together have channels only. */
function possible(selection: Selection): Selection {
  return selection.scope === EVERYONE ? { ...selection, dimension: "channel" } : selection;
}

export function fromSearch(search: string): Selection {
  const query = new URLSearchParams(search);
  return possible({
    scope: query.get("scope") || DEFAULTS.scope,
    dimension: one(query.get("dimension"), DIMENSIONS, DEFAULTS.dimension),
    measure: one(query.get("measure"), MEASURES, DEFAULTS.measure),
    window: one(query.get("window"), WINDOWS, DEFAULTS.window),
  });
}

/** The query of `selection`; parameters of others, such as `tick`, stay. */
export function toSearch(selection: Selection, search: string): string {
  const query = new URLSearchParams(search);
  const chosen = possible(selection);
  for (const name of ["scope", "dimension", "measure", "window"] as const) {
    if (chosen[name] === DEFAULTS[name]) query.delete(name);
    else query.set(name, chosen[name]);
  }
  const text = query.toString();
  return text === "" ? "?" : `?${text}`;
}

export function tickFrom(search: string): number {
  const tick = Number(new URLSearchParams(search).get("tick") ?? TICK_MS);
  return Number.isInteger(tick) && tick >= 20 && tick <= 5000 ? tick : TICK_MS;
}
