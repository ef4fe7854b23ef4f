/**
 * From a frame to what is drawn: pure functions, one file a panel in `derive/`. Here: which channels there are, in
 * which order and colour.
 */

import type { Frame } from "./frame";
import { EVERYONE } from "./selection";
import type { Chain } from "./wire";

/** Colours that can be told apart; whoever comes later shares one row and one grey. */
export const SLOTS = 12;
/** Rows to leave room for before anything is known. */
export const EXPECTED_ROWS = 8;
export const OTHER = "(other)";

export interface Channel {
  readonly id: string;
  readonly label: string;
  /** 1 to 12; 0 is "other". */
  readonly slot: number;
  /** The states it stands for: itself, or all that have no slot. */
  readonly members: readonly string[];
}

/** Channels have one colour for all advertisers; campaigns belong to one. */
export function paletteKey({ scope, dimension }: Pick<Chain, "scope" | "dimension">): string {
  return dimension === "channel" ? dimension : `${dimension}/${scope}`;
}
export const orderKey = ({ scope, dimension }: Pick<Chain, "scope" | "dimension">): string => `${dimension}/${scope}`;

/** Names keep their place for ever; new ones are appended, sorted where they come together. */
export function withNames(known: readonly string[], names: readonly string[]): readonly string[] {
  const seen = new Set(known);
  const fresh = names.filter((name) => !seen.has(name)).sort();
  return fresh.length === 0 ? known : [...known, ...fresh];
}

/** Rows keep their place until the reader sorts; rows that appear together begin in order of credit. */
export function withRows(known: readonly string[], frame: Frame): readonly string[] {
  const seen = new Set(known);
  const fresh = (frame.attribution?.credits ?? []).filter(({ state }) => !seen.has(state));
  if (fresh.length === 0) return known;
  const credit = (value: number | null) => value ?? 0;
  const sorted = [...fresh].sort(
    (a, b) => credit(b.attributed_conversions) - credit(a.attributed_conversions) || (a.state < b.state ? -1 : 1),
  );
  return [...known, ...sorted.map(({ state }) => state)];
}

/** The rows to draw: those with a colour, in the reader's order, and one for all others. */
export function channels(frame: Frame, order: readonly string[], palette: readonly string[]): readonly Channel[] {
  const present = new Set((frame.attribution?.credits ?? []).map(({ state }) => state));
  const slot = (name: string) => palette.indexOf(name) + 1;
  const hasColour = (name: string) => slot(name) >= 1 && slot(name) <= SLOTS;
  const names = order.filter((name) => present.has(name));
  const rows = names.filter(hasColour).map((id) => ({ id, label: id, slot: slot(id), members: [id] }));
  const others = names.filter((name) => !hasColour(name));
  if (others.length === 0) return rows;
  return [...rows, { id: OTHER, label: `other (${others.length})`, slot: 0, members: others }];
}

export const scopeName = (scope: string): string => (scope === EVERYONE ? "all advertisers" : scope);

/** A sum in which one undefined part makes the whole undefined. */
export function sum(values: readonly (number | null)[]): number | null {
  return values.reduce((total, value) => (total === null || value === null ? null : total + value), 0 as number | null);
}

export const ratio = (part: number | null, whole: number): number | null =>
  part === null || whole === 0 ? null : part / whole;
