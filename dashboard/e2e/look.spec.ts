/** Bounds of the page: accessible, within its width, still, small and quiet. What it costs is measured in cost.measure.ts. */

import { createRequire } from "node:module";

import { expect, test } from "@playwright/test";

import { openLive, watchErrors } from "./page";
import { type Server, sharedServer } from "./server";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const NODES_MAX = 1500;

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

      test("every panel can be seen", async ({ page }) => {
        await openLive(page, server.url);
        for (const panel of await page.locator("[data-component]").all()) await expect(panel).toBeVisible();
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

for (const width of [1280, 390]) test(`nothing shifts while frames come, from the first paint on, ${width} px`, async ({ page }) => {
  // High enough that all of it is in sight: what is not seen does not count as shifted.
  await page.setViewportSize({ width, height: 3600 });
  await page.addInitScript(() => {
    const shifted: string[] = [];
    Object.assign(window, { shifted });
    // A number that gets a digit more grows to the left, within the room that it has: its own digits may move.
    const isDigits = (node: Node | null) => (node instanceof Element ? node : node?.parentElement)?.closest(".number") != null;
    new PerformanceObserver((list) => {
      for (const { sources } of list.getEntries() as (PerformanceEntry & { sources: { node: Node | null }[] })[]) {
        for (const { node } of sources) {
          if (!isDigits(node)) shifted.push(node instanceof Element ? node.outerHTML.slice(0, 200) : `${node?.textContent} in ${node?.parentElement?.outerHTML.slice(0, 200)}`);
        }
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  await openLive(page, server.url);
  await page.waitForTimeout(500);
  // The first visit cannot know how many rows will come; the next one does.
  await page.reload();
  await page.waitForTimeout(8000);
  expect(await page.evaluate(() => (window as unknown as { shifted: string[] }).shifted)).toEqual([]);
});
