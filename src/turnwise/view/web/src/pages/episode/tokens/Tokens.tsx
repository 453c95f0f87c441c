/** The tokens of a turn, shaded by how likely each was, by what it was worth, or by whether it was sampled. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { asApiError } from "@/api/errors";
import { ask } from "@/api/queries";
import type { TokensPage, TurnShape } from "@/api/types";
import { count, score } from "@/lib/format";
import { Segmented, Select } from "@/parts/Field";
import { Failure, Loading } from "@/parts/State";

import { useReading } from "../context";
import { Strip } from "./Strip";
import { TokenFacts } from "./TokenFacts";
import css from "./tokens.module.css";

export type Shade = "logprob" | "credit" | "mask";

const SHADES: readonly { value: Shade; label: string }[] = [
  { value: "logprob", label: "Log-probability" },
  { value: "credit", label: "Credit" },
  { value: "mask", label: "Loss mask" },
];

export function Tokens({ turn }: { turn: TurnShape }) {
  const { episode } = useReading();
  const about = useQuery(ask.about());
  const [shade, setShade] = useState<Shade>("logprob");
  const [method, setMethod] = useState<string>();
  const methods = about.data?.credit ?? [];
  const credit = shade === "credit" ? (method ?? methods[0]?.name) : undefined;
  const answer = useQuery({ ...ask.tokens(episode, turn.index, credit), placeholderData: (old) => old });
  const [pointed, setChosen] = useState<number>();
  const first = answer.data?.tokens.findIndex((token) => token.sampled) ?? 0;
  const chosen = pointed ?? Math.max(0, first);
  return (
    <div className={css.view}>
      <div className={css.bar}>
        <Segmented label="Shade tokens by" value={shade} options={SHADES} onChange={setShade} />
        {shade === "credit" && (
          <Select
            label="Credit method"
            quiet
            value={credit ?? ""}
            onChange={(event) => setMethod(event.currentTarget.value)}
            options={methods.map(({ name, per }) => ({ value: name, label: `${name} (per ${per})` }))}
          />
        )}
        {answer.data && <Legend shade={shade} page={answer.data} />}
      </div>
      {answer.error && <Failure error={asApiError(answer.error)} />}
      {answer.data === undefined && !answer.error && <Loading lines={2} />}
      {answer.data?.problem != null && (
        <p className={css.problem} role="status">
          {answer.data.problem}
        </p>
      )}
      {answer.data && (
        <>
          <Strip tokens={answer.data.tokens} shade={shade} chosen={chosen} choose={setChosen} />
          <TokenFacts token={answer.data.tokens[chosen]} place={chosen} />
        </>
      )}
    </div>
  );
}

function Legend({ shade, page }: { shade: Shade; page: TokensPage }) {
  const sampled = page.tokens.filter((token) => token.sampled);
  const sum = sampled.reduce((all, token) => all + (token.logprob ?? 0), 0);
  const words = {
    logprob: `darker is less likely; sum ${score(sum)}`,
    credit: "green is above, red is below what was expected",
    mask: `${count(sampled.length)} sampled of ${count(page.tokens.length)} shown`,
  };
  return <span className={css.legend}>{words[shade]}</span>;
}
