/** The whole page, drawn from one frame: numbers in the DOM equal the frame. */

import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { App } from "../src/App";
import { fromSnapshot, withDelta } from "../src/frame";
import { onKey } from "../src/keys";
import { select, takeFrame, takeLink, useStore } from "../src/store";
import { parseMessage } from "../src/wire";
import { ATTRIBUTION, CHAIN, delta, DISPOSITIONS, ENGINE, ROWS, snapshot, TRANSITIONS } from "./sample";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
const blank = useStore.getState();
let root: Root;

function receive(text: string): void {
  const message = parseMessage(text);
  const before = useStore.getState().kept.at(-1)?.frame;
  act(() => {
    if (message?.type === "snapshot") takeFrame(fromSnapshot(CHAIN, message, message.rows), Date.now());
    if (message?.type === "delta" && before) takeFrame(withDelta(before, message, message.rows, message.removed), Date.now());
    takeLink({ phase: "open", since: Date.now() });
  });
}
const find = (selector: string) => document.querySelector<HTMLElement>(selector);
const value = (key: string) => find(`[data-key="${key}"]`)?.dataset["value"];
const press = (key: string) => act(() => onKey(new KeyboardEvent("keydown", { key })));
const panel = (name: string) => find(`[data-component="${name}"]`)!;
const click = (panelName: string, text: string) =>
  act(() => [...panel(panelName).querySelectorAll("button")].find((button) => button.textContent === text)!.click());

beforeEach(() => {
  localStorage.clear();
  useStore.setState(blank, true);
  document.body.innerHTML = '<div id="root"></div>';
  root = createRoot(document.getElementById("root")!);
  act(() => root.render(<App retry={() => {}} />));
});
afterEach(() => act(() => root.unmount()));

describe("a frame on the page", () => {
  beforeEach(() => receive(snapshot(42)));

  it("is one epoch in every panel", () => {
    const epochs = [...document.querySelectorAll<HTMLElement>("[data-component][data-epoch]")].map((part) => part.dataset["epoch"]);
    expect(new Set(epochs)).toEqual(new Set(["42"]));
    expect(epochs.length).toBeGreaterThanOrEqual(10);
  });
  it("prints every credit, share and effect", () => {
    for (const { state, attributed_conversions, removal_effect } of ATTRIBUTION.credits) {
      expect(value(`credit/${state}`)).toBe(String(attributed_conversions));
      expect(value(`bar/${state}`)).toBe(String(attributed_conversions));
      expect(value(`effect/${state}`)).toBe(String(removal_effect));
      expect(value(`share/${state}`)).toBe(String(attributed_conversions / ATTRIBUTION.conversions));
    }
    expect([value("credit/(untouched)"), value("credit/(sum)"), value("share/(sum)")]).toEqual(["4", "50", "1"]);
  });
  it("draws bars as long as their numbers", () => {
    const scale = (state: string) => Number(/scaleX\(([\d.]+)\)/.exec(find(`[data-key="bar/${state}"]`)!.style.transform)![1]);
    expect(scale("search") / scale("email")).toBeCloseTo(34.5 / 11.5, 1);
    expect(scale("search")).toBeLessThanOrEqual(1);
  });
  it("prints the figures", () => {
    const shown = ["journeys", "conversions", "credited", "untouched", "p_conversion", "value"].map(value);
    expect(shown).toEqual(["200", "50", "46", "4", "0.25", "5000.5"]);
  });
  it("prints every transition, in the matrix and in the flow", () => {
    for (const [from, to, count] of TRANSITIONS.counts) expect(value(`transition/${from}/${to}`)).toBe(String(count));
    expect(find('[data-key="transition/search/(null)"]')!.textContent).toBe("59");
    click("TransitionMatrix", "Flow");
    const ribbons = [...document.querySelectorAll<SVGPathElement>(".ribbon")].map((ribbon) => Number(ribbon.dataset["value"]));
    expect(ribbons.sort()).toEqual(TRANSITIONS.counts.map(([, , count]) => count).sort());
  });
  it("prints dispositions and workers with their sums", () => {
    for (const [name, count] of Object.entries(DISPOSITIONS)) expect(value(`dispositions/${name}`)).toBe(String(count));
    expect(value("dispositions/missing")).toBe("0");
    expect(panel("Dispositions").textContent).toContain("adds up");
    expect(Number(value("workers/sum"))).toBeCloseTo(ENGINE.events_per_second, 6);
  });
  it("prints the newest share of each channel, and its line ends there", () => {
    expect(value("history/search")).toBe(String(34.5 / 50));
    expect(document.querySelectorAll(".multiple .now")).toHaveLength(2);
  });
  it("keeps rows in place when they overtake each other, until the reader sorts", () => {
    const rows = () => [...document.querySelectorAll<HTMLElement>("[data-row]")].map((row) => row.dataset["row"]);
    const swapped = ATTRIBUTION.credits.map((credit, at) => ({ ...credit, attributed_conversions: at === 0 ? 40 : 6 }));
    receive(delta(42, 43, { "attribution/*/channel/all": { ...ATTRIBUTION, credits: swapped } }));
    expect(rows()).toEqual(["search", "email", "(untouched)"]);
    click("LiveAttributionChart", "credit");
    expect(rows()).toEqual(["email", "search", "(untouched)"]);
  });
  it("gives a channel that comes later the next colour and the last row", () => {
    const ctv = { ...ATTRIBUTION.credits[0]!, state: "ctv" };
    receive(delta(42, 43, { "attribution/*/channel/all": { ...ATTRIBUTION, credits: [ctv, ...ATTRIBUTION.credits] } }));
    const slot = (state: string) => find(`[data-row="${state}"]`)!.dataset["slot"];
    expect([slot("email"), slot("search"), slot("ctv")]).toEqual(["1", "2", "3"]);
  });
  it("has a table for each chart, with the same numbers", () => {
    press("t");
    expect(document.querySelectorAll(".twin table")).toHaveLength(5);
    expect(panel("LiveAttributionChart").querySelector(".twin")!.textContent).toContain("34.5");
    expect(panel("TransitionMatrix").querySelector(".twin")!.textContent).toContain("140");
  });
  it("changes the measure without asking the server", () => {
    act(() => select({ measure: "value" }));
    expect(value("credit/search")).toBe("3525.1875");
    expect(location.search).toBe("?measure=value");
    act(() => select({ measure: "conversions" }));
  });
});

describe("states", () => {
  it("loading before the first frame, live after it", () => {
    expect(panel("LiveBadge").dataset["status"]).toBe("loading");
    receive(snapshot(1));
    expect(panel("LiveBadge").dataset["status"]).toBe("live");
  });
  it("empty says why and what to do", () => {
    receive(snapshot(1, { engine: ENGINE, dispositions: DISPOSITIONS }));
    expect(panel("LiveAttributionChart").dataset["status"]).toBe("empty");
    expect(panel("LiveAttributionChart").textContent).toContain("1,000 records were read");
  });
  it("frozen holds every panel while frames go on, and Space lets go", () => {
    receive(snapshot(1));
    press(" ");
    receive(delta(1, 2, { dispositions: { ...DISPOSITIONS, read: 1001, accepted: 981 } }));
    expect([panel("App").dataset["epoch"], value("dispositions/read")]).toEqual(["1", "1000"]);
    expect(panel("Frozen").textContent).toContain("1 frame waits");
    press(" ");
    expect([panel("App").dataset["epoch"], value("dispositions/read")]).toEqual(["2", "1001"]);
  });
  it("as of steps back through kept frames, and on to live", () => {
    [1, 2, 3].forEach((epoch) => receive(snapshot(epoch)));
    press("[");
    press("[");
    expect([panel("App").dataset["status"], panel("App").dataset["epoch"]]).toEqual(["as-of", "1"]);
    press("]");
    press("]");
    expect([panel("App").dataset["status"], panel("App").dataset["epoch"]]).toEqual(["live", "3"]);
  });
  it("one failing panel fails alone", () => {
    receive(snapshot(1, { ...ROWS, "transitions/*/channel/all": { states: 1 } }));
    expect(panel("TransitionMatrix").dataset["status"]).toBe("error");
    expect(panel("TransitionMatrix").textContent).toContain("states is not a list");
    expect(panel("LiveAttributionChart").dataset["status"]).toBe("live");
  });
  it("reconnecting keeps the last frame, dated", () => {
    receive(snapshot(7));
    act(() => takeLink({ phase: "waiting", since: Date.now(), retry_at: Date.now() + 4000, attempt: 2 }));
    expect(panel("Connection").textContent).toContain("Resuming from epoch 7");
    expect(value("credit/search")).toBe("34.5");
  });
});

it("leaves keys to what uses them", () => {
  receive(snapshot(1));
  const box = document.createElement("input");
  document.body.append(box);
  const event = new KeyboardEvent("keydown", { key: " ", bubbles: true });
  const prevent = vi.spyOn(event, "preventDefault");
  box.addEventListener("keydown", onKey);
  box.dispatchEvent(event);
  expect(prevent).not.toHaveBeenCalled();
  expect(useStore.getState().held).toBeUndefined();
});
