/** How strongly a token is shaded, in nine steps: the steps are classes of the design, not colours made up here. */

export type Step = 0 | 1 | 2 | 3 | 4;

/** Surprise: 0 for what was all but certain, 4 for what had less than one chance in about 150. */
export function surprise(logprob: number): Step {
  const bits = -logprob;
  if (bits < 0.1) return 0;
  if (bits < 0.7) return 1;
  if (bits < 2) return 2;
  if (bits < 5) return 3;
  return 4;
}

/** The size of a credit against the largest one there is. */
export function strength(value: number, largest: number): Step {
  if (value === 0 || largest === 0) return 0;
  return Math.max(1, Math.ceil((4 * Math.abs(value)) / largest)) as Step;
}
