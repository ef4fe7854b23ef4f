/**
 * What all panels share: a heading, the table and CSV of what is shown, and the states. The place is the same in every
 * state: what takes the chart's place lies over it.
 */

import { type ReactNode, useState } from "react";

import { scopeName } from "../derive";
import { download } from "../csv";
import type { Frame } from "../frame";
import type { Status } from "../status";
import { useShown, useStore } from "../store";
import { chainKey, type Topic } from "../wire";
import { Failsafe, Failure } from "./Failsafe";
import { type Sheet, Table } from "./Table";

interface Props {
  readonly name: string;
  readonly title: string;
  readonly topic: Topic;
  readonly sub?: ReactNode;
  readonly tag?: string;
  readonly actions?: ReactNode;
  readonly className?: string;
  readonly style?: React.CSSProperties;
  /** Whether the topic has anything to draw; undefined while nothing is known. */
  readonly filled: boolean | undefined;
  readonly empty?: ReactNode;
  /** The figures, for the table and the file. */
  readonly sheet: () => Sheet;
  /** Fewer rows for the screen, where the file has too many. */
  readonly table?: () => Sheet;
  readonly children: ReactNode;
}

function panelStatus(page: Status, fault: string | undefined, filled: boolean | undefined): Status {
  if (fault !== undefined) return "error";
  if (filled === undefined) return page === "live" ? "loading" : page;
  return filled || page !== "live" ? page : "empty";
}

export function Panel(props: Props) {
  const shown = useShown();
  const page = useStore((state) => state.status);
  const tables = useStore((state) => state.tables);
  const [isTable, setTable] = useState(false);
  const fault = shown?.frame.faults[props.topic];
  const status = panelStatus(page, fault, props.filled);
  const asTable = props.filled === true && fault === undefined && tables !== isTable;
  return (
    <section
      className={`panel ${props.className ?? ""}`} style={props.style} aria-label={props.title}
      data-component={props.name} data-epoch={shown?.frame.epoch} data-status={status}
    >
      <div className="head">
        <h2>{props.title}</h2>
        {props.tag && <span className="tag">{props.tag}</span>}
        <span className="sub">{props.sub}</span>
        <span className="acts">
          {props.actions}
          <button type="button" className="act" aria-pressed={asTable} disabled={!props.filled} onClick={() => setTable(!isTable)}>
            {asTable ? "Chart" : "Table"}
          </button>
          <button type="button" className="act" disabled={!props.filled} onClick={() => shown && save(props, shown.frame)}>CSV</button>
        </span>
      </div>
      <Failsafe>
        <div className="body" data-covered={asTable || fault !== undefined || !props.filled}>
          <div className="chart">{props.children}</div>
          {asTable && <Table caption={props.title} sheet={(props.table ?? props.sheet)()} />}
          {fault !== undefined && <Failure message={`The server sent something unexpected: ${fault}`} />}
          {fault === undefined && props.filled === false && <div className="over">{props.empty}</div>}
        </div>
      </Failsafe>
    </section>
  );
}

function save(props: Props, frame: Frame): void {
  const sheet = props.sheet();
  const rows = [[...sheet.columns, "scope", "window", "epoch"], ...sheet.rows.map((row) => [...row, scopeName(frame.chain.scope), frame.chain.window, frame.epoch])];
  const chain = chainKey(frame.chain).replaceAll("/", "-").replaceAll("*", "all");
  download(`tributary-${props.name}-${chain}-${frame.epoch}.csv`, rows);
}
