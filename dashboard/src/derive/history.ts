/** Six hours of a chain, as lines. */

import { type Channel, ratio, sum } from "../derive";
import type { Measure } from "../selection";
import type { ChainWindow, Minute } from "../wire";
import { totalOf, untouchedOf } from "./credit";

export interface Point {
  readonly at_ms: number;
  readonly value: number | null;
}

/** Of hundreds of minutes one changes with a frame, and several panels ask for the same lines. */
const points = new WeakMap<Minute, Map<string, Point>>();
const lines = new WeakMap<readonly Minute[], Map<string, readonly Point[]>>();

function cached<K extends object, V>(cache: WeakMap<K, Map<string, V>>, of: K, key: string, make: () => V): V {
  let known = cache.get(of);
  if (!known) cache.set(of, (known = new Map()));
  let value = known.get(key);
  if (value === undefined) known.set(key, (value = make()));
  return value;
}

function shareAt(minute: Minute, channel: Channel, measure: Measure): Point {
  const column = measure === "value" ? 1 : 0;
  const parts = channel.members.map((name) => minute.credits[name]?.[column] ?? null).filter((part) => part !== null);
  const credit = parts.length === 0 ? null : sum(parts);
  return { at_ms: minute.minute_ms, value: ratio(credit, totalOf(minute, measure)) };
}

/** A channel's share of all conversions, or of all value, minute by minute. */
export function shares(history: readonly Minute[], channel: Channel, measure: Measure): readonly Point[] {
  const key = `${measure}\n${channel.members.join("\n")}`;
  const point = (minute: Minute) => cached(points, minute, key, () => shareAt(minute, channel, measure));
  return cached(lines, history, key, () => history.map(point));
}

/** A share of few conversions swings; before a total has a twentieth of what it has now, it says nothing. */
const SETTLED_PART = 0.05;

/** The minutes whose shares can be compared: they set the scale, and changes are counted from the first of them. */
export function settled(history: readonly Minute[], measure: Measure): readonly Minute[] {
  const newest = history.at(-1);
  const enough = newest === undefined ? 0 : totalOf(newest, measure) * SETTLED_PART;
  const first = history.findIndex((minute) => totalOf(minute, measure) >= enough);
  return first <= 0 ? history : history.slice(first);
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
export function series(history: readonly Minute[], of: Series, window: ChainWindow): readonly Point[] {
  const level = history.map((minute) => ({ at_ms: minute.minute_ms, value: OF_MINUTE[of](minute) }));
  if (window !== "all" || of === "p_conversion") return level;
  const closed = level.slice(0, -1);
  return closed.slice(1).map(({ at_ms, value }, at) => ({ at_ms, value: sum([value, negative(closed[at]!.value)]) }));
}
const negative = (value: number | null) => (value === null ? null : -value);

export interface Domain {
  readonly low: number;
  readonly high: number;
}

function extent(points: readonly Point[]): Domain | undefined {
  let low = Infinity;
  let high = -Infinity;
  for (const { value } of points) {
    if (value === null) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return high < low ? undefined : { low, high };
}

const SPANS = [0.002, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.12, 0.16, 0.24, 0.32, 0.5, 1];

/** One span for all panels, so that slopes compare; each panel is centred on its own line. */
export function domains(lines: readonly (readonly Point[])[]): { readonly span: number; readonly of: readonly Domain[] } {
  const extents = lines.map((points) => extent(points) ?? { low: 0, high: 0 });
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
export function change(points: readonly Point[]): number | null {
  const known = points.filter(({ value }) => value !== null);
  const first = known[0]?.value;
  const last = known.at(-1)?.value;
  return known.length < 2 || first == null || last == null ? null : last - first;
}

/** The largest changes of share, up and down, where they would show. */
const SHOWS = 0.0005;
export function movers(history: readonly Minute[], channels: readonly Channel[], measure: Measure) {
  const minutes = settled(history, measure);
  const ends = [minutes[0], minutes.at(-1)].filter((minute) => minute !== undefined);
  const changes = channels.flatMap((channel) => {
    const by = change(shares(ends, channel, measure));
    return by === null || Math.abs(by) < SHOWS ? [] : [{ channel, by }];
  });
  changes.sort((a, b) => b.by - a.by);
  const up = changes[0];
  const down = changes.at(-1);
  return { up: up && up.by > 0 ? up : undefined, down: down && down.by < 0 ? down : undefined };
}
