/** One of several small panels that share span and time: a line, a hollow dot at the open minute, the reader's moment. */

import { memo } from "react";

import type { Domain, Point } from "../derive/history";
import { path, type Span, x, y } from "./lines";

interface Props {
  readonly points: readonly Point[];
  readonly span: Span;
  readonly domain: Domain;
  readonly stroke: string;
  readonly cursor_ms: number | undefined;
}

/** The line is drawn in these units and stretched to the panel; strokes keep their width. */
const BOX = { width: 360, height: 60 };

/** All but the open minute: it stays the same for a minute, so it is written once. */
const Closed = memo(
  function Closed({ points, span, domain, stroke }: Omit<Props, "cursor_ms">) {
    return <path d={path(points.slice(0, -1), span, domain, BOX)} fill="none" stroke={stroke} strokeWidth="1.75" vectorEffect="non-scaling-stroke" />;
  },
  (a, b) =>
    a.stroke === b.stroke && a.points.length === b.points.length && a.points[0]?.at_ms === b.points[0]?.at_ms &&
    a.domain.low === b.domain.low && a.domain.high === b.domain.high && a.span.from_ms === b.span.from_ms &&
    a.points.at(-2)?.at_ms === b.points.at(-2)?.at_ms && a.points.at(-2)?.value === b.points.at(-2)?.value,
);

const place = (share: number) => `${(share * 100).toFixed(2)}%`;

export function Multiple({ points, span, domain, stroke, cursor_ms }: Props) {
  const last = points.at(-1);
  const open = path(points.slice(-2), span, domain, BOX);
  return (
    <span className="multiple" aria-hidden="true">
      <svg viewBox={`0 0 ${BOX.width} ${BOX.height}`} preserveAspectRatio="none">
        {[0, 0.5, 1].map((at) => <path key={at} d={`M0 ${at * BOX.height}H${BOX.width}`} className="grid-line" />)}
        <Closed points={points} span={span} domain={domain} stroke={stroke} />
        {points.length > 1 && <path d={open} fill="none" stroke={stroke} strokeWidth="1.75" vectorEffect="non-scaling-stroke" />}
      </svg>
      {cursor_ms !== undefined && <i className="cursor" style={{ left: place(x(cursor_ms, span, 1)) }} />}
      {last?.value != null && (
        <i className="now" style={{ left: place(x(last.at_ms, span, 1)), top: place(y(last.value, domain, 1)), borderColor: stroke }} />
      )}
    </span>
  );
}
