/**
 * The time, read again every so often: for ages and countdowns, which move without frames. Counted from the last
 * change of `since`, so that a page whose frames come often enough is not drawn in between.
 */

import { useEffect, useState } from "react";

export function useNow(every_ms: number, since?: unknown): number {
  const [, again] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => again((times) => times + 1), every_ms);
    return () => clearInterval(timer);
  }, [every_ms, since]);
  return Date.now();
}
