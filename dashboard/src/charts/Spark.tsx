/** A sparkline: no axis, its own scale, a dot at now. */

import { memo } from "react";

import { type Domain, type Line, type Point, pointsOf } from "../derive/history";
import { path, thinned, x, y } from "./lines";

interface Props {
  readonly line: Line;
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

/** The open minute moves, but by less than three digits it does not move visibly. */
const coarse = (point: Point | undefined) => point?.value?.toPrecision(3);

export const Spark = memo(function Spark({ line, width, height, stroke = "var(--ink-2)" }: Props) {
  const drawn = thinned(pointsOf(line), width);
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
}, (a, b) => a.line.closed === b.line.closed && coarse(a.line.open) === coarse(b.line.open) && a.stroke === b.stroke && a.width === b.width);
