/** How a training went: the score of what was played and evaluated, and the numbers of its steps. */

import { useState } from "react";

import type { Learning } from "@/api/types";
import { Band, type BandPoint } from "@/charts/Band";
import { score } from "@/lib/format";
import { paths } from "@/lib/paths";
import { Select } from "@/parts/Field";
import { Panel } from "@/parts/Panel";

type Point = Learning["played"][number];

function points(all: readonly Point[], to: (query: string) => string | undefined): BandPoint[] {
  return all.flatMap(({ step, score: value, query, run }) => {
    if (value.mean === null) return [];
    const low = value.low ?? value.mean;
    const high = value.high ?? value.mean;
    const href = run === null ? to(query) : paths.run(run);
    return [{ x: step, mean: value.mean, low, high, href, label: `step ${step}: ${score(value.mean)}` }];
  });
}

export function Learned({ learning, to }: { learning: Learning; to: (query: string) => string | undefined }) {
  const series = [
    { name: "played", points: points(learning.played, to) },
    { name: "evaluated", points: points(learning.evaluated, to) },
  ];
  return (
    <>
      <Panel title="Learning" note="score by step: played, and evaluated">
        <Band
          label="Score by step"
          series={series.filter((one) => one.points.length > 0)}
          xLabel="step"
          yTicks={score}
        />
      </Panel>
      {learning.numbers.length > 0 && <Numbers learning={learning} />}
    </>
  );
}

function Numbers({ learning }: { learning: Learning }) {
  const [name, setName] = useState(learning.numbers[0]?.name ?? "");
  const chosen = learning.numbers.find((one) => one.name === name) ?? learning.numbers[0];
  const found = (chosen?.steps ?? []).flatMap((step, place) => {
    const value = chosen?.values[place];
    if (value == null) return [];
    return [{ x: step, mean: value, low: value, high: value, label: `step ${step}: ${score(value)}` }];
  });
  return (
    <Panel
      title="Numbers of the training"
      actions={
        <Select
          label="Number"
          quiet
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          options={learning.numbers.map((one) => ({ value: one.name, label: one.name }))}
        />
      }
    >
      <Band label={name} series={[{ name, points: found }]} xLabel="step" yTicks={score} />
    </Panel>
  );
}
