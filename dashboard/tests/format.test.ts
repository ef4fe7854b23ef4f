import { describe, expect, it } from "vitest";

import { csv } from "../src/csv";
import * as format from "../src/format";

const said = (write: format.Format, ...values: number[]) => values.map((value) => format.written(write(value)).replaceAll(format.THIN, " "));

describe("numbers", () => {
  it("counts in full below ten million, then in three digits", () => {
    expect(said(format.count, 0, 1234, 9_999_999, 10_000_000, 4_502_188_402)).toEqual(["0", "1,234", "9,999,999", "10.0 M", "4.50 G"]);
  });
  it("shortens to three digits", () => {
    expect(said(format.short, 999, 1000, 9994, 19_640, 999_900)).toEqual(["999", "1.00 k", "9.99 k", "19.6 k", "1.00 M"]);
  });
  it("writes shares with one decimal", () => {
    expect(said(format.share, 0, 0.297, 1)).toEqual(["0.0 %", "29.7 %", "100.0 %"]);
  });
  it("writes differences with their sign, a true minus, and zero without", () => {
    expect([0.0171, -0.003, 0.0001, -0.0001].map((by) => format.points(by).digits)).toEqual(["+1.7", "−0.3", "0.0", "0.0"]);
  });
  it("drops cents where nobody reads them", () => {
    expect(said(format.money, 12.5, 999.994, 303_067.73)).toEqual(["12.50", "999.99", "303,068"]);
  });
  it("prints one decimal in cells below ten percent", () => {
    expect([0.0049, 0.0994, 0.0996, 0.4349].map(format.cell)).toEqual(["0.5", "9.9", "10", "43"]);
  });
  it("gives ticks no more digits than they have", () => {
    expect([0, 0.25, 1500, 50_000, 2_500_000].map((value) => format.tick(value).replace(format.THIN, " "))).toEqual(["0", "0.25", "1,500", "50 k", "2.5 M"]);
  });
  it("tells time in UTC and ages in the largest units", () => {
    expect(format.clock(Date.UTC(2026, 0, 2, 20, 41, 7))).toBe("20:41:07");
    expect(said(format.age, 0, 240, 14_300, 200_000)).toEqual(["0.0 s", "0.2 s", "14 s", "3 min 20 s"]);
    expect(said(format.duration, 3_661_000, 200_000_000)).toEqual(["1 h 1 min", "2 d 7 h"]);
  });
  it("measures latency and memory", () => {
    expect(said(format.milliseconds, 6.12, 320.4, 292_863)).toEqual(["6.1 ms", "320 ms", "4 min 52 s"]);
    expect(said(format.bytes, 80_000_000, 5_000_000_000)).toEqual(["76 MiB", "4.66 GiB"]);
  });
});

it("quotes what CSV must quote, and disarms formulas", () => {
  expect(csv([["a", 1.5, null], ['x,"y"', -2, "=1+1"]])).toBe('a,1.5,\r\n"x,""y""",-2,\'=1+1\r\n');
});
