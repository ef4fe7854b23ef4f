/**
 * What is known of one chain as of one closed epoch, and how messages change it.
 *
 * In: rows by key. Out: a new frame; parts that did not change are the same objects, so that what draws them can tell.
 * What must hold: a snapshot with all later deltas equals a fresh snapshot.
 */

import { type Attribution, type Chain, chainKey, chainOf, type Dispositions, type Engine, type Minute, type Row, type Rows, type Topic, type Transitions } from "./wire";

/** Six hours of a chain, oldest first. The list of closed minutes is the same object until another closes. */
export interface History {
  readonly closed: readonly Minute[];
  readonly open: Minute | undefined;
}

export interface Frame {
  readonly chain: Chain;
  readonly generation: number;
  readonly epoch: number;
  readonly server_time_ms: number;
  readonly engine?: Engine;
  readonly dispositions?: Dispositions;
  readonly attribution?: Attribution;
  readonly transitions?: Transitions;
  readonly history: History;
  readonly advertisers: readonly string[];
  /** What could not be read, by topic. */
  readonly faults: Readonly<Partial<Record<string, string>>>;
}

type Stamp = Pick<Frame, "generation" | "epoch" | "server_time_ms">;
type Changes = { -readonly [K in keyof Frame]?: Frame[K] };

/** Whether a snapshot answers for that chain: it names it, or names none because nothing is known of it yet. */
export function answersFor(rows: Rows, chain: Chain): boolean {
  const wanted = chainKey(chain);
  let others = false;
  for (const key of rows.keys()) {
    const of = chainOf(key);
    if (of === wanted) return true;
    others ||= of !== undefined;
  }
  return !others;
}

export function fromSnapshot(chain: Chain, stamp: Stamp, rows: Rows): Frame {
  const empty: Frame = { chain, ...pick(stamp), history: { closed: [], open: undefined }, advertisers: [], faults: {} };
  return withRows(empty, rows, []);
}

export function withDelta(frame: Frame, stamp: Stamp, rows: Rows, removed: readonly string[]): Frame {
  return withRows({ ...frame, ...pick(stamp) }, rows, removed);
}

/** The same rows, known to hold at a later epoch. */
export function confirmed(frame: Frame, stamp: Stamp): Frame {
  return { ...frame, ...pick(stamp) };
}

const pick = ({ generation, epoch, server_time_ms }: Stamp): Stamp => ({ generation, epoch, server_time_ms });

function withRows(frame: Frame, rows: Rows, removed: readonly string[]): Frame {
  const chain = chainKey(frame.chain);
  const isOurs = (key: string) => (chainOf(key) ?? chain) === chain;
  const changes: Changes = {};
  const minutes: Minute[] = [];
  for (const [key, row] of rows) if (isOurs(key)) take(changes, frame, minutes, row);
  const gone = removed.filter(isOurs);
  const history = withMinutes(frame.history, minutes, gone);
  const next: Changes = { ...frame, ...changes, history };
  for (const key of gone) {
    if (key.startsWith("attribution/")) delete next.attribution;
    if (key.startsWith("transitions/")) delete next.transitions;
  }
  return next as Frame;
}

function take(changes: Changes, frame: Frame, minutes: Minute[], row: Row): void {
  const faults = changes.faults ?? frame.faults;
  if (row.topic === "fault") {
    changes.faults = { ...faults, [row.of]: row.value };
    return;
  }
  if (faults[row.topic] !== undefined) changes.faults = without(faults, row.topic);
  switch (row.topic) {
    case "engine":
      changes.engine = row.value;
      break;
    case "dispositions":
      changes.dispositions = row.value;
      break;
    case "scopes":
      changes.advertisers = row.value.advertisers;
      break;
    case "attribution":
      changes.attribution = row.value;
      break;
    case "transitions":
      changes.transitions = row.value;
      break;
    case "history":
      minutes.push(row.value);
      break;
  }
}

function without(faults: Frame["faults"], topic: Topic | "scopes"): Frame["faults"] {
  return Object.fromEntries(Object.entries(faults).filter(([of]) => of !== topic));
}

export const minutesOf = ({ closed, open }: History): readonly Minute[] => (open ? [...closed, open] : closed);

function withMinutes(history: History, minutes: readonly Minute[], removed: readonly string[]): History {
  const gone = new Set(removed.filter((key) => key.startsWith("history/")).map((key) => Number(key.split("/")[4])));
  if (minutes.length === 0 && gone.size === 0) return history;
  const renewed = new Set(minutes.map((minute) => minute.minute_ms));
  const kept = minutesOf(history).filter(({ minute_ms }) => !renewed.has(minute_ms) && !gone.has(minute_ms));
  const all = [...kept, ...minutes].sort((a, b) => a.minute_ms - b.minute_ms);
  const open = all.pop();
  const isSame = all.length === history.closed.length && all.every((minute, at) => minute === history.closed[at]);
  return { closed: isSame ? history.closed : all, open };
}
