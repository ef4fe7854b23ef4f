/**
 * What the page costs: `npm run measure` prints it beside its bounds. Times are the main thread's own, so that other
 * programs count little; still a busy machine adds to them, so they are measured here and not among the tests.
 */

import { type CDPSession, expect, type Page, test } from "@playwright/test";

import { openLive } from "./page";
import { type Server, startServer } from "./server";

const FRAME_MS_MAX = 10;
const HEAP_RATIO_MAX = 1.1;
const ROUNDS = 5;
const ROUND_MS = 2500;

const say = (what: string, ...figures: (string | number)[]) => process.stdout.write(`  ${what.padEnd(44)} ${figures.join("  ")}\n`);
const ms = (value: number) => `${value.toFixed(1)} ms`;

async function withServer(mockFlags: readonly string[], run: (server: Server) => Promise<void>): Promise<void> {
  const server = await startServer({ mockFlags });
  try {
    await run(server);
  } finally {
    await server.stop();
  }
}

/** Counts the frames that were drawn, and tasks of more than 50 ms. */
async function count(page: Page): Promise<() => Promise<{ frames: number; long: number }>> {
  await page.evaluate(() => {
    const counted = { frames: 0, long: 0 };
    Object.assign(window, { counted });
    new MutationObserver(() => (counted.frames += 1)).observe(document.querySelector('[data-component="App"]')!, { attributeFilter: ["data-epoch"] });
    new PerformanceObserver((list) => (counted.long += list.getEntries().length)).observe({ type: "longtask" });
  });
  return () => page.evaluate(() => (window as unknown as { counted: { frames: number; long: number } }).counted);
}

async function metrics(session: CDPSession): Promise<Record<string, number>> {
  return Object.fromEntries((await session.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));
}

interface Cost {
  readonly task: number;
  readonly script: number;
  readonly layout: number;
  readonly style: number;
}

/** Milliseconds of the main thread a frame, by rounds, the cheapest first: whatever else goes on can only add. */
async function frameCosts(page: Page, throttle: number): Promise<{ costs: readonly Cost[]; frames: number; long: number }> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  await session.send("Emulation.setCPUThrottlingRate", { rate: throttle });
  const counted = await count(page);
  const costs: Cost[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const [before, first] = [await metrics(session), await counted()];
    await page.waitForTimeout(ROUND_MS);
    const [after, last] = [await metrics(session), await counted()];
    const each = (name: string) => (((after[name] ?? 0) - (before[name] ?? 0)) * 1000) / (last.frames - first.frames);
    costs.push({ task: each("TaskDuration"), script: each("ScriptDuration"), layout: each("LayoutDuration"), style: each("RecalcStyleDuration") });
  }
  return { costs: costs.sort((a, b) => a.task - b.task), ...(await counted()) };
}

for (const { channels, throttle } of [{ channels: 12, throttle: 1 }, { channels: 8, throttle: 4 }]) {
  test(`a frame: ${channels} channels, six hours, ten frames a second, CPU ${throttle}x slower`, async ({ page }) => {
    await withServer(["--channels", String(channels)], async ({ url }) => {
      await openLive(page, `${url}/?tick=100`);
      const { costs, frames, long } = await frameCosts(page, throttle);
      const [best, median] = [costs[0]!, costs[ROUNDS >> 1]!];
      say(`frame, ${channels} channels, CPU ${throttle}x slower`, `best round ${ms(best.task)}`, `median ${ms(median.task)}`, `(bound ${ms(FRAME_MS_MAX)} at 1x)`);
      say("  of the median", `script ${ms(median.script)}`, `layout ${ms(median.layout)}`, `style ${ms(median.style)}`, `${frames} frames`, `${long} long tasks`);
      expect(frames).toBeGreaterThan(ROUNDS * 10);
      if (throttle === 1) expect(best.task).toBeLessThanOrEqual(FRAME_MS_MAX);
    });
  });
}

test("a frame received is painted soon", async ({ page }) => {
  await page.addInitScript(() => {
    const delays: number[] = [];
    Object.assign(window, { delays });
    const Native = WebSocket;
    window.WebSocket = class extends Native {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        this.addEventListener("message", () => {
          const at = performance.now();
          // A task queued in an animation frame runs when the frame has been painted.
          requestAnimationFrame(() => setTimeout(() => delays.push(performance.now() - at)));
        });
      }
    };
  });
  await withServer([], async ({ url }) => {
    await openLive(page, `${url}/?tick=100`);
    await page.waitForTimeout(10_000);
    const delays = await page.evaluate(() => (window as unknown as { delays: number[] }).delays);
    // The first message is hello, the second the snapshot.
    const later = delays.slice(2).sort((a, b) => a - b);
    say("received to painted", `p50 ${ms(later[later.length >> 1]!)}`, `p99 ${ms(later[Math.floor(later.length * 0.99)]!)} (bound 50.0 ms)`);
    say("first snapshot to first paint", `${ms(delays[1]!)} (bound 300.0 ms)`);
  });
});

test("an hour of frames leaves the heap as it was", async ({ page }) => {
  test.setTimeout(300_000);
  // Sixty minutes of the stand-in's time in three, at fifty frames a second.
  await withServer(["--speed", "20", "--rate", "40"], async ({ url }) => {
    await openLive(page, `${url}/?tick=20`);
    const session = await page.context().newCDPSession(page);
    const counted = await count(page);
    const heap = async () => {
      await session.send("HeapProfiler.collectGarbage");
      return (await session.send("Runtime.getHeapUsage")).usedSize / 2 ** 20;
    };
    await page.waitForTimeout(15_000);
    const early = await heap();
    await page.waitForTimeout(165_000);
    const late = await heap();
    const { frames } = await counted();
    say(`heap after ${frames} frames, 60 minutes`, `${early.toFixed(2)} MiB after five minutes`, `${late.toFixed(2)} MiB`, `ratio ${(late / early).toFixed(3)} (bound ${HEAP_RATIO_MAX})`);
    expect(late / early).toBeLessThanOrEqual(HEAP_RATIO_MAX);
  });
});
