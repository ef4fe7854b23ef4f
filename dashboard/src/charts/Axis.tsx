/** The common axis below bars: round numbers from zero, four gaps at most. */

import { memo } from "react";

import { scaleLinear } from "d3-scale";

import { moved, side } from "./ticks";

export const Axis = memo(function Axis({ max, label, gaps = 4 }: { max: number; label: (value: number) => string; gaps?: number }) {
  const ticks = scaleLinear([0, max], [0, 100]).ticks(gaps).filter((tick) => tick <= max);
  return (
    <span className="axis" aria-hidden="true">
      {ticks.map((tick) => <i key={tick} className="tick" style={moved(tick / max)} data-side={side(tick / max)}><b>{label(tick)}</b></i>)}
    </span>
  );
});
