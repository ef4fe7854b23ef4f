/** The twin of a chart: the same figures as a plain table. What is shown here is what CSV saves. */

import { exactly, written } from "../format";
import type { Value } from "../csv";

export interface Sheet {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
}

const print = (value: Value): string => (typeof value === "number" ? written(exactly(value)) : (value ?? "–"));

export function Table({ caption, sheet }: { caption: string; sheet: Sheet }) {
  return (
    // A region that scrolls must be reachable by keyboard.
    <div className="twin" tabIndex={0} role="region" aria-label={`${caption}, table`}>
      <table>
        <caption className="sr">{caption}</caption>
        <thead>
          <tr>{sheet.columns.map((name, at) => <th key={name} scope="col" className={at === 0 ? "" : "num"}>{name}</th>)}</tr>
        </thead>
        <tbody>
          {sheet.rows.map(([head, ...cells], at) => (
            <tr key={at}>
              <th scope="row">{print(head ?? null)}</th>
              {cells.map((value, column) => <td key={column} className={typeof value === "string" ? "" : "num"}>{print(value)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
