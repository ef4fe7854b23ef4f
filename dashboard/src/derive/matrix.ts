/** Transitions as a table: from the start and every channel, to every channel, the conversion and null. */

import type { Channel } from "../derive";
import type { Transitions } from "../wire";

export const START = "(start)";
export const CONVERSION = "(conversion)";
export const NULL = "(null)";

export interface Cell {
  readonly count: number;
  /** Of all that leave the row's state; null if nothing does. */
  readonly probability: number | null;
}
export interface MatrixRow {
  readonly from: Channel | typeof START;
  readonly cells: readonly Cell[];
  readonly total: number;
}
export interface Matrix {
  /** What the columns are: channels, then conversion and null. */
  readonly columns: readonly (Channel | typeof CONVERSION | typeof NULL)[];
  readonly rows: readonly MatrixRow[];
  /** How many enter each column's state. */
  readonly entered: readonly number[];
}

/** A channel called like a special state is written with a leading `\` among transitions, and plainly among credits. */
const plain = (name: string): string => name.replace(/^\\(?=\\*\((?:start|conversion|null)\)$)/, "");
const isSpecial = (name: string): boolean => name === START || name === CONVERSION || name === NULL;

/** The columns of a list of channels; one list as long as they stay, so that a table of them need not be drawn again. */
const columns = new WeakMap<readonly Channel[], Matrix["columns"]>();
function columnsOf(channels: readonly Channel[]): Matrix["columns"] {
  const known = columns.get(channels) ?? [...channels, CONVERSION, NULL];
  columns.set(channels, known);
  return known;
}

export function matrix(transitions: Transitions, channels: readonly Channel[]): Matrix {
  const place = new Map(channels.flatMap(({ members }, at) => members.map((name) => [name, at] as const)));
  const width = channels.length + 2;
  const rowOf = (name: string) => (name === START ? 0 : (place.get(plain(name)) ?? NaN) + 1);
  const columnOf = (name: string) => {
    if (isSpecial(name)) return name === CONVERSION ? channels.length : channels.length + 1;
    return place.get(plain(name)) ?? NaN;
  };
  const counts = Array.from({ length: channels.length + 1 }, () => new Array<number>(width).fill(0));
  for (const [from, to, count] of transitions.counts) {
    const row = counts[rowOf(from)];
    const column = columnOf(to);
    if (row && column in row) row[column]! += count;
  }
  const entered = new Array<number>(width).fill(0);
  const rows = counts.map((cells, at): MatrixRow => {
    const total = cells.reduce((all, count) => all + count, 0);
    cells.forEach((count, column) => (entered[column]! += count));
    const from = at === 0 ? START : channels[at - 1]!;
    return { from, total, cells: cells.map((count) => ({ count, probability: total === 0 ? null : count / total })) };
  });
  return { columns: columnsOf(channels), rows, entered };
}

export type End = Channel | typeof START | typeof CONVERSION | typeof NULL;
const END_LABELS: Readonly<Record<string, string>> = { [START]: "start", [CONVERSION]: "conv", [NULL]: "null" };
export const endLabel = (end: End): string => (typeof end === "string" ? END_LABELS[end]! : end.label);
export const endId = (end: End): string => (typeof end === "string" ? end : end.id);
export const endSlot = (end: End): number | undefined => (typeof end === "string" ? undefined : end.slot);

/** Fixed, so that a colour means the same next week. */
const BREAKS = [0.008, 0.025, 0.05, 0.08, 0.12, 0.18, 0.4];
/** Null takes the larger part of most rows; on the ramp of the others it would be the darkest thing on the page. */
const NULL_BREAKS = [0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.92];
export const heatStep = (probability: number, isNull = false): number =>
  (isNull ? NULL_BREAKS : BREAKS).filter((limit) => probability >= limit).length;
