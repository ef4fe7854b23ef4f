/** A table as RFC 4180, and as a file of what is shown. */

export type Value = string | number | null;

function field(value: Value): string {
  const text = value === null ? "" : String(value);
  // A spreadsheet would run text that begins like a formula.
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const csv = (rows: readonly (readonly Value[])[]): string =>
  rows.map((row) => `${row.map(field).join(",")}\r\n`).join("");

export function download(name: string, rows: readonly (readonly Value[])[]): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv(rows)], { type: "text/csv;charset=utf-8" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
