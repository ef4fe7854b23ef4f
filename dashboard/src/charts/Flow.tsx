/** Transitions as a flow: what leaves each state on the left, what enters each on the right, ribbons between. */

import { memo } from "react";

import { END_GAP, flow, type Node, type Ribbon } from "../derive/flow";
import { endId, endLabel, endSlot, type Matrix, NULL } from "../derive/matrix";
import { short, written } from "../format";
import { colour } from "../parts/Swatch";
import type { Place } from "./Heat";

const WIDTH = 100;

function ribbonPath({ left, right, height }: Ribbon): string {
  const [a, b] = [left, right].map((at) => at * WIDTH) as [number, number];
  const thick = height * WIDTH;
  const middle = WIDTH / 2;
  const n = (value: number) => value.toFixed(2);
  return `M0 ${n(a)}C${middle} ${n(a)} ${middle} ${n(b)} ${WIDTH} ${n(b)}V${n(b + thick)}C${middle} ${n(b + thick)} ${middle} ${n(a + thick)} 0 ${n(a + thick)}Z`;
}

function fill(end: Node["end"]): string {
  const slot = endSlot(end);
  return slot === undefined ? (end === NULL ? "var(--nul-5)" : "var(--ink-2)") : colour(slot);
}

function Side({ nodes, side }: { nodes: readonly Node[]; side: "from" | "to" }) {
  return (
    <span className={`flow-side ${side}`}>
      {nodes.map((node) => (
        <span key={endId(node.end)} style={{ top: `${node.top * 100}%`, height: `${node.height * 100}%` }} data-slot={endSlot(node.end)}>
          <i style={{ background: fill(node.end) }} />
          {(node.height > END_GAP || node.total > 0) && <b>{endLabel(node.end)}<span className="text-ink-3"> {written(short(node.total))}</span></b>}
        </span>
      ))}
    </span>
  );
}

export const Flow = memo(function Flow({ matrix, at }: { matrix: Matrix; at: Place }) {
  const { from, to, ribbons } = flow(matrix);
  return (
    <div className="flow">
      <Side nodes={from} side="from" />
      <svg viewBox={`0 0 ${WIDTH} ${WIDTH}`} preserveAspectRatio="none" aria-hidden="true">
        {ribbons.map((ribbon) => (
          <path
            key={`${ribbon.row}-${ribbon.column}`} d={ribbonPath(ribbon)} fill={fill(from[ribbon.row]!.end)} className="ribbon"
            data-slot={endSlot(from[ribbon.row]!.end)} data-from={endId(from[ribbon.row]!.end)} data-to={endId(to[ribbon.column]!.end)} data-key={`flow/${ribbon.row}/${ribbon.column}`}
            data-value={ribbon.count} data-at={(ribbon.row === at.row && ribbon.column === at.column) || undefined}
          />
        ))}
      </svg>
      <Side nodes={to} side="to" />
    </div>
  );
});
