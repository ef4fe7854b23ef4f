/**
 * Places along an axis. What moves is as long as the axis and is shifted by a part of itself: a transform needs no
 * layout, and nothing beside it can be pushed.
 */

import type { CSSProperties } from "react";

const percent = (part: number) => `${(part * 100).toFixed(1)}%`;

/** To a tenth of a percent: finer steps would be seen by nobody, and drawn with every frame. */
export const moved = (x: number, y = 0): CSSProperties => ({ transform: `translate(${percent(x)},${percent(y)})` });

const NEAR_END = 0.06;

/** A label is centred on its tick, but stays within the axis at both ends. */
export const side = (part: number): "first" | "last" | undefined =>
  part < NEAR_END ? "first" : part > 1 - NEAR_END ? "last" : undefined;
