/** A figure under its name, one of a row of them. */

import type { Format } from "../format";
import { Estimate } from "./Estimate";

interface Props {
  readonly label: string;
  readonly value: number | null;
  readonly as: Format;
  readonly of: string;
  readonly title?: string;
  readonly missing?: string;
}

export function Fact({ label, value, as, of, title, missing }: Props) {
  return <div title={title}><dt>{label}</dt><dd><Estimate value={value} as={as} of={of} missing={missing} /></dd></div>;
}
