/** Sums that must come out: dispositions over the records read, workers over the engine. */

import { DISPOSITIONS, type Disposition, type Dispositions, type Engine } from "../wire";

export interface Part {
  readonly name: Disposition;
  readonly label: string;
  readonly count: number;
  readonly share: number | null;
}
export interface DispositionSum {
  readonly parts: readonly Part[];
  readonly sum: number;
  readonly read: number;
  /** Records read of which nothing is known. Anything but 0 is a fault of the program. */
  readonly missing: number;
}

export function dispositionSum(of: Dispositions): DispositionSum {
  const parts = DISPOSITIONS.map((name): Part => {
    const share = of.read === 0 ? null : of[name] / of.read;
    return { name, label: name.replace("_", " "), count: of[name], share };
  });
  const sum = parts.reduce((total, part) => total + part.count, 0);
  return { parts, sum, read: of.read, missing: of.read - sum };
}

export interface WorkerSum {
  readonly sum: number;
  /** Whether the rates add up to the engine's, but for rounding. */
  readonly agrees: boolean;
}
const ROUNDING = 0.005;

export function workerSum(engine: Engine): WorkerSum {
  const sum = engine.workers.reduce((total, worker) => total + worker.events_per_second, 0);
  const difference = Math.abs(sum - engine.events_per_second);
  return { sum, agrees: difference <= Math.max(1, engine.events_per_second * ROUNDING) };
}
