/** Transitions as a heat map: a real table, eight fixed steps, the number in each cell. */

import { memo } from "react";

import { cell, short, THIN, written } from "../format";
import { type Cell, CONVERSION, type End, endId, endLabel, endSlot, heatStep, type Matrix, NULL, START } from "../derive/matrix";
import { Swatch } from "../parts/Swatch";

export interface Place {
  readonly row: number;
  readonly column: number;
}

interface Props {
  readonly matrix: Matrix;
  readonly at: Place;
}

const group = (end: End): string | undefined => (end === CONVERSION || end === NULL ? "apart" : undefined);

const HeatCell = memo(function HeatCell({ of, from, to, isNull, isAt }: { of: Cell; from: string; to: string; isNull: boolean; isAt: boolean }) {
  const { count, probability } = of;
  const step = heatStep(probability ?? 0, isNull);
  const ramp = isNull ? "nul" : "seq";
  const style = count === 0 ? undefined : { background: `var(--${ramp}-${step})`, color: `var(--${ramp}-${step}-ink)` };
  return (
    <td
      style={style} className={to === CONVERSION || to === NULL ? "apart" : undefined} data-from={from} data-to={to}
      data-key={`transition/${from}/${to}`} data-value={count} data-at={isAt || undefined} data-step={count === 0 ? undefined : step}
    >
      {count === 0 ? <span aria-label="none">·</span> : cell(probability ?? 0)}
    </td>
  );
}, (a, b) => a.of.count === b.of.count && a.of.probability === b.of.probability && a.isAt === b.isAt && a.from === b.from && a.to === b.to);

function Name({ end }: { end: End }) {
  const slot = endSlot(end);
  return <>{slot !== undefined && <Swatch slot={slot} />}<span>{endLabel(end)}</span></>;
}

/** More columns than these, and their names stand upright. */
const DENSE = 10;
export const isDense = (columns: number): boolean => columns > DENSE;
const tight = (total: number): string => written(short(total)).replace(THIN, "");

export function Heat({ matrix, at }: Props) {
  return (
    <table className="heat" data-dense={isDense(matrix.columns.length) || undefined}>
      <caption className="sr">Share of each row that goes to each state next, in percent</caption>
      <thead>
        <tr>
          <td className="corner">from ╲ to</td>
          {matrix.columns.map((to) => <th key={endId(to)} scope="col" className={group(to)} data-slot={endSlot(to)}><span>{endLabel(to)}</span></th>)}
          <th scope="col" className="total"><span>out</span></th>
        </tr>
      </thead>
      <tbody>
        {matrix.rows.map(({ from, cells, total }, row) => (
          <tr key={endId(from)} className={from === START ? "start" : undefined} data-slot={endSlot(from)}>
            <th scope="row"><Name end={from} /></th>
            {cells.map((of, column) => (
              <HeatCell
                key={endId(matrix.columns[column]!)} of={of} from={endId(from)} to={endId(matrix.columns[column]!)}
                isNull={matrix.columns[column] === NULL} isAt={at.row === row && at.column === column}
              />
            ))}
            <td className="total" data-key={`out/${endId(from)}`} data-value={total}>{tight(total)}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">in</th>
          {matrix.entered.map((count, column) => (
            <td key={endId(matrix.columns[column]!)} className={group(matrix.columns[column]!)}>{tight(count)}</td>
          ))}
          <td className="total" />
        </tr>
      </tfoot>
    </table>
  );
}
