/** What tests do with a page: open it, watch its socket, read its figures. */

import { expect, type Page } from "@playwright/test";

export type Rows = Record<string, unknown>;

/** The rows that the page's own socket has received, as of each epoch. */
export class Received {
  readonly byEpoch = new Map<number, Rows>();
  readonly requests: Record<string, unknown>[] = [];
  readonly kinds: string[] = [];
  private rows: Rows = {};

  constructor(page: Page) {
    page.on("websocket", (socket) => {
      socket.on("framereceived", ({ payload }) => this.take(JSON.parse(String(payload))));
      socket.on("framesent", ({ payload }) => this.requests.push(JSON.parse(String(payload))));
    });
  }

  private take(message: { type: string; epoch: number; rows?: Rows; removed?: string[] }): void {
    this.kinds.push(message.type);
    if (message.type === "snapshot") this.rows = { ...message.rows };
    if (message.type === "delta") this.rows = { ...this.rows, ...message.rows };
    for (const key of message.removed ?? []) delete this.rows[key];
    if (message.epoch !== undefined && message.type !== "hello") this.byEpoch.set(message.epoch, { ...this.rows });
  }
}

/** Errors that a reader would find in the console. */
export function watchErrors(page: Page): string[] {
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
  });
  return errors;
}

export const badge = (page: Page) => page.locator('[data-component="LiveBadge"]');

/** Live, with every panel drawn: transitions and history may come a frame later than the rest. */
export async function openLive(page: Page, url: string): Promise<void> {
  await page.goto(url);
  for (const name of ["LiveBadge", "LiveAttributionChart", "CreditHistory", "TransitionMatrix"]) {
    await expect(page.locator(`[data-component="${name}"]`)).toHaveAttribute("data-status", "live", { timeout: 10_000 });
  }
}

/** The full number of a figure, as it was received. */
export async function figure(page: Page, key: string): Promise<number | null> {
  const value = await page.locator(`[data-key="${key}"]`).first().getAttribute("data-value");
  return value === null || value === "null" ? null : Number(value);
}

export async function figures(page: Page): Promise<Record<string, string>> {
  return page.locator("[data-key][data-value]").evaluateAll((found) =>
    Object.fromEntries(found.map((of) => [(of as HTMLElement).dataset["key"]!, (of as HTMLElement).dataset["value"]!])),
  );
}

export const epochOf = async (page: Page): Promise<number> =>
  Number(await page.locator('[data-component="App"]').getAttribute("data-epoch"));

export async function post(url: string, events: readonly object[]): Promise<void> {
  const body = events.map((event) => `${JSON.stringify(event)}\n`).join("");
  const answer = await fetch(`${url}/api/v1/events`, { method: "POST", body });
  expect([200, 202]).toContain(answer.status);
}

/** A time that no server takes for late or for the future: its own. */
export async function eventTime(url: string): Promise<number> {
  const frame = (await (await fetch(`${url}/api/v1/frame`)).json()) as { rows: { engine?: { event_time_ms: number | null } } };
  return frame.rows.engine?.event_time_ms ?? Date.now();
}
