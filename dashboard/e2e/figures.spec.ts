/** Figures on the page are those of one frame, and those of the API at the same epoch. */

import { expect, test } from "@playwright/test";

import { epochOf, eventTime, figure, figures, openLive, post, Received, type Rows } from "./page";
import { type Server, sharedServer } from "./server";

let server: Server;
test.beforeAll(async () => void (server = await sharedServer()));
test.afterAll(() => server.stop());

interface Attribution {
  journeys: number; conversions: number; untouched: number; value: number; p_conversion: number | null;
  credits: { state: string; attributed_conversions: number | null; removal_effect: number | null }[];
}

/** What the page must print for these rows. */
function expected(rows: Rows): Record<string, string> {
  const of = rows["attribution/*/channel/all"] as Attribution;
  const transitions = rows["transitions/*/channel/all"] as { counts: [string, string, number][] };
  const engine = rows["engine"] as { events_per_second: number; latency_ms_p99: number | null };
  const all: Record<string, unknown> = {
    journeys: of.journeys, conversions: of.conversions, credited: of.conversions - of.untouched, untouched: of.untouched,
    value: of.value, p_conversion: of.p_conversion, "credit/(untouched)": of.untouched,
    "engine/events_per_second": engine.events_per_second, "engine/latency_ms_p99": engine.latency_ms_p99, "dispositions/missing": 0,
  };
  for (const [name, count] of Object.entries(rows["dispositions"] as object)) all[`dispositions/${name}`] = count;
  for (const { state, attributed_conversions, removal_effect } of of.credits) {
    Object.assign(all, { [`credit/${state}`]: attributed_conversions, [`bar/${state}`]: attributed_conversions, [`effect/${state}`]: removal_effect });
  }
  for (const [from, to, count] of transitions.counts) all[`transition/${from}/${to}`] = count;
  return Object.fromEntries(Object.entries(all).map(([key, value]) => [key, String(value)]));
}

test("a frozen page prints the rows of its epoch, all of them", async ({ page }) => {
  const received = new Received(page);
  await openLive(page, `${server.url}/`);
  for (let round = 0; round < 3; round += 1) {
    await page.waitForTimeout(700);
    await page.keyboard.press("Space");
    const epoch = await epochOf(page);
    const rows = received.byEpoch.get(epoch);
    expect(rows, `epoch ${epoch} was received`).toBeDefined();
    expect(await figures(page)).toMatchObject(expected(rows!));
    await page.keyboard.press("Space");
  }
});

test("sums come out: credit and untouched to conversions, workers to the header", async ({ page }) => {
  await openLive(page, `${server.url}/`);
  await page.keyboard.press("Space");
  expect(await figure(page, "credit/(sum)")).toBeCloseTo((await figure(page, "conversions"))!, 6);
  expect(await figure(page, "share/(sum)")).toBeCloseTo(1, 9);
  expect(await figure(page, "dispositions/sum")).toBe(await figure(page, "dispositions/read"));
  const rate = (await figure(page, "engine/events_per_second"))!;
  expect(Math.abs((await figure(page, "workers/sum"))! - rate)).toBeLessThanOrEqual(Math.max(1, rate * 0.005));
});

test("the page and the API say the same at the same epoch", async ({ page }) => {
  const received = new Received(page);
  await openLive(page, `${server.url}/?tick=20`);
  const query = new URLSearchParams({ topics: "engine,dispositions,attribution,transitions", scope: "*", dimension: "channel", window: "all" });
  let compared = 0;
  for (const end = Date.now() + 15_000; compared < 3 && Date.now() < end; ) {
    const answers = await Promise.all(Array.from({ length: 20 }, async () => (await fetch(`${server.url}/api/v1/frame?${query}`)).json()));
    await page.waitForTimeout(50);
    for (const { epoch, rows } of answers as { epoch: number; rows: Rows }[]) {
      const ours = received.byEpoch.get(epoch);
      if (!ours) continue;
      for (const key of ["dispositions", "attribution/*/channel/all", "transitions/*/channel/all"]) expect(ours[key]).toEqual(rows[key]);
      compared += 1;
    }
  }
  expect(compared).toBeGreaterThanOrEqual(3);
});

test("a posted conversion moves bar and number", async ({ page }) => {
  const advertiser = `Probe ${Date.now()}`;
  const event_time = await eventTime(server.url);
  const event = (event_type: string, at: number, more: object) =>
    ({ event_type, event_time: event_time + at, event_id: `${advertiser}-${at}`, user_id: advertiser, advertiser, ...more });
  await post(server.url, [event("ad_impression", 0, { channel: "search", campaign: "c" }), event("ad_click", 1, { channel: "email", campaign: "c" })]);
  await openLive(page, `${server.url}/?scope=${encodeURIComponent(advertiser)}`);
  const bar = () => page.locator('[data-key="bar/search"]').evaluate((of) => (of as HTMLElement).style.transform);
  await expect.poll(() => figure(page, "journeys")).toBe(1);
  expect([await figure(page, "conversions"), await figure(page, "credit/search"), await bar()]).toEqual([0, 0, "scaleX(0)"]);

  await post(server.url, [event("conversion", 2, { revenue: 12.5 })]);
  await expect.poll(() => figure(page, "credit/search"), { timeout: 2000 }).toBe(0.5);
  expect([await figure(page, "conversions"), await figure(page, "value"), await figure(page, "credit/email")]).toEqual([1, 12.5, 0.5]);
  expect(await bar()).not.toBe("scaleX(0)");
});
