/** Where the label of a tick stands: centred on its place, but within the axis at both ends. */

import type { CSSProperties } from "react";

const NEAR_END = 0.06;

export function placed(part: number): CSSProperties {
  const shift = part < NEAR_END ? "0" : part > 1 - NEAR_END ? "-100%" : "-50%";
  return { left: `${(part * 100).toFixed(2)}%`, transform: `translateX(${shift})` };
}
