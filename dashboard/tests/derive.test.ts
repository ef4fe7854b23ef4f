import { describe, expect, it } from "vitest";

import { channels, EXPECTED_ROWS, OTHER, paletteKey, SLOTS, withNames, withRows } from "../src/derive";
import { axisMax, creditTable, isSorted, sorted } from "../src/derive/credit";
import { flow } from "../src/derive/flow";
import { domains, type Line, movers, pointsOf, series, settled, shares } from "../src/derive/history";
import { lede } from "../src/derive/lede";
import { CONVERSION, heatStep, matrix, NULL, START } from "../src/derive/matrix";
import { dispositionSum, workerSum } from "../src/derive/sums";
import { type Frame, fromSnapshot, minutesOf } from "../src/frame";
import { fromSearch, tickFrom, toSearch } from "../src/selection";
import { statusOf } from "../src/status";
import { parseMessage } from "../src/wire";
import { ATTRIBUTION, CHAIN, DISPOSITIONS, ENGINE, ROWS, snapshot, TRANSITIONS } from "./sample";

function frameOf(rows = ROWS): Frame {
  const message = parseMessage(snapshot(5, rows));
  if (message?.type !== "snapshot") throw new Error("no snapshot");
  return fromSnapshot(CHAIN, message, message.rows);
}
const PALETTE = ["email", "search"];
const frame = frameOf();
const drawn = channels(frame, ["search", "email"], PALETTE);

function many(count: number): Frame {
  const credits = Array.from({ length: count }, (_, at) => ({
    state: `c${String(at).padStart(2, "0")}`, removal_effect: 0.1, removal_effect_value: 0.1, attributed_conversions: 1, attributed_value: 2,
  }));
  return frameOf({ ...ROWS, "attribution/*/channel/all": { ...ATTRIBUTION, conversions: count + 4, credits } });
}

describe("channels", () => {
  it("keep their colour: new names are appended, sorted among themselves", () => {
    expect(withNames([], ["b", "a"])).toEqual(["a", "b"]);
    expect(withNames(["b"], ["c", "a", "b"])).toEqual(["b", "a", "c"]);
  });
  it("keep their row: rows that appear together begin in order of credit, later ones come below", () => {
    expect(withRows([], frame)).toEqual(["search", "email"]);
    expect(withRows(["email"], frame)).toEqual(["email", "search"]);
  });
  it("share colours across advertisers; campaigns do not", () => {
    expect(paletteKey({ scope: "A", dimension: "channel" })).toBe(paletteKey({ scope: "B", dimension: "channel" }));
    expect(paletteKey({ scope: "A", dimension: "campaign" })).not.toBe(paletteKey({ scope: "B", dimension: "campaign" }));
  });
  it("beyond the last colour share one row, whose credit is theirs together", () => {
    const crowd = many(15);
    const names = crowd.attribution!.credits.map(({ state }) => state);
    const rows = channels(crowd, names, names);
    expect(rows).toHaveLength(SLOTS + 1);
    expect(rows.at(-1)).toMatchObject({ id: OTHER, label: "other (3)", slot: 0 });
    const table = creditTable(crowd.attribution!, rows, "conversions");
    expect(table.rows.at(-1)).toMatchObject({ credit: 3, effect: null });
    expect(table.sum).toBe(crowd.attribution!.conversions);
  });
  it("leave room for rows before any are known", () => expect(EXPECTED_ROWS).toBeGreaterThan(0));
});

describe("credit", () => {
  it("and untouched add up to the conversions, and to the value", () => {
    for (const measure of ["conversions", "value"] as const) {
      const table = creditTable(ATTRIBUTION, drawn, measure);
      expect(table.sum).toBeCloseTo(table.total, 9);
      const shares = table.rows.reduce((all, row) => all + row.share!, table.untouched_share!);
      expect(shares).toBeCloseTo(1, 9);
    }
  });
  it("is the number that came", () => {
    expect(creditTable(ATTRIBUTION, drawn, "conversions").rows.map(({ credit, effect }) => [credit, effect])).toEqual([[34.5, 0.6], [11.5, 0.2]]);
    expect(creditTable(ATTRIBUTION, drawn, "value").rows.map(({ credit, effect }) => [credit, effect])).toEqual([[3525.1875, 0.75], [1175.0625, 0.25]]);
  });
  it("is undefined, not zero, where an effect is", () => {
    const credits = ATTRIBUTION.credits.map((credit) => ({ ...credit, attributed_conversions: null }));
    const table = creditTable({ ...ATTRIBUTION, credits }, drawn, "conversions");
    expect([table.rows[0]!.credit, table.rows[0]!.share, table.sum]).toEqual([null, null, null]);
  });
  it("is sorted once, and it is seen when it no longer is", () => {
    expect(sorted(ATTRIBUTION, "credit", "conversions")).toEqual(["search", "email"]);
    expect(sorted(ATTRIBUTION, "name", "conversions")).toEqual(["email", "search"]);
    const rows = creditTable(ATTRIBUTION, drawn, "conversions").rows;
    expect([isSorted(rows, "credit"), isSorted(rows, "name")]).toEqual([true, false]);
  });
  it("has an axis that only doubles and halves", () => {
    const max = axisMax(undefined, 1150);
    expect(max).toBe(1200);
    expect([axisMax(max, 1199), axisMax(max, 1201), axisMax(max, 600), axisMax(max, 530)]).toEqual([1200, 2400, 1200, 600]);
  });
});

describe("history", () => {
  const { closed } = frame.history;
  const open = frame.history.open!;
  const valuesOf = (line: Line) => pointsOf(line).map(({ value }) => value);
  it("is each minute's share of its own total", () => {
    expect(valuesOf(shares(frame.history, drawn[0]!, "conversions"))).toEqual([28 / 40, 34.5 / 50]);
  });
  it("has one span for all panels", () => {
    const { span, of } = domains(drawn.map((channel) => shares(frame.history, channel, "conversions")));
    for (const { low, high } of of) expect(high - low).toBeCloseTo(span, 9);
    expect(of[0]!.low).toBeLessThanOrEqual(0.69);
    expect(of[0]!.high).toBeGreaterThanOrEqual(0.7);
  });
  it("draws growing totals as what each closed minute added, and windows as they stood", () => {
    expect(valuesOf(series(frame.history, "conversions", "1h"))).toEqual([40, 50]);
    const three = { closed: minutesOf(frame.history), open: { ...open, minute_ms: open.minute_ms + 60_000, conversions: 58 } };
    expect(valuesOf(series(three, "conversions", "all"))).toEqual([10]);
  });
  it("counts changes from where the total is large enough to say something", () => {
    const early = { ...closed[0]!, minute_ms: closed[0]!.minute_ms - 60_000, conversions: 2, untouched: 0 };
    expect(settled({ closed: [early, ...closed], open }, "conversions")).toEqual(frame.history);
  });
  it("keeps what closed minutes gave, and is not misled when one of them changes", () => {
    const ofOpen = (conversions: number) => ({ closed, open: { ...open, conversions } });
    const [before, after] = [ofOpen(50), ofOpen(60)].map((history) => shares(settled(history, "conversions"), drawn[0]!, "conversions"));
    expect(after!.closed).toBe(before!.closed);
    expect(after!.open!.value).toBe(34.5 / 60);
    const changed = { closed: [{ ...closed[0]!, conversions: 80 }], open };
    expect(shares(changed, drawn[0]!, "conversions").closed[0]!.value).toBe(28 / 80);
  });
  it("names who moved most", () => {
    const { up, down } = movers(frame.history, drawn, "conversions");
    expect([up?.channel.id, down?.channel.id]).toEqual(["email", "search"]);
  });
});

describe("transitions", () => {
  const table = matrix(TRANSITIONS, drawn);
  it("stand in the order of the rows, the ends apart", () => {
    expect(table.rows.map(({ from }) => (typeof from === "string" ? from : from.id))).toEqual([START, "search", "email"]);
    expect(table.columns.map((to) => (typeof to === "string" ? to : to.id))).toEqual(["search", "email", CONVERSION, NULL]);
  });
  it("add up: rows to one, what enters a channel to what leaves it", () => {
    for (const row of table.rows) expect(row.cells.reduce((all, cell) => all + cell.probability!, 0)).toBeCloseTo(1, 12);
    expect(table.entered.slice(0, 2)).toEqual(table.rows.slice(1).map(({ total }) => total));
    expect(table.rows.flatMap(({ cells }) => cells).reduce((all, { count }) => all + count, 0)).toBe(
      TRANSITIONS.counts.reduce((all, [, , count]) => all + count, 0),
    );
  });
  it("tell a channel that is called like an end from the end", () => {
    const rows = channels(
      frameOf({ ...ROWS, "attribution/*/channel/all": { ...ATTRIBUTION, credits: [{ ...ATTRIBUTION.credits[0]!, state: "(null)" }] } }),
      ["(null)"], ["(null)"],
    );
    const odd = matrix({ states: ["\\(null)"], counts: [["(start)", "\\(null)", 3], ["\\(null)", "(null)", 3]] }, rows);
    expect(odd.rows.map(({ total }) => total)).toEqual([3, 3]);
    expect(odd.entered).toEqual([3, 0, 3]);
  });
  it("have eight steps of heat with fixed breaks", () => {
    expect([0, 0.007, 0.008, 0.03, 0.06, 0.09, 0.13, 0.19, 0.5].map((p) => heatStep(p))).toEqual([0, 0, 1, 2, 3, 4, 5, 6, 7]);
    expect([0.05, 0.43, 1].map((p) => heatStep(p, true))).toEqual([0, 3, 7]);
  });
  it("flow in ribbons as thick as their counts, within the height", () => {
    const { from, to, ribbons } = flow(table);
    expect(ribbons.reduce((all, { count }) => all + count, 0)).toBe(table.rows.reduce((all, { total }) => all + total, 0));
    const ratios = ribbons.map(({ height, count }) => height / count);
    expect(Math.max(...ratios)).toBeCloseTo(Math.min(...ratios), 12);
    for (const nodes of [from, to]) expect(nodes.at(-1)!.top + nodes.at(-1)!.height).toBeLessThanOrEqual(1.0000001);
  });
});

describe("sums", () => {
  it("of dispositions show what is missing", () => {
    expect(dispositionSum(DISPOSITIONS)).toMatchObject({ sum: 1000, missing: 0 });
    expect(dispositionSum({ ...DISPOSITIONS, read: 1012 }).missing).toBe(12);
  });
  it("of workers agree with the header but for rounding", () => {
    expect(workerSum(ENGINE)).toMatchObject({ agrees: true });
    expect(workerSum({ ...ENGINE, events_per_second: 2000 }).agrees).toBe(false);
  });
});

describe("the lede", () => {
  it("says what the charts show", () => {
    expect(lede(frame, drawn, "conversions")?.fact.replaceAll("\u2009", " ")).toBe("Search and email carry 92.0 % of 50 conversions; 4 followed no touch.");
    expect(lede(frame, drawn, "conversions")?.more).toContain("email +3.0 and search −1.0");
  });
  it("is honest about little", () => {
    const none = frameOf({ ...ROWS, "attribution/*/channel/all": { ...ATTRIBUTION, conversions: 0, journeys: 1 } });
    expect(lede(none, drawn, "conversions")?.fact).toBe("No conversion yet in 1 journey of all advertisers.");
    expect(lede(frameOf({ engine: ENGINE }), [], "conversions")).toBeUndefined();
  });
});

describe("the URL", () => {
  it("holds the selection, without defaults, and keeps what is not ours", () => {
    const selection = fromSearch("?scope=Acme&dimension=campaign&measure=value&window=1h");
    expect(selection).toEqual({ scope: "Acme", dimension: "campaign", measure: "value", window: "1h" });
    expect(fromSearch(toSearch(selection, "?tick=100"))).toEqual(selection);
    expect(toSearch(selection, "?tick=100")).toContain("tick=100");
    expect(toSearch(fromSearch(""), "")).toBe("?");
  });
  it("is not believed blindly", () => {
    expect(fromSearch("?dimension=campaign&window=2y&measure=joy")).toEqual(fromSearch(""));
    expect([tickFrom("?tick=100"), tickFrom("?tick=1"), tickFrom("?tick=x"), tickFrom("")]).toEqual([100, 250, 250, 250]);
  });
});

it("has one word for how the page stands", () => {
  const open = { phase: "open", since: 0 } as const;
  const at = (link: Parameters<typeof statusOf>[0]["link"], has_frame: boolean, age: number, held?: "frozen") =>
    statusOf({ link, has_frame, closed_at: 10_000 - age, held }, 10_000);
  expect(at({ phase: "connecting", since: 0 }, false, 0)).toBe("loading");
  expect([at(open, true, 4999), at(open, true, 5001)]).toEqual(["live", "stale"]);
  expect(at({ phase: "waiting", since: 0, retry_at: 0, attempt: 1 }, true, 0)).toBe("reconnecting");
  expect(at(open, true, 0, "frozen")).toBe("frozen");
  expect(at({ phase: "refused", since: 0, title: "no" }, true, 0)).toBe("error");
});
