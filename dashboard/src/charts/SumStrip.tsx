/** A whole and, magnified under it, what is left of it. */

interface Part {
  readonly name: string;
  readonly count: number;
  readonly fill: string;
}

function Strip({ parts, total }: { parts: readonly Part[]; total: number }) {
  return (
    <span className="strip">
      {parts.map(({ name, count, fill }) => (
        <i key={name} data-key={`strip/${name}`} data-value={count} style={{ flexGrow: total === 0 ? 0 : count / total, background: fill }} />
      ))}
    </span>
  );
}

export function SumStrip({ whole, parts }: { whole: Part; parts: readonly Part[] }) {
  const rest = parts.reduce((sum, part) => sum + part.count, 0);
  const total = whole.count + rest;
  const from = total === 0 ? 100 : (whole.count / total) * 100;
  return (
    <span className="strips" aria-hidden="true">
      <Strip parts={[whole, ...parts]} total={total} />
      <svg viewBox="0 0 100 10" preserveAspectRatio="none">
        {rest > 0 && <path d={`M${from} 0H100V10H0Z`} fill="var(--well)" />}
      </svg>
      <Strip parts={parts} total={rest} />
    </span>
  );
}
