/** How numbers are written. A number is digits and a unit, so that the unit can be set in grey. */

export interface Written {
  readonly digits: string;
  readonly unit?: string;
}
export type Format = (value: number) => Written;

/** A thin space joins digits and unit. */
export const THIN = "\u2009";
const MINUS = "−";
const IN_FULL_BELOW = 10_000_000;
const formats = new Map<number, Intl.NumberFormat>();

function grouped(value: number, decimals: number): string {
  let format = formats.get(decimals);
  if (!format) {
    format = new Intl.NumberFormat("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    formats.set(decimals, format);
  }
  // What rounds to zero has no sign.
  return format.format(value).replace(/^-(?=[0.,]*$)/, "").replace("-", MINUS);
}

/** Three digits and k, M or G. */
export function short(value: number): Written {
  const steps: [number, string][] = [[1e9, "G"], [1e6, "M"], [1e3, "k"]];
  const found = steps.find(([size]) => Math.abs(value) >= size * 0.9995);
  if (!found) return { digits: grouped(value, 0) };
  const scaled = value / found[0];
  const size = Math.abs(scaled);
  return { digits: grouped(scaled, size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2), unit: found[1] };
}

/** At an axis: no more digits than the tick has. */
export function tick(value: number): string {
  const { digits, unit = "" } = value < 10_000 ? { digits: value < 1000 ? String(value) : grouped(value, 0), unit: undefined } : short(value);
  return `${digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits}${unit && THIN}${unit}`;
}

/** In full below ten million, then three digits. */
const inFull = (decimals: number): Format => (value) =>
  Math.abs(value) < IN_FULL_BELOW ? { digits: grouped(value, decimals) } : short(value);

/** All digits, for tables. */
export const exactly = (value: number): Written => ({ digits: grouped(value, Number.isInteger(value) ? 0 : 4) });
export const count = inFull(0);
/** Where a reader may want to add up. */
export const whole: Format = (value) => ({ digits: grouped(value, 0) });
/** A column of credit has one number of decimals: some where they are a part of the total that anybody would see. */
const DECIMALS_BELOW = 10_000;
const [tenths, cents] = [inFull(1), inFull(2)];
export const creditColumn = (total: number): Format => (total < DECIMALS_BELOW ? tenths : count);
export const moneyColumn = (total: number): Format => (total < DECIMALS_BELOW ? cents : count);
export function rate(value: number): Written {
  const { digits, unit = "" } = count(value);
  return { digits, unit: `${unit}/s` };
}
export const money = (value: number): Written => inFull(Math.abs(value) < 1000 ? 2 : 0)(value);
export const effect = (value: number): Written => ({ digits: grouped(value, 3) });
export const percent = (decimals: number): Format => (share) => ({ digits: grouped(share * 100, decimals), unit: "%" });
export const share = percent(1);
export const points = (difference: number): Written => {
  const digits = grouped(difference * 100, 1);
  return { digits: digits.startsWith(MINUS) || Number(digits) === 0 ? digits : `+${digits}` };
};
/** In a cell of the matrix: one decimal below 10 %, none above. */
export const cell = (share: number): string => (share * 100).toFixed(share * 100 < 9.95 ? 1 : 0);

export function milliseconds(value: number): Written {
  if (value >= 10_000) return duration(value);
  return { digits: grouped(value, value < 9.95 ? 1 : 0), unit: "ms" };
}
export function bytes(value: number): Written {
  const mebibytes = value / 2 ** 20;
  return mebibytes < 1024
    ? { digits: grouped(mebibytes, mebibytes < 10 ? 1 : 0), unit: "MiB" }
    : { digits: grouped(mebibytes / 1024, 2), unit: "GiB" };
}
/** How long, in the two largest units. */
export function duration(ms: number): Written {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return { digits: String(seconds), unit: "s" };
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return { digits: `${minutes} min ${seconds % 60} s` };
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return { digits: `${hours} h ${minutes % 60} min` };
  return { digits: `${Math.floor(hours / 24)} d ${hours % 24} h` };
}
/** How old, to a tenth of a second while it is young. */
export function age(ms: number): Written {
  return ms < 9950 ? { digits: grouped(Math.max(0, ms) / 1000, 1), unit: "s" } : duration(ms);
}

/** `20:41:07`, UTC. */
export const clock = (at_ms: number): string => new Date(at_ms).toISOString().slice(11, 19);
export const minuteOfDay = (at_ms: number): string => clock(at_ms).slice(0, 5);
export const moment = (at_ms: number): string => `${new Date(at_ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;

export const written = ({ digits, unit }: Written): string => (unit ? `${digits}${THIN}${unit}` : digits);
