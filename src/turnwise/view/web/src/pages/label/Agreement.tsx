/** How far annotators agree beyond chance, with an interval; and where they do not. */

import { Link } from "wouter";

import type { AgreementPage, AgreementPair } from "@/api/types";
import { count, percent } from "@/lib/format";
import { parsed, paths } from "@/lib/paths";
import { useParams } from "@/lib/query";
import { Select } from "@/parts/Field";
import { Fold } from "@/parts/Fold";
import { Panel } from "@/parts/Panel";
import { Interval } from "@/parts/Score";
import { SmallTable } from "@/parts/SmallTable";

import { type Criterion, keyOf, titleOf } from "./criterion";
import css from "./label.module.css";

export function Agreement({ page, chosen }: { page: AgreementPage; chosen: Criterion }) {
  const [, setParams] = useParams();
  const known = page.criteria.some((one) => keyOf(one) === keyOf(chosen));
  const options = page.criteria.map((one) => ({
    value: keyOf(one),
    label: `${titleOf(one)} (${one.labels})`,
  }));
  return (
    <Panel
      title="Agreement"
      note="kappa: 1 is all, 0 is what chance would bring"
      actions={
        <Select
          label="Criterion"
          quiet
          value={keyOf(chosen)}
          onChange={(event) => setParams({ criterion: event.currentTarget.value }, { replace: true })}
          options={known ? options : [{ value: keyOf(chosen), label: titleOf(chosen) }, ...options]}
        />
      }
    >
      {page.pairs.length === 0 ? (
        <p className={css.faint}>
          Two people must have judged the same things before their agreement can be told.
        </p>
      ) : (
        <>
          <SmallTable
            label="Agreement of each two annotators"
            head={["Annotators", "Both judged", "Equal", "Kappa, 95 % interval"]}
            rows={page.pairs.map((pair) => [
              `${pair.a}, ${pair.b}`,
              count(pair.items),
              percent(pair.agreement),
              <Interval key="kappa" value={pair.kappa} />,
            ])}
          />
          <p>
            Krippendorff's alpha over all: <Interval value={page.alpha} />
          </p>
          {page.pairs.map((pair) => (
            <Disagreement key={`${pair.a} ${pair.b}`} pair={pair} />
          ))}
        </>
      )}
    </Panel>
  );
}

function Disagreement({ pair }: { pair: AgreementPair }) {
  if (pair.disagree.length === 0) return null;
  return (
    <Fold title={`Where ${pair.a} and ${pair.b} differ`} note={count(pair.disagree.length)}>
      <ul className={css.list}>
        {pair.disagree.map((target) => (
          <li key={target}>
            <Target target={target} />
          </li>
        ))}
      </ul>
    </Fold>
  );
}

export function Target({ target }: { target: string }) {
  const episode = parsed(target);
  if (episode === undefined) return <Link href={paths.run(target)}>{target}</Link>;
  return (
    <Link href={paths.episode(episode, episode.turn === undefined ? {} : { turn: episode.turn })}>
      {target}
    </Link>
  );
}
