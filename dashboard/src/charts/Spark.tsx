/** A sparkline: no axis, its own scale, a dot at now. */

import { memo } from "react";

import type { Domain, Point } from "../derive/history";
import { path, thinned, x, y } from "./lines";

interface Props {
  readonly points: readonly Point[];
  readonly width: number;
  readonly height: number;
  readonly stroke?: string;
}

const MARGIN = 3;

function own(points: readonly Point[]): Domain {
  const values = points.flatMap(({ value }) => value ?? []);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return high > low ? { low, high } : { low: low - 1, high: low + 1 };
}

export const Spark = memo(function Spark({ points, width, height, stroke = "var(--ink-2)" }: Props) {
  const drawn = thinned(points, width);
  const last = drawn.at(-1);
  const box = { width: width - 2 * MARGIN, height: height - 2 * MARGIN };
  const span = { from_ms: drawn[0]?.at_ms ?? 0, to_ms: last?.at_ms ?? 0 };
  const domain = own(drawn);
  return (
    <svg className="spark" width={width} height={height} viewBox={`${-MARGIN} ${-MARGIN} ${width} ${height}`} aria-hidden="true">
      {drawn.length > 1 && <path d={path(drawn, span, domain, box)} fill="none" stroke={stroke} strokeWidth="1.25" />}
      {drawn.length > 1 && last?.value != null && (
        <circle cx={x(last.at_ms, span, box.width)} cy={y(last.value, domain, box.height)} r="1.9" fill={stroke} />
      )}
    </svg>
  );
}, (a, b) => a.stroke === b.stroke && a.width === b.width && isSame(a.points, b.points));

/** Lines that cannot be told apart need not be drawn again: only the open minute moves between two minutes. */
function isSame(a: readonly Point[], b: readonly Point[]): boolean {
  const at = (points: readonly Point[], index: number) => points.at(index);
  return a.length === b.length && [0, -1].every((index) => {
    const [one, other] = [at(a, index), at(b, index)];
    return one?.at_ms === other?.at_ms && one?.value === other?.value;
  });
}
