/** A channel's colour. */

export function colour(slot: number): string {
  return slot === 0 ? "var(--ink-4)" : `var(--cat-${slot})`;
}

export function Swatch({ slot }: { slot: number }) {
  return <i className="swatch" style={{ background: colour(slot) }} />;
}
