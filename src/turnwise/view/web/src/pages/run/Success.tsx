/** The share of episodes solved by each turn, with its 95 % interval. */

import type { SuccessByTurn } from "@/api/types";
import { Band, type BandPoint } from "@/charts/Band";
import { count, percent, score } from "@/lib/format";
import { Panel } from "@/parts/Panel";

export function curve(solved: SuccessByTurn, to: (query: string) => string | undefined): BandPoint[] {
  return solved.points.flatMap(({ turn, share, query }) => {
    if (share.mean === null) return [];
    const low = share.low ?? share.mean;
    const high = share.high ?? share.mean;
    const label = `by turn ${turn}: ${percent(share.mean, 1)} solved (${percent(low)} to ${percent(high)})`;
    return [{ x: turn, mean: share.mean, low, high, label, href: to(query) }];
  });
}

export function Success({
  solved,
  to,
}: {
  solved: SuccessByTurn;
  to: (query: string) => string | undefined;
}) {
  const told =
    solved.told_from < solved.of ? `, told from ${count(solved.told_from)} of ${count(solved.of)}` : "";
  return (
    <Panel title="Success by turn" note={`share with a score of ${score(solved.solved)} or more${told}`}>
      <Band
        label="Share solved"
        series={[{ name: "solved", points: curve(solved, to) }]}
        xLabel="turns of the first role"
        yDomain={[0, 1]}
        yTicks={(value) => percent(value)}
      />
    </Panel>
  );
}
