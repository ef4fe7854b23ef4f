/** One of several small panels that share span and time: a line, a hollow dot at the open minute, the reader's moment. */

import { memo } from "react";

import { type Domain, type Line, newest, type Point, type Span } from "../derive/history";
import { path, x, y } from "./lines";
import { moved } from "./ticks";

interface Props {
  readonly line: Line;
  readonly span: Span;
  readonly domain: Domain;
  readonly stroke: string;
  readonly cursor_ms: number | undefined;
}

/** The line is drawn in these units and stretched to the panel; strokes keep their width. */
const BOX = { width: 360, height: 60 };

interface Stroke {
  readonly points: readonly Point[];
  readonly span: Span;
  readonly domain: Domain;
  readonly stroke: string;
}

function Stroke({ points, span, domain, stroke }: Stroke) {
  return <path d={path(points, span, domain, BOX)} fill="none" stroke={stroke} strokeWidth="1.75" vectorEffect="non-scaling-stroke" />;
}
/** All but the open minute: written once a minute, unless the scale changes. */
const Closed = memo(Stroke, (a, b) =>
  a.points === b.points && a.stroke === b.stroke && a.domain.low === b.domain.low && a.domain.high === b.domain.high &&
  a.span.from_ms === b.span.from_ms && a.span.to_ms === b.span.to_ms,
);

const GRID = <>{[0, 0.5, 1].map((at) => <path key={at} d={`M0 ${at * BOX.height}H${BOX.width}`} className="grid-line" />)}</>;

export function Multiple({ line, span, domain, stroke, cursor_ms }: Props) {
  const last = newest(line);
  const joined = line.open ? [...line.closed.slice(-1), line.open] : [];
  return (
    <span className="multiple" aria-hidden="true">
      <svg viewBox={`0 0 ${BOX.width} ${BOX.height}`} preserveAspectRatio="none">
        {GRID}
        <Closed points={line.closed} span={span} domain={domain} stroke={stroke} />
        <Stroke points={joined} span={span} domain={domain} stroke={stroke} />
      </svg>
      {cursor_ms !== undefined && <i className="cursor" style={moved(x(cursor_ms, span, 1))} />}
      {last?.value != null && (
        <i className="now" style={moved(x(last.at_ms, span, 1), y(last.value, domain, 1))}><b style={{ borderColor: stroke }} /></i>
      )}
    </span>
  );
}
