/** All ways that were gone from one episode: a tree of branches, of which two can be read side by side. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useParams as useRoute } from "wouter";

import { asApiError } from "@/api/errors";
import { ask } from "@/api/queries";
import { plural, score } from "@/lib/format";
import { named, parsed, paths } from "@/lib/paths";
import { plain } from "@/lib/visible";
import { Button, LinkButton } from "@/parts/Button";
import { Chip } from "@/parts/Chip";
import { Icon } from "@/parts/Icon";
import { Page } from "@/parts/Page";
import { Panel } from "@/parts/Panel";
import { Empty, Failure, Loading } from "@/parts/State";
import { StopChip } from "@/parts/Status";

import css from "./fork.module.css";
import { type Placed, inOrder } from "./tree";

export function Tree() {
  const { run = "", number = "" } = useRoute();
  const episode = { run, number: Number(number) };
  const answer = useQuery(ask.tree(episode));
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const toggle = (name: string) =>
    setChosen((now) => (now.includes(name) ? now.filter((one) => one !== name) : [...now, name].slice(-2)));
  const [a, b] = chosen;
  return (
    <Page
      title="Branches"
      crumbs={[
        { text: "Runs", href: paths.runs() },
        { text: run, href: paths.run(run) },
        { text: `Episode ${number}`, href: paths.episode(episode) },
      ]}
      note={answer.data && <span>from {answer.data.root}</span>}
      actions={
        a !== undefined && b !== undefined ? (
          <LinkButton to={paths.align(a, b)} tone="primary" icon={<Icon name="compare" />}>
            Read side by side
          </LinkButton>
        ) : (
          <Button disabled icon={<Icon name="compare" />}>
            Choose two to read side by side
          </Button>
        )
      }
    >
      {answer.error && <Failure error={asApiError(answer.error)} retry={() => void answer.refetch()} />}
      {answer.isPending && <Loading />}
      {answer.data && answer.data.nodes.length <= 1 && (
        <Empty title="No branches yet">
          Press f at a turn of the episode, or its fork sign, to go on another way from there.
        </Empty>
      )}
      {answer.data && answer.data.nodes.length > 0 && (
        <Panel title="Tree" note={plural(answer.data.nodes.length, "episode")}>
          <ul className={css.rows}>
            {inOrder(answer.data.nodes).map((placed) => (
              <Row
                key={placed.node.episode}
                placed={placed}
                here={placed.node.episode === named(episode)}
                chosen={chosen.includes(placed.node.episode)}
                toggle={toggle}
              />
            ))}
          </ul>
        </Panel>
      )}
    </Page>
  );
}

function Row({
  placed: { node, depth, leaf },
  here,
  chosen,
  toggle,
}: {
  placed: Placed;
  here: boolean;
  chosen: boolean;
  toggle: (name: string) => void;
}) {
  const episode = parsed(node.episode) ?? { run: node.episode, number: 0 };
  return (
    <li className={css.row} aria-current={here ? "true" : undefined}>
      <input
        type="checkbox"
        aria-label={`Choose ${node.episode}`}
        checked={chosen}
        onChange={() => toggle(node.episode)}
      />
      <div className={css.branch}>
        {Array.from({ length: Math.min(depth, 12) }, (_, place) => (
          <span key={place} className={css.rail} aria-hidden="true" />
        ))}
        <div className={css.what}>
          <Link href={paths.episode(episode, depth === 0 ? {} : { turn: node.at })}>
            {depth === 0 ? node.episode : `${node.episode}, from turn ${node.at}`}
          </Link>
          {node.says !== null && (
            <span className={css.says}>
              {node.edited && "edited: "}
              {plain(node.says)}
            </span>
          )}
        </div>
      </div>
      <div className={css.facts}>
        {Object.entries(node.agents).map(([role, agent]) => (
          <Chip key={role}>
            {role}: {agent}
          </Chip>
        ))}
        {leaf && <Chip tone="accent">leaf</Chip>}
        <span>{plural(node.turns, "turn")}</span>
        {node.live ? <Chip tone="accent">live</Chip> : <StopChip stop={node.stop} />}
        <strong className="num">{score(node.score)}</strong>
      </div>
    </li>
  );
}
