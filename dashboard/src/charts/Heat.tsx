/**
 * Transitions as a heat map: a real table, eight fixed steps, the number in each cell.
 *
 * The table is drawn when its states change. Its cells change with every frame, few of them visibly, so they are
 * written where they changed.
 */

import { memo, type RefObject, useLayoutEffect, useRef } from "react";

import { type Cell, CONVERSION, type End, endId, endLabel, endSlot, heatStep, type Matrix, NULL, START } from "../derive/matrix";
import { cell, short, THIN, written } from "../format";
import { ChannelName } from "../parts/ChannelName";

export interface Place {
  readonly row: number;
  readonly column: number;
}

const isEnd = (end: End): boolean => end === CONVERSION || end === NULL;
const apart = (end: End): string | undefined => (isEnd(end) ? "apart" : undefined);

/** More columns than these, and their names stand upright. */
const DENSE = 10;
export const isDense = (columns: number): boolean => columns > DENSE;

function Row({ from, columns }: { from: End; columns: Matrix["columns"] }) {
  return (
    <tr className={from === START ? "start" : undefined} data-slot={endSlot(from)}>
      <th scope="row"><ChannelName slot={endSlot(from)} label={endLabel(from)} /></th>
      {columns.map((to) => (
        <td
          key={endId(to)} className={to === NULL ? "null apart" : apart(to)} data-from={endId(from)} data-to={endId(to)}
          data-key={`transition/${endId(from)}/${endId(to)}`}
        />
      ))}
      <td className="total" data-key={`out/${endId(from)}`} />
    </tr>
  );
}

const Grid = memo(function Grid({ columns, table }: { columns: Matrix["columns"]; table: RefObject<HTMLTableElement | null> }) {
  const origins: readonly End[] = [START, ...columns.filter((end) => !isEnd(end))];
  return (
    <table className="heat" data-dense={isDense(columns.length) || undefined} ref={table}>
      <caption className="sr">Share of each row that goes to each state next, in percent</caption>
      <thead>
        <tr>
          <td className="corner">from ╲ to</td>
          {columns.map((to) => <th key={endId(to)} scope="col" className={apart(to)} data-slot={endSlot(to)}><span>{endLabel(to)}</span></th>)}
          <th scope="col" className="total"><span>out</span></th>
        </tr>
      </thead>
      <tbody>{origins.map((from) => <Row key={endId(from)} from={from} columns={columns} />)}</tbody>
      <tfoot>
        <tr>
          <th scope="row">in</th>
          {columns.map((to) => <td key={endId(to)} className={apart(to)} data-key={`in/${endId(to)}`} />)}
          <td className="total" />
        </tr>
      </tfoot>
    </table>
  );
});

/** Only what differs: a text that is written anew is laid out anew, even if it is the same. */
function write(to: HTMLElement, value: number, text: string): void {
  to.dataset["value"] = String(value);
  if (to.textContent !== text) to.textContent = text;
}
const tight = (total: number): string => written(short(total)).replace(THIN, "");

function writeCell(to: HTMLElement, { count, probability }: Cell, isNull: boolean): void {
  write(to, count, count === 0 ? "·" : cell(probability ?? 0));
  const step = count === 0 ? undefined : String(heatStep(probability ?? 0, isNull));
  if (to.dataset["step"] === step) return;
  if (step === undefined) delete to.dataset["step"];
  else to.dataset["step"] = step;
}

function writeMatrix(table: HTMLTableElement, { rows, columns, entered }: Matrix, before: Matrix | undefined): void {
  const [body, foot] = [table.tBodies[0]!, table.tFoot!.rows[0]!];
  rows.forEach(({ cells, total }, row) => {
    const { cells: drawn } = body.rows[row]!;
    const old = before?.rows[row];
    cells.forEach((of, column) => {
      const known = old?.cells[column];
      if (known?.count === of.count && known.probability === of.probability) return;
      writeCell(drawn[column + 1]!, of, columns[column] === NULL);
    });
    if (old?.total !== total) write(drawn[cells.length + 1]!, total, tight(total));
  });
  entered.forEach((count, column) => {
    if (before?.entered[column] !== count) write(foot.cells[column + 1]!, count, tight(count));
  });
}

export function Heat({ matrix, at }: { matrix: Matrix; at: Place }) {
  const table = useRef<HTMLTableElement>(null);
  const before = useRef<Matrix>(undefined);
  useLayoutEffect(() => {
    const isSameTable = before.current?.columns === matrix.columns;
    writeMatrix(table.current!, matrix, isSameTable ? before.current : undefined);
    before.current = matrix;
  }, [matrix]);
  useLayoutEffect(() => {
    const cell = table.current!.tBodies[0]!.rows[at.row]?.cells[at.column + 1];
    if (!cell) return;
    cell.dataset["at"] = "true";
    return () => void delete cell.dataset["at"];
  }, [at.row, at.column, matrix.columns]);
  return <Grid columns={matrix.columns} table={table} />;
}
