/** The states of the page: what it says when the server is away, silent, empty or wrong, and that nothing moves. */

import { expect, test } from "@playwright/test";

import { badge, epochOf, figure, openLive, Received } from "./page";
import { binary, type Server, startServer } from "./server";

let server: Server;
test.beforeEach(async () => void (server = await startServer()));
test.afterEach(() => server.stop());

test("stopped and started again, it comes back without a reload", async ({ page }) => {
  await openLive(page, server.url);
  await page.evaluate(() => Object.assign(window, { mark: 1 }));
  const conversions = await figure(page, "conversions");
  await server.stop();
  await expect(badge(page)).toHaveAttribute("data-status", "reconnecting");
  await expect(page.locator('[data-component="Connection"]')).toContainText("Resuming from epoch");
  expect(await figure(page, "conversions")).toBeGreaterThanOrEqual(conversions!);
  server = await startServer({ port: Number(new URL(server.url).port) });
  await expect(badge(page)).toHaveAttribute("data-status", "live", { timeout: 20_000 });
  expect(await page.evaluate(() => "mark" in window)).toBe(true);
});

test("a cut connection is resumed by generation and epoch", async ({ page }) => {
  const received = new Received(page);
  let cut = () => {};
  await page.routeWebSocket(/\/ws/, (socket) => {
    socket.connectToServer();
    cut = () => void socket.close({ code: 4000 });
  });
  const asked: Record<string, unknown>[] = [];
  await page.addInitScript(() => {
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) {
      ((window as unknown as { asked: unknown[] }).asked ??= []).push(JSON.parse(String(data)));
      send.call(this, data);
    };
  });
  await openLive(page, server.url);
  const before = await epochOf(page);
  cut();
  await expect(badge(page)).toHaveAttribute("data-status", "reconnecting");
  await expect(badge(page)).toHaveAttribute("data-status", "live");
  asked.push(...received.requests, ...(await page.evaluate(() => (window as unknown as { asked?: Record<string, unknown>[] }).asked ?? [])));
  const resumed = asked.find(({ type }) => type === "resume");
  expect(resumed, JSON.stringify(asked)).toBeDefined();
  expect(resumed!["epoch"]).toBeGreaterThanOrEqual(before);
  await expect.poll(() => epochOf(page)).toBeGreaterThan(before);
});

test("silent for five seconds, it is stale; then live again", async ({ page }) => {
  await openLive(page, server.url);
  server.signal("SIGSTOP");
  await expect(badge(page)).toHaveAttribute("data-status", "stale", { timeout: 8000 });
  await expect(page.locator('[data-component="Connection"]')).toContainText("No closed epoch for");
  server.signal("SIGCONT");
  await expect(badge(page)).toHaveAttribute("data-status", "live", { timeout: 20_000 });
});

test("an advertiser that is not known is refused with a way out", async ({ page }) => {
  await page.goto(`${server.url}/?scope=Nobody`);
  const status = badge(page);
  await expect(status).toHaveAttribute("data-status", /error|live/);
  await page.locator("button", { hasText: "Show all advertisers" }).first().click();
  await expect(status).toHaveAttribute("data-status", "live");
  await expect.poll(() => figure(page, "journeys")).toBeGreaterThan(0);
});

test.describe("with the stand-in", () => {
  test.skip(binary !== undefined, "only the stand-in misbehaves on request");
  const mischief = (what: string) => fetch(`${server.url}/mock/${what}`, { method: "POST" });

  test("one panel fails alone", async ({ page }) => {
    await openLive(page, server.url);
    await mischief("spoil");
    await expect(page.locator('[data-component="TransitionMatrix"]')).toHaveAttribute("data-status", "error");
    await expect(page.locator('[data-component="LiveAttributionChart"]')).toHaveAttribute("data-status", "live");
    await mischief("spoil");
    await expect(page.locator('[data-component="TransitionMatrix"]')).toHaveAttribute("data-status", "live");
  });

  test("an engine that stands still is stale while the socket lives", async ({ page }) => {
    await openLive(page, server.url);
    await mischief("pause");
    await expect(badge(page)).toHaveAttribute("data-status", "stale", { timeout: 8000 });
    await page.waitForTimeout(6000);
    await expect(badge(page)).toHaveAttribute("data-status", "stale");
    await mischief("go");
    await expect(badge(page)).toHaveAttribute("data-status", "live");
  });

  test("nothing moves from state to state", async ({ page }) => {
    await openLive(page, server.url);
    const places = () => page.locator("[data-component]:not([data-component=Connection], [data-component=Frozen])").evaluateAll((parts) =>
      parts.map((part) => [(part as HTMLElement).dataset["component"], Math.round(part.getBoundingClientRect().top), Math.round(part.getBoundingClientRect().height)]),
    );
    const live = await places();
    await page.keyboard.press("Space");
    expect(await places(), "frozen").toEqual(live);
    await page.keyboard.press("[");
    expect(await places(), "as of").toEqual(live);
    await page.keyboard.press("l");
    await page.keyboard.press("t");
    expect(await places(), "tables").toEqual(live);
    await page.keyboard.press("t");
    await mischief("pause");
    await expect(badge(page)).toHaveAttribute("data-status", "stale", { timeout: 8000 });
    expect(await places(), "stale").toEqual(live);
    await server.stop();
    await expect(badge(page)).toHaveAttribute("data-status", "reconnecting");
    expect(await places(), "reconnecting").toEqual(live);
  });

  test("with nothing read, it says so and what to do", async ({ page }) => {
    const empty = await startServer({ mockFlags: ["--empty"] });
    await page.goto(empty.url);
    const chart = page.locator('[data-component="LiveAttributionChart"]');
    await expect(chart).toHaveAttribute("data-status", "empty");
    await expect(chart).toContainText("POST /api/v1/events");
    await empty.stop();
  });
});
