/**
 * Six hours of a chain, as lines. What must hold: of hundreds of minutes one changes with a frame, so what follows from
 * the closed ones is worked out once, and is the same object until another minute closes.
 */

import { type Channel, ratio, sum } from "../derive";
import type { History } from "../frame";
import type { Measure } from "../selection";
import type { ChainWindow, Minute } from "../wire";
import { totalOf, untouchedOf } from "./credit";

export interface Point {
  readonly at_ms: number;
  readonly value: number | null;
}
export interface Line {
  readonly closed: readonly Point[];
  readonly open: Point | undefined;
}

/** What was made of a list, by what was asked for; forgotten with the list. */
function remembering<K extends object, V>() {
  const made = new WeakMap<K, Map<string, V>>();
  return (of: K, key: string, make: () => V): V => {
    let known = made.get(of);
    if (!known) made.set(of, (known = new Map()));
    let value = known.get(key);
    if (value === undefined) known.set(key, (value = make()));
    return value;
  };
}
const tails = remembering<readonly Minute[], readonly Minute[]>();
const lines = remembering<readonly Minute[], readonly Point[]>();
const extents = remembering<readonly Point[], Domain>();

function lineOf({ closed, open }: History, key: string, pointOf: (minute: Minute) => Point): Line {
  return { closed: lines(closed, key, () => closed.map(pointOf)), open: open && pointOf(open) };
}
export const pointsOf = ({ closed, open }: Line): readonly Point[] => (open ? [...closed, open] : closed);
export const newest = ({ closed, open }: Line): Point | undefined => open ?? closed.at(-1);

/** A channel's share of all conversions, or of all value, minute by minute. */
export function shares(history: History, channel: Channel, measure: Measure): Line {
  return lineOf(history, `${measure}\n${channel.members.join("\n")}`, (minute) => shareAt(minute, channel, measure));
}

function shareAt(minute: Minute, channel: Channel, measure: Measure): Point {
  const column = measure === "value" ? 1 : 0;
  const parts = channel.members.map((name) => minute.credits[name]?.[column] ?? null).filter((part) => part !== null);
  const credit = parts.length === 0 ? null : sum(parts);
  return { at_ms: minute.minute_ms, value: ratio(credit, totalOf(minute, measure)) };
}

/** A share of few conversions swings; before a total has a twentieth of what it has now, it says nothing. */
const SETTLED_PART = 0.05;

/** The minutes whose shares can be compared: they are drawn, set the scale, and changes are counted from their first. */
export function settled({ closed, open }: History, measure: Measure): History {
  const enough = open === undefined ? 0 : totalOf(open, measure) * SETTLED_PART;
  const first = closed.findIndex((minute) => totalOf(minute, measure) >= enough);
  const from = first < 0 ? closed.length : first;
  return { closed: from === 0 ? closed : tails(closed, String(from), () => closed.slice(from)), open };
}

export interface Span {
  readonly from_ms: number;
  readonly to_ms: number;
}

/** From the first minute to the newest. */
export function timeOf({ closed, open }: History): Span {
  const to_ms = (open ?? closed.at(-1))?.minute_ms ?? 0;
  return { from_ms: closed[0]?.minute_ms ?? to_ms, to_ms };
}

export type Series = "journeys" | "conversions" | "credited" | "untouched" | "p_conversion" | "value";

const OF_MINUTE: Readonly<Record<Series, (minute: Minute) => number | null>> = {
  journeys: (minute) => minute.journeys,
  conversions: (minute) => minute.conversions,
  credited: (minute) => minute.conversions - minute.untouched,
  untouched: (minute) => untouchedOf(minute, "conversions"),
  // By the flow identity: every journey that converts does so once.
  p_conversion: (minute) => ratio(minute.conversions, minute.journeys),
  value: (minute) => minute.value,
};

/** A figure minute by minute. A total that only grows is drawn as what each closed minute added to it. */
export function series(history: History, of: Series, window: ChainWindow): Line {
  const valueOf = OF_MINUTE[of];
  const isLevel = window !== "all" || of === "p_conversion";
  if (isLevel) return lineOf(history, of, (minute) => ({ at_ms: minute.minute_ms, value: valueOf(minute) }));
  const added = (minute: Minute, at: number): Point => {
    const [before, after] = [valueOf(history.closed[at]!), valueOf(minute)];
    return { at_ms: minute.minute_ms, value: before === null || after === null ? null : after - before };
  };
  return { closed: lines(history.closed, `added ${of}`, () => history.closed.slice(1).map(added)), open: undefined };
}

export interface Domain {
  readonly low: number;
  readonly high: number;
}

function extent({ closed, open }: Line): Domain | undefined {
  const known = (points: readonly Point[]) => points.flatMap(({ value }) => value ?? []);
  const before = extents(closed, "", () => ({ low: Math.min(...known(closed)), high: Math.max(...known(closed)) }));
  const [low, high] = [Math.min(before.low, open?.value ?? Infinity), Math.max(before.high, open?.value ?? -Infinity)];
  return high < low ? undefined : { low, high };
}

const SPANS = [0.002, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.12, 0.16, 0.24, 0.32, 0.5, 1];

/** One span for all panels, so that slopes compare; each panel is centred on its own line. */
export function domains(lines: readonly Line[]): { readonly span: number; readonly of: readonly Domain[] } {
  const extents = lines.map((line) => extent(line) ?? { low: 0, high: 0 });
  const widest = Math.max(0, ...extents.map(({ low, high }) => high - low));
  const span = SPANS.find((step) => step >= widest * 1.15) ?? 1;
  // Centres move in steps, or every frame would shift every line by a hair.
  const grid = span / 10;
  const of = extents.map(({ low, high }) => {
    const middle = Math.round((low + high) / 2 / grid) * grid;
    const bottom = Math.max(0, middle - span / 2);
    return { low: bottom, high: bottom + span };
  });
  return { span, of };
}

/** The last point, and by how much it differs from the first. */
export function change(line: Line): number | null {
  const isKnown = ({ value }: Point) => value !== null;
  const first = line.closed.find(isKnown);
  const last = line.open?.value != null ? line.open : line.closed.findLast(isKnown);
  return first?.value == null || last?.value == null || first === last ? null : last.value - first.value;
}

/** The largest changes of share, up and down, where they would show. */
const SHOWS = 0.0005;
export function movers(history: History, channels: readonly Channel[], measure: Measure) {
  const minutes = settled(history, measure);
  const changes = channels.flatMap((channel) => {
    const by = change(shares(minutes, channel, measure));
    return by === null || Math.abs(by) < SHOWS ? [] : [{ channel, by }];
  });
  changes.sort((a, b) => b.by - a.by);
  const up = changes[0];
  const down = changes.at(-1);
  return { up: up && up.by > 0 ? up : undefined, down: down && down.by < 0 ? down : undefined };
}
