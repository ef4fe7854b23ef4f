/** Where the nodes and ribbons of a flow lie, in parts of the height from 0 to 1. */

import type { End, Matrix } from "./matrix";

export interface Node {
  readonly end: End;
  readonly total: number;
  readonly top: number;
  readonly height: number;
}
export interface Ribbon {
  readonly row: number;
  readonly column: number;
  readonly count: number;
  readonly left: number;
  readonly right: number;
  readonly height: number;
}
export interface Flow {
  readonly from: readonly Node[];
  readonly to: readonly Node[];
  readonly ribbons: readonly Ribbon[];
}

/** Room between two nodes, enough that the labels of thin ones do not touch. */
export const END_GAP = 0.034;

/** Both sides have one scale, so that a ribbon is as thick at its end as at its beginning. */
function nodes(ends: readonly End[], totals: readonly number[], scale: number): readonly Node[] {
  let top = 0;
  return ends.map((end, at) => {
    const total = totals[at] ?? 0;
    const node = { end, total, top, height: total * scale };
    top += node.height + END_GAP;
    return node;
  });
}

export function flow({ rows, columns, entered }: Matrix): Flow {
  const all = rows.reduce((sum, row) => sum + row.total, 0);
  const gaps = (Math.max(rows.length, columns.length) - 1) * END_GAP;
  const scale = all === 0 ? 0 : Math.max(0.1, 1 - gaps) / all;
  const from = nodes(rows.map((row) => row.from), rows.map((row) => row.total), scale);
  const to = nodes(columns, entered, scale);
  const ribbons: Ribbon[] = [];
  const right = to.map((node) => node.top);
  rows.forEach((row, at) => {
    let left = from[at]!.top;
    row.cells.forEach(({ count }, column) => {
      if (count === 0) return;
      const height = count * scale;
      ribbons.push({ row: at, column, count, left, right: right[column]!, height });
      left += height;
      right[column]! += height;
    });
  });
  return { from, to, ribbons };
}
