/** Credit by channel: one row a channel is chart and table at once, and the sum stands at the foot. */

import { memo, useRef } from "react";

import { Axis } from "../charts/Axis";
import { Bar } from "../charts/Bar";
import { Spark } from "../charts/Spark";
import { type Channel, orderKey } from "../derive";
import { axisMax, type CreditRow, type CreditTable, creditTable, isSorted, type SortBy } from "../derive/credit";
import { settled, shares } from "../derive/history";
import { count, creditColumn, effect, type Format, moneyColumn, share, tick, written } from "../format";
import { ChannelName } from "../parts/ChannelName";
import { Estimate } from "../parts/Estimate";
import { Panel } from "../parts/Panel";
import { colour } from "../parts/Swatch";
import type { Sheet } from "../parts/Table";
import type { History } from "../frame";
import { EVERYONE, type Measure, WINDOW_SAID } from "../selection";
import { expectedRows, select, type Shown, shownOf, sortRows, useShown, useStore } from "../store";
import { chainKey } from "../wire";

function useAxis(key: string, longest: number | undefined): number {
  const kept = useRef<{ key: string; max: number }>(undefined);
  if (longest === undefined) return kept.current?.max ?? 1;
  const max = axisMax(kept.current?.key === key ? kept.current.max : undefined, longest);
  kept.current = { key, max };
  return max;
}

function Heading({ by, label, rows, className }: { by: SortBy; label: string; rows: readonly CreditRow[]; className: string }) {
  const chosen = useStore((state) => state.sort);
  const key = orderKey(useShown()!.frame.chain);
  const isChosen = chosen?.key === key && chosen.by === by;
  const inOrder = isChosen && isSorted(rows, by);
  const mark = !isChosen ? "" : inOrder ? (by === "name" ? " ↑" : " ↓") : " ⇅";
  return (
    <span role="columnheader" className={className} aria-sort={inOrder ? (by === "name" ? "ascending" : "descending") : undefined}>
      <button type="button" onClick={() => sortRows(by)} title={isChosen && !inOrder ? "Rows have overtaken each other since: sort again" : "Sort once; rows then keep their place"}>
        {label}{mark}
      </button>
    </span>
  );
}

const Row = memo(function Row({ row, max, effectMax, measure, as, history }: {
  row: CreditRow; max: number; effectMax: number; measure: Measure; as: Format; history: History;
}) {
  const { channel } = row;
  const fill = colour(channel.slot);
  const why = channel.members.length > 1 ? "removal effects of several states do not add up" : "no journey has converted yet";
  return (
    <div role="row" className="credit-row" data-slot={channel.slot} data-row={channel.id}>
      <span role="rowheader" className="name" title={channel.label}><ChannelName slot={channel.slot} label={channel.label} /></span>
      <span role="cell" className="bar-cell"><Bar value={row.credit} max={max} fill={fill} of={`bar/${channel.id}`} /></span>
      <span role="cell" className="credit"><Estimate value={row.credit} as={as} of={`credit/${channel.id}`} missing="no effect is defined yet" /></span>
      <span role="cell" className="share"><Estimate value={row.share} as={share} of={`share/${channel.id}`} /></span>
      <span role="cell" className="effect">
        <Bar value={row.effect} max={effectMax} fill={fill} />
        <Estimate value={row.effect} as={effect} of={`effect/${channel.id}`} missing={why} />
      </span>
      <span role="cell" className="line"><Spark line={shares(history, channel, measure)} width={92} height={22} stroke={fill} /></span>
    </div>
  );
});

function Untouched({ table, max, as }: { table: CreditTable; max: number; as: Format }) {
  return (
    <div role="row" className="credit-row untouched" data-row="(untouched)">
      <span role="rowheader" className="name" title="Conversions that followed no touch; nobody's credit"><i className="swatch hollow" /><span>untouched</span></span>
      <span role="cell" className="bar-cell"><Bar value={table.untouched} max={max} fill="var(--untouched)" of="bar/(untouched)" /></span>
      <span role="cell" className="credit"><Estimate value={table.untouched} as={as} of="credit/(untouched)" /></span>
      <span role="cell" className="share"><Estimate value={table.untouched_share} as={share} of="share/(untouched)" /></span>
      <span role="cell" className="effect"><span /><span className="text-ink-3" title="Nothing to remove">–</span></span>
      <span role="cell" className="line" />
    </div>
  );
}

function Foot({ table, max, effectMax, as }: { table: CreditTable; max: number; effectMax: number; as: Format }) {
  return (
    <div role="row" className="credit-row at-foot">
      <span role="rowheader" className="name">sum</span>
      <span role="cell" className="bar-cell"><Axis max={max} label={tick} /></span>
      <span role="cell" className="credit"><Estimate value={table.sum} as={as} of="credit/(sum)" /></span>
      <span role="cell" className="share"><Estimate value={table.sum === null || table.total === 0 ? null : table.sum / table.total} as={share} of="share/(sum)" /></span>
      <span role="cell" className="effect"><Axis max={effectMax} label={tick} gaps={2} /><span /></span>
      <span role="cell" className="line" />
    </div>
  );
}

function Rows() {
  const measure = useStore((state) => state.selection.measure);
  const { frame, channels } = useShown()!;
  const table = frame.attribution && creditTable(frame.attribution, channels, measure);
  const key = `${chainKey(frame.chain)}/${measure}`;
  const longest = (pick: (row: CreditRow) => number | null) => table && Math.max(0, ...table.rows.map((row) => pick(row) ?? 0));
  const longestCredit = longest((row) => row.credit);
  const max = useAxis(key, table && Math.max(longestCredit ?? 0, table.untouched));
  const effectMax = useAxis(key, longest((row) => row.effect));
  const history = settled(frame.history, measure);
  if (!table) return null;
  const as = (measure === "value" ? moneyColumn : creditColumn)(table.total);
  return (
    <div className="credit-rows figures-ink" role="table" aria-label="Credit by channel">
      <div role="row" className="credit-row heading">
        <Heading by="name" label={frame.chain.dimension} rows={table.rows} className="name" />
        <span role="columnheader" className="bar-cell">{measure === "value" ? "value, currency units" : "conversions"}</span>
        <Heading by="credit" label="credit" rows={table.rows} className="credit" />
        <span role="columnheader" className="share">share</span>
        <Heading by="effect" label="removal effect" rows={table.rows} className="effect" />
        <span role="columnheader" className="line">share, 6 h</span>
      </div>
      {table.rows.map((row) => <Row key={row.channel.id} row={row} max={max} effectMax={effectMax} measure={measure} as={as} history={history} />)}
      <Untouched table={table} max={max} as={as} />
      <Foot table={table} max={max} effectMax={effectMax} as={as} />
    </div>
  );
}

function Skeleton({ rows }: { rows: number }) {
  return (
    <div className="skeleton" aria-hidden="true">
      {Array.from({ length: rows }, (_, at) => <i key={at} style={{ "--w": `${62 / (1 + at * 0.35)}%` } as React.CSSProperties} />)}
    </div>
  );
}

function Empty() {
  const { chain, dispositions } = useShown()!.frame;
  const read = dispositions?.read ?? 0;
  const isNarrow = chain.window !== "all";
  return (
    <>
      <p className="strong">No journeys{chain.scope !== EVERYONE && ` of ${chain.scope}`} {isNarrow ? WINDOW_SAID[chain.window] : "yet"}</p>
      <p className="note">{written(count(read))} records were read in all; none of them is a touch or a conversion {isNarrow ? "here" : "yet"}.</p>
      <p className="steps">
        {isNarrow && <button type="button" className="act" onClick={() => select({ window: "all" })}>Widen to all time</button>}
        {chain.scope !== EVERYONE && <button type="button" className="act" onClick={() => select({ scope: EVERYONE })}>Show all advertisers</button>}
        {!isNarrow && chain.scope === EVERYONE && <span className="note">Send JSON lines to <code>POST /api/v1/events</code>.</span>}
      </p>
    </>
  );
}

function sheet({ frame, channels }: Shown): Sheet {
  const of = (measure: Measure) => creditTable(frame.attribution!, channels, measure);
  const [byCount, byValue] = [of("conversions"), of("value")];
  const row = ({ label }: Channel, at: number) => {
    const [one, other] = [byCount.rows[at]!, byValue.rows[at]!];
    return [label, one.credit, one.share, one.effect, other.credit, other.share, other.effect];
  };
  return {
    columns: [frame.chain.dimension, "conversions", "share", "removal effect", "value", "share of value", "removal effect on value"],
    rows: [
      ...channels.map(row),
      ["(untouched)", byCount.untouched, byCount.untouched_share, null, byValue.untouched, byValue.untouched_share, null],
    ],
  };
}

export function LiveAttributionChart() {
  const status = useStore((state) => state.status);
  const dimension = useStore((state) => state.selection.dimension);
  const filled = useStore((state) => (shownOf(state)?.frame.attribution?.journeys ?? 0) > 0);
  const rows = useStore(expectedRows);
  return (
    <Panel
      name="LiveAttributionChart" title={`Credit by ${dimension}`} topic="attribution" tag="credit"
      sub="Markov removal effect, redirect to null. Not causal." className="wide" filled={filled}
      empty={status !== "error" && <Empty />} sheet={sheet}
    >
      <div className="credit-box" style={{ "--rows": rows } as React.CSSProperties}>
        {filled ? <Rows /> : <Skeleton rows={rows} />}
      </div>
    </Panel>
  );
}
