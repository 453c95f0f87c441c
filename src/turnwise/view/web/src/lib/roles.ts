/** Each participant keeps one colour through an episode. */

/** The number of a colour (`--series-N`); 0 for the environment. */
export function roleColour(role: string, roles: readonly string[]): number {
  if (role === "environment") return 0;
  if (role === "tool") return 6;
  const place = roles.indexOf(role);
  return place < 0 ? 6 : ([1, 3, 2, 4, 5][place % 5] ?? 1);
}
