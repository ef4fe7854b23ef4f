/** Geometry of lines: points to paths, in the coordinates of a box that may be stretched. */

import { line } from "d3-shape";

import type { Domain, Point, Span } from "../derive/history";

export interface Box {
  readonly width: number;
  readonly height: number;
}

export const x = (at_ms: number, span: Span, width: number): number =>
  ((at_ms - span.from_ms) / (span.to_ms - span.from_ms || 1)) * width;
export const y = (value: number, { low, high }: Domain, height: number): number =>
  height - ((value - low) / (high - low || 1)) * height;

/** A line with a gap wherever there is no number. */
export function path(points: readonly Point[], span: Span, domain: Domain, box: Box): string {
  const draw = line<Point>()
    .defined(({ value }) => value !== null)
    .x(({ at_ms }) => x(at_ms, span, box.width))
    .y(({ value }) => y(value ?? 0, domain, box.height))
    .digits(1);
  return draw(points as Point[]) ?? "";
}

const SPANS_MIN = [30, 60, 120, 180, 360];

/** The time axis: as much of six hours as has been lived, in a few steps, so that it seldom changes. */
export function timeSpan({ from_ms, to_ms }: Span): Span {
  const minutes = SPANS_MIN.find((step) => step * 60_000 >= to_ms - from_ms) ?? 360;
  return { from_ms: to_ms - minutes * 60_000, to_ms };
}

/** Round times inside a span, at most four. */
export function timeTicks({ from_ms, to_ms }: Span): readonly number[] {
  const minutes = (to_ms - from_ms) / 60_000;
  const step_ms = ([10, 15, 30, 60, 120].find((step) => minutes / step <= 4) ?? 120) * 60_000;
  const first = Math.ceil(from_ms / step_ms) * step_ms;
  return Array.from({ length: 5 }, (_, at) => first + at * step_ms).filter((at_ms) => at_ms <= to_ms);
}

/** Few enough points for a line of `width` pixels; the newest is always among them. */
export function thinned<T>(points: readonly T[], most: number): readonly T[] {
  const every = Math.ceil(points.length / most);
  return every <= 1 ? points : points.filter((_, at) => (points.length - 1 - at) % every === 0);
}
