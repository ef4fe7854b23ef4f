/** What a reader does: choose, go back, sort, walk through charts by keyboard, save. */

import { readFile } from "node:fs/promises";

import { expect, test } from "@playwright/test";

import { badge, epochOf, figure, openLive, Received } from "./page";
import { type Server, sharedServer } from "./server";

let server: Server;
test.beforeAll(async () => void (server = await sharedServer()));
test.afterAll(() => server.stop());

test("selectors are links in the URL, and the back button undoes them", async ({ page }) => {
  const received = new Received(page);
  await openLive(page, server.url);
  const everyone = (await figure(page, "journeys"))!;
  const advertiser = await page.locator("select option").nth(1).getAttribute("value");
  await page.locator("select").selectOption(advertiser!);
  await expect(page).toHaveURL(new RegExp(`scope=${encodeURIComponent(advertiser!).replaceAll("%20", "(%20|\\+)")}`));
  await expect.poll(() => figure(page, "journeys")).toBeLessThan(everyone);
  await page.getByRole("link", { name: "campaign", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Credit by campaign" })).toBeVisible();
  await page.getByRole("link", { name: "1 h", exact: true }).click();
  await expect(page).toHaveURL(/window=1h/);
  await expect.poll(() => received.requests.at(-1)).toMatchObject({ scope: advertiser, dimension: "campaign", window: "1h" });
  await page.goBack();
  await page.goBack();
  await page.goBack();
  await expect(page).toHaveURL(/\/\??$/);
  await expect.poll(() => figure(page, "journeys")).toBeGreaterThanOrEqual(everyone);
  await expect(page.locator("select")).toHaveValue("*");
});

test("a copied link shows the same", async ({ page }) => {
  await openLive(page, `${server.url}/?measure=value&window=24h`);
  await expect(page.getByRole("link", { name: "value" })).toHaveAttribute("aria-current", "true");
  await expect(page.getByRole("link", { name: "24 h" })).toHaveAttribute("aria-current", "true");
});

test("keys freeze, step back, go live, show tables and help", async ({ page }) => {
  await openLive(page, server.url);
  await page.waitForTimeout(1500);
  await page.keyboard.press("Space");
  await expect(badge(page)).toHaveAttribute("data-status", "frozen");
  const frozen = await epochOf(page);
  await page.waitForTimeout(600);
  expect(await epochOf(page)).toBe(frozen);
  await page.keyboard.press("[");
  await expect(badge(page)).toHaveAttribute("data-status", "as-of");
  expect(await epochOf(page)).toBeLessThan(frozen);
  await page.keyboard.press("l");
  await expect(badge(page)).toHaveAttribute("data-status", "live");
  await page.keyboard.press("t");
  await expect(page.locator(".twin")).toHaveCount(5);
  await page.keyboard.press("t");
  await expect(page.locator(".twin")).toHaveCount(0);
  await page.keyboard.press("?");
  await expect(page.getByText("freeze the page, and go on")).toBeVisible();
});

test("arrows walk cells of the matrix and minutes of the history", async ({ page }) => {
  await openLive(page, server.url);
  await page.keyboard.press("Space");
  const matrix = page.locator('[data-component="TransitionMatrix"]');
  await matrix.getByRole("group").first().focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  const cell = matrix.locator("td[data-at]");
  const [from, to, count] = await cell.evaluate((of) => [(of as HTMLElement).dataset["from"], (of as HTMLElement).dataset["to"], (of as HTMLElement).dataset["value"]]);
  await expect(matrix.locator(".detail")).toContainText(`${from} → ${to}: ${Number(count).toLocaleString("en-US")} of`);
  const history = page.locator('[data-component="CreditHistory"]');
  await history.getByRole("group").first().focus();
  await page.keyboard.press("ArrowLeft");
  await expect(history.locator(".cursor").first()).toBeVisible();
  await expect(history.locator(".sub")).toContainText("UTC");
  await page.keyboard.press("Escape");
  await expect(history.locator(".cursor")).toHaveCount(0);
});

test("everything can be reached by Tab", async ({ page }) => {
  await openLive(page, server.url);
  await page.keyboard.press("Space");
  const seen = new Set<string>();
  for (let at = 0; at < 60; at += 1) {
    await page.keyboard.press("Tab");
    seen.add(await page.evaluate(() => (document.activeElement?.closest("[data-component]") as HTMLElement | null)?.dataset["component"] ?? ""));
  }
  for (const name of ["Selectors", "LiveAttributionChart", "Frozen", "CreditHistory", "TransitionMatrix", "Dispositions", "Workers", "Foot"]) expect(seen).toContain(name);
});

test("rows keep their place until the reader sorts", async ({ page }) => {
  await openLive(page, server.url);
  const names = () => page.locator("[data-row]").evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset["row"]!));
  await page.getByRole("button", { name: /^channel/ }).click();
  const sorted = (await names()).slice(0, -1);
  expect(sorted).toEqual([...sorted].sort());
  await page.waitForTimeout(1500);
  expect((await names()).slice(0, sorted.length)).toEqual(sorted);
});

test("CSV is what is shown, with its epoch", async ({ page }) => {
  await openLive(page, server.url);
  await page.keyboard.press("Space");
  const waiting = page.waitForEvent("download");
  await page.locator('[data-component="LiveAttributionChart"] button', { hasText: "CSV" }).click();
  const file = await waiting;
  expect(file.suggestedFilename()).toContain(String(await epochOf(page)));
  const lines = (await readFile((await file.path())!, "utf8")).split("\r\n");
  expect(lines[0]).toContain("channel,conversions,share");
  expect(lines.find((line) => line.startsWith("search,"))).toContain(String(await figure(page, "credit/search")));
});

test("reduced motion stops the gliding", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await openLive(page, server.url);
  const duration = await page.locator(".bar i").first().evaluate((of) => getComputedStyle(of).transitionDuration);
  expect(duration).toBe("0s");
});

test("the theme is remembered", async ({ page }) => {
  await openLive(page, server.url);
  const button = page.getByRole("button", { name: /^Theme/ });
  await button.click();
  await button.click();
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});
