/**
 * A bar from zero. Its length is a transform, which glides without a layout, in steps of a thousandth: less than a pixel,
 * so that a bar that does not visibly move costs nothing.
 */

interface Props {
  readonly value: number | null;
  readonly max: number;
  readonly fill: string;
  readonly of?: string;
}

export function Bar({ value, max, fill, of }: Props) {
  const part = value === null || max <= 0 ? 0 : Math.max(0, value / max);
  return (
    <span className="bar" aria-hidden="true">
      <i data-key={of} data-value={value ?? "null"} style={{ background: fill, transform: `scaleX(${part.toFixed(3)})` }} />
    </span>
  );
}
