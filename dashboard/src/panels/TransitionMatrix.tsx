/** What follows what: counts of one step, as a heat map or as a flow. */

import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from "react";

import { Flow } from "../charts/Flow";
import { Heat, isDense, type Place } from "../charts/Heat";
import { scopeName } from "../derive";
import { endId, endLabel, type Matrix, matrix } from "../derive/matrix";
import { count, percent, written } from "../format";
import { Panel } from "../parts/Panel";
import type { Sheet } from "../parts/Table";
import { expectedRows, type Shown, shownOf, type State, useShown, useStore } from "../store";

/** A flow of many ribbons is drawn anew once a second: it shows the shape, the matrix shows the number. */
const FLOW_EVERY_MS = 1000;

function useSlowly<T>(value: T, every_ms: number): T {
  const newest = useRef(value);
  newest.current = value;
  const [shown, setShown] = useState(value);
  useEffect(() => {
    const timer = setInterval(() => setShown(newest.current), every_ms);
    return () => clearInterval(timer);
  }, [every_ms]);
  return shown;
}

function SlowFlow({ of, at }: { of: Matrix; at: Place }) {
  const slow = useSlowly(of, FLOW_EVERY_MS);
  // Rows that have come or gone cannot wait: the place under the pointer would be another.
  return <Flow matrix={slow.rows.length === of.rows.length ? slow : of} at={at} />;
}

function sentence(of: Matrix, { row, column }: Place): string {
  const from = of.rows[row];
  const cell = from?.cells[column];
  const to = of.columns[column];
  if (!from || !cell || !to) return "";
  const share = cell.probability === null ? "" : `, ${written(percent(2)(cell.probability))}`;
  return `${endLabel(from.from)} → ${endLabel(to)}: ${written(count(cell.count))} of ${written(count(from.total))}${share}`;
}

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
};

function Walkable({ isFlow }: { isFlow: boolean }) {
  const { frame, channels } = useShown()!;
  const of = matrix(frame.transitions!, channels);
  const [at, setAt] = useState<Place | undefined>();
  const place = at ?? { row: -1, column: -1 };
  const walk = (event: KeyboardEvent) => {
    const by = STEPS[event.key];
    if (event.key === "Escape") setAt(undefined);
    if (!by) return;
    event.preventDefault();
    const within = (value: number, most: number) => Math.min(Math.max(value, 0), most - 1);
    setAt({ row: within(place.row + by[0], of.rows.length), column: within(place.column + by[1], of.columns.length) });
  };
  const point = (event: PointerEvent) => {
    const target = (event.target as Element).closest<HTMLElement>("[data-from]");
    if (!target) return;
    const { from, to } = target.dataset;
    setAt({ row: of.rows.findIndex((row) => endId(row.from) === from), column: of.columns.findIndex((end) => endId(end) === to) });
  };
  return (
    <div
      className="walkable figures-ink" tabIndex={0} role="group" aria-label="Transitions; arrow keys walk the cells"
      onKeyDown={walk} onPointerOver={point} onPointerLeave={() => setAt(undefined)} onBlur={() => setAt(undefined)}
    >
      {isFlow ? <SlowFlow of={of} at={place} /> : <Heat matrix={of} at={place} />}
      <p className="note detail">
        {at ? <b className="number text-ink">{sentence(of, at)}</b> : "Null is grey because it is provisional: a journey that goes on leaves it. What enters a channel leaves it: out = in."}
      </p>
    </div>
  );
}

function sheet({ frame, channels }: Shown): Sheet {
  const { rows, columns } = matrix(frame.transitions!, channels);
  return {
    columns: ["from", ...columns.map(endLabel), "out"],
    rows: rows.map((row) => [endLabel(row.from), ...row.cells.map(({ count }) => count), row.total]),
  };
}

/** A chain that has journeys has transitions: until they are there, they are on their way. */
function isFilled(state: State): boolean | undefined {
  const { transitions, attribution } = shownOf(state)?.frame ?? {};
  if (transitions) return transitions.counts.length > 0;
  return (attribution?.journeys ?? 0) > 0 ? undefined : false;
}

export function TransitionMatrix() {
  const scope = useStore((state) => shownOf(state)?.frame.chain.scope);
  const filled = useStore(isFilled);
  const [isFlow, setFlow] = useState(false);
  const rows = useStore(expectedRows) + 1;
  return (
    <Panel
      name="TransitionMatrix" title="Transitions" topic="transitions" filled={filled}
      sub={isFlow ? "what leaves, and where it goes" : "% of a row, next state"}
      empty={scope && <p className="note">No touch or conversion of {scopeName(scope)} has been counted yet.</p>}
      actions={
        <button type="button" className="act" aria-pressed={isFlow} disabled={!filled} onClick={() => setFlow(!isFlow)}>
          {isFlow ? "Matrix" : "Flow"}
        </button>
      }
      sheet={sheet}
    >
      <div style={{ "--rows": rows } as React.CSSProperties} className="matrix-box" data-dense={isDense(rows + 1) || undefined}>
        {filled && <Walkable isFlow={isFlow} />}
      </div>
    </Panel>
  );
}
