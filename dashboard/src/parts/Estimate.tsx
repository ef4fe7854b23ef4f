/** The one way to print a figure: digits, unit in grey, and for programs the number as it was received. */

import { memo } from "react";

import type { Format } from "../format";
import { THIN } from "../format";

interface Props {
  readonly value: number | null | undefined;
  readonly as: Format;
  /** Name of the figure for tests, such as `credit/search`. */
  readonly of: string;
  /** Why there is no number, if there is none. */
  readonly missing?: string;
}

export const Estimate = memo(function Estimate({ value, as, of, missing = "not defined yet" }: Props) {
  if (value === null || value === undefined) {
    return <span className="number text-ink-3" data-key={of} data-value="null" title={missing}>–</span>;
  }
  const { digits, unit } = as(value);
  return (
    <span className="number" data-key={of} data-value={value}>
      {digits}
      {unit && <span className="unit">{THIN}{unit}</span>}
    </span>
  );
});
