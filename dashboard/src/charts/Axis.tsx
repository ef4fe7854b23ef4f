/** The common axis below bars: round numbers from zero, four gaps at most. */

import { memo } from "react";

import { scaleLinear } from "d3-scale";

import { placed } from "./ticks";

export const Axis = memo(function Axis({ max, label, gaps = 4 }: { max: number; label: (value: number) => string; gaps?: number }) {
  const ticks = scaleLinear([0, max], [0, 100]).ticks(gaps).filter((tick) => tick <= max);
  return (
    <span className="axis" aria-hidden="true">
      {ticks.map((tick) => <b key={tick} style={{ left: `${(tick / max) * 100}%` }} />)}
      {ticks.map((tick) => <i key={tick} style={placed(tick / max)}>{label(tick)}</i>)}
    </span>
  );
});
