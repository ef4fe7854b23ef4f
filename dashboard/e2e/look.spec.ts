/** Bounds of the page: accessible, within its width, still, small, quiet, and cheap. */

import { createRequire } from "node:module";

import { expect, test } from "@playwright/test";

import { openLive, watchErrors } from "./page";
import { type Server, sharedServer } from "./server";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const NODES_MAX = 1500;
const FRAME_MS_MAX = 10;
const ROUNDS = 5;
const ROUND_MS = 2500;

let server: Server;
test.beforeAll(async () => void (server = await sharedServer(["--channels", "12"])));
test.afterAll(() => server.stop());

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [1280, 390]) {
    test.describe(`${colorScheme}, ${width} px`, () => {
      test.use({ colorScheme, viewport: { width, height: 900 }, bypassCSP: true });

      test("axe finds nothing, charts and tables", async ({ page }) => {
        await openLive(page, server.url);
        await page.keyboard.press("Space");
        await page.addScriptTag({ path: AXE });
        const violations = () =>
          page.evaluate(async () => {
            const axe = (window as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> } }).axe;
            return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
          });
        expect(await violations()).toEqual([]);
        await page.keyboard.press("t");
        await page.keyboard.press("?");
        expect(await violations()).toEqual([]);
      });

      test("nothing reaches beyond the width", async ({ page }) => {
        await openLive(page, server.url);
        const over = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(await over()).toBe(0);
        await page.keyboard.press("t");
        expect(await over()).toBe(0);
        await page.keyboard.press("t");
        await page.locator('[data-component="TransitionMatrix"] button', { hasText: "Flow" }).click();
        expect(await over()).toBe(0);
      });
    });
  }
}

test("no errors in the console, no request to another host, no more nodes than agreed", async ({ page }) => {
  const errors = watchErrors(page);
  const hosts = new Set<string>();
  page.on("request", (request) => hosts.add(new URL(request.url()).host));
  page.on("websocket", (socket) => hosts.add(new URL(socket.url()).host));
  await openLive(page, server.url);
  await page.waitForTimeout(3000);
  expect([...hosts]).toEqual([new URL(server.url).host]);
  expect(errors).toEqual([]);
  expect(await page.evaluate(() => document.querySelectorAll("*").length)).toBeLessThanOrEqual(NODES_MAX);
});

test("nothing shifts while frames come, from the first paint on", async ({ page }) => {
  await page.addInitScript(() => {
    const shifted = { total: 0, what: [] as string[] };
    Object.assign(window, { shifted });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; sources: { node: Node | null }[] })[]) {
        shifted.total += entry.value;
        shifted.what.push(`${entry.value.toFixed(5)} ${entry.sources.map(({ node }) => (node as Element | null)?.className ?? node?.parentElement?.outerHTML)}`);
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  await openLive(page, server.url);
  await page.waitForTimeout(500);
  // The first visit cannot know how many rows will come; the next one does.
  await page.reload();
  await page.waitForTimeout(8000);
  const { total, what } = await page.evaluate(() => (window as unknown as { shifted: { total: number; what: string[] } }).shifted);
  // A number that gets a digit more may push the word behind it; nothing else may move.
  expect(total, what.join("\n")).toBeLessThan(0.001);
});

test("a frame costs the main thread little: 12 channels, six hours, ten frames a second", async ({ page }) => {
  test.skip(!process.env["TRIBUTARY_LONG"], "a measurement for a quiet machine: scripts/test --long");
  await openLive(page, `${server.url}/?tick=100`);
  const session = await page.context().newCDPSession(page);
  // The thread's own time: other programs on the machine do not count.
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const read = async () => Object.fromEntries((await session.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));
  await page.evaluate(() => {
    const state = { frames: 0, long: 0 };
    Object.assign(window, { state });
    new MutationObserver(() => (state.frames += 1)).observe(document.querySelector('[data-component="App"]')!, { attributeFilter: ["data-epoch"] });
    new PerformanceObserver((list) => (state.long += list.getEntries().length)).observe({ type: "longtask" });
  });
  const state = () => page.evaluate(() => (window as unknown as { state: { frames: number; long: number } }).state);
  const costs: { frames: number; task_ms: number; script_ms: number; layout_ms: number; style_ms: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const [before, first] = [await read(), await state()];
    await page.waitForTimeout(ROUND_MS);
    const [after, last] = [await read(), await state()];
    const frames = last.frames - first.frames;
    const each = (name: string) => (((after[name] ?? 0) - (before[name] ?? 0)) * 1000) / frames;
    costs.push({ frames, task_ms: each("TaskDuration"), script_ms: each("ScriptDuration"), layout_ms: each("LayoutDuration"), style_ms: each("RecalcStyleDuration") });
  }
  const said = JSON.stringify({ long: (await state()).long, costs });
  test.info().annotations.push({ type: "cost", description: said });
  // Whatever else the machine does can only add to it.
  const best = costs.sort((a, b) => a.task_ms - b.task_ms)[0]!;
  expect(best.frames, said).toBeGreaterThan(10);
  expect(best.task_ms, said).toBeLessThanOrEqual(FRAME_MS_MAX);
});
