/** The one way to print a state: a shape and a word, never colour alone. */

import type { ReactNode } from "react";

export type Tone = "ok" | "warn" | "bad" | "idle";
export type Shape = "circle" | "triangle" | "square" | "ring" | "broken";

const SHAPES: Readonly<Record<Shape, ReactNode>> = {
  circle: <circle cx="5" cy="5" r="4.2" fill="currentColor" />,
  triangle: <path d="M5 .6 9.7 9.2H.3Z" fill="currentColor" />,
  square: <path d="M1 1h8v8H1z" fill="currentColor" />,
  ring: <circle cx="5" cy="5" r="3.6" fill="none" stroke="currentColor" strokeWidth="1.6" />,
  broken: <path d="M5 1.4A3.6 3.6 0 1 1 1.6 6.2" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" />,
};

export function Mark({ tone, shape, children }: { tone: Tone; shape: Shape; children: ReactNode }) {
  return (
    <span className="mark" data-tone={tone}>
      <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">{SHAPES[shape]}</svg>
      {children}
    </span>
  );
}
