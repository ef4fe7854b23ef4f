import { describe, expect, it } from "vitest";

import { chainKey, chainOf, parseMessage, WireError } from "../src/wire";
import { ATTRIBUTION, delta, hello, MINUTE_MS, ROWS, snapshot, topicsOf } from "./sample";

function rowsOf(text: string) {
  const message = parseMessage(text);
  if (message?.type !== "snapshot" && message?.type !== "delta") throw new Error("no rows");
  return message.rows;
}

describe("messages", () => {
  it("reads every row of a snapshot", () => {
    expect(topicsOf(rowsOf(snapshot(7))).sort()).toEqual(
      ["attribution", "dispositions", "engine", "history", "history", "scopes", "transitions"],
    );
  });
  it("keeps the numbers as they came", () => {
    expect(rowsOf(snapshot(7)).get("attribution/*/channel/all")).toEqual({ topic: "attribution", value: ATTRIBUTION });
  });
  it("knows a minute by its key", () => {
    const row = rowsOf(snapshot(7)).get(`history/*/channel/all/${MINUTE_MS}`);
    expect(row).toMatchObject({ topic: "history", value: { minute_ms: MINUTE_MS, conversions: 40 } });
  });
  it("reads hello, delta, heartbeat and error", () => {
    expect(parseMessage(hello())).toMatchObject({ type: "hello", heartbeat_ms: 5000, version: "0.1.0" });
    expect(parseMessage(delta(3, 4, {}, ["engine"]))).toMatchObject({ type: "delta", from_epoch: 3, removed: ["engine"] });
    const beat = { type: "heartbeat", generation: 1, epoch: 2, server_time_ms: 3, staleness_ms: 4 };
    expect(parseMessage(JSON.stringify(beat))).toMatchObject({ staleness_ms: 4 });
    expect(parseMessage('{"type":"error","title":"no"}')).toEqual({ type: "error", title: "no" });
  });
  it("passes over what it does not know", () => {
    expect(parseMessage('{"type":"weather"}')).toBeUndefined();
    expect(rowsOf(snapshot(1, { "weather/today": { rain: 1 } })).size).toBe(0);
  });
});

describe("what is not as agreed", () => {
  it("refuses what is no frame", () => {
    expect(() => parseMessage("{")).toThrow(WireError);
    expect(() => parseMessage("[]")).toThrow("a frame is not an object");
    expect(() => parseMessage('{"type":"snapshot","generation":"x"}')).toThrow("generation is not a number");
  });
  it("turns a row that cannot be read into a fault and keeps the others", () => {
    const rows = rowsOf(snapshot(1, { ...ROWS, "attribution/*/channel/all": { journeys: "many" } }));
    expect(rows.get("attribution/*/channel/all")).toEqual({ topic: "fault", of: "attribution", value: "journeys is not a number" });
    expect(rows.get("engine")?.topic).toBe("engine");
  });
  it("takes null where a number may be undefined, and nowhere else", () => {
    const credits = [{ state: "a", removal_effect: null, removal_effect_value: null, attributed_conversions: null, attributed_value: null }];
    const key = "attribution/*/channel/all";
    expect(rowsOf(snapshot(1, { [key]: { ...ATTRIBUTION, p_conversion: null, credits } })).get(key)?.topic).toBe("attribution");
    expect(rowsOf(snapshot(1, { [key]: { ...ATTRIBUTION, journeys: null } })).get(key)?.topic).toBe("fault");
  });
});

describe("keys", () => {
  it("encodes names as encodeURIComponent does, and leaves the asterisk", () => {
    expect(chainKey({ scope: "A/B Öl", dimension: "campaign", window: "24h" })).toBe("A%2FB%20%C3%96l/campaign/24h");
    expect(chainKey({ scope: "*", dimension: "channel", window: "all" })).toBe("*/channel/all");
  });
  it("finds the chain of a key", () => {
    expect(chainOf("history/A%2FB/channel/1h/60000")).toBe("A%2FB/channel/1h");
    expect(chainOf("engine")).toBeUndefined();
  });
});
