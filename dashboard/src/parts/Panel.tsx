/**
 * What all panels share: a heading, the table and CSV of what is shown, and the states. The place is the same in every
 * state: what takes the chart's place lies over it.
 */

import { type ReactNode, useState } from "react";

import { scopeName } from "../derive";
import { download } from "../csv";
import type { Status } from "../status";
import { type Shown, shownOf, useShown, useStore } from "../store";
import { chainKey, type Topic } from "../wire";
import { showsEpoch } from "./epoch";
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
  /** Whether the topic of the frame has anything to draw; undefined while it is on its way. */
  readonly filled: boolean | undefined;
  readonly empty?: ReactNode;
  /** The figures of a frame, for the table and the file. */
  readonly sheet: (shown: Shown) => Sheet;
  /** Fewer rows for the screen, where the file has too many. */
  readonly table?: (shown: Shown) => Sheet;
  readonly children: ReactNode;
}

function panelStatus(page: Status, fault: string | undefined, filled: boolean | undefined): Status {
  if (fault !== undefined) return "error";
  if (filled === undefined) return page === "live" ? "loading" : page;
  return filled || page !== "live" ? page : "empty";
}

export function Panel(props: Props) {
  const page = useStore((state) => state.status);
  const tables = useStore((state) => state.tables);
  const [isTable, setTable] = useState(false);
  const fault = useStore((state) => shownOf(state)?.frame.faults[props.topic]);
  const isKnown = useStore((state) => shownOf(state) !== undefined);
  const filled = isKnown ? props.filled : undefined;
  const status = panelStatus(page, fault, filled);
  const asTable = filled === true && fault === undefined && tables !== isTable;
  return (
    <section
      className={`panel ${props.className ?? ""}`} style={props.style} aria-label={props.title}
      ref={showsEpoch} data-component={props.name} data-status={status}
    >
      <div className="head">
        <h2>{props.title}</h2>
        {props.tag && <span className="tag">{props.tag}</span>}
        <span className="sub">{props.sub}</span>
        <span className="acts">
          {props.actions}
          <button type="button" className="act" aria-pressed={asTable} disabled={!filled} onClick={() => setTable(!isTable)}>
            {asTable ? "Chart" : "Table"}
          </button>
          <button type="button" className="act" disabled={!filled} onClick={() => save(props)}>CSV</button>
        </span>
      </div>
      <Failsafe>
        <div className="body" data-covered={asTable || fault !== undefined || !filled}>
          <div className="chart">{props.children}</div>
          {asTable && <Twin caption={props.title} sheet={props.table ?? props.sheet} />}
          {fault !== undefined && <Failure message={`The server sent something unexpected: ${fault}`} />}
          {fault === undefined && filled === false && <div className="over">{props.empty}</div>}
        </div>
      </Failsafe>
    </section>
  );
}

function Twin({ caption, sheet }: { caption: string; sheet: (shown: Shown) => Sheet }) {
  const shown = useShown();
  return shown && <Table caption={caption} sheet={sheet(shown)} />;
}

function save(props: Props): void {
  const shown = shownOf(useStore.getState());
  if (!shown) return;
  const { frame } = shown;
  const sheet = props.sheet(shown);
  const rows = [[...sheet.columns, "scope", "window", "epoch"], ...sheet.rows.map((row) => [...row, scopeName(frame.chain.scope), frame.chain.window, frame.epoch])];
  const chain = chainKey(frame.chain).replaceAll("/", "-").replaceAll("*", "all");
  download(`tributary-${props.name}-${chain}-${frame.epoch}.csv`, rows);
}
