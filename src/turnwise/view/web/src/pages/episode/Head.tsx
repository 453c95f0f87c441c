/** The head of an episode: which it is, how it ended, the way to its neighbours, whose eyes to see through. */

import { Link } from "wouter";

import { count, duration, money, plural, score, words } from "@/lib/format";
import { useRoom } from "@/lib/media";
import { named, parsed, paths } from "@/lib/paths";
import { useParams } from "@/lib/query";
import { Chip } from "@/parts/Chip";
import { Icon } from "@/parts/Icon";
import { StopChip } from "@/parts/Status";
import { Tags } from "@/parts/Tags";
import { Thumbs } from "@/parts/Thumbs";

import { Find } from "./Find";
import { ViewSwitch } from "./ViewSwitch";
import { useReading } from "./context";
import css from "./head.module.css";
import { useNeighbours } from "./keys";

export function Head() {
  const reading = useReading();
  const { episode, page } = reading;
  const { line } = page;
  const room = useRoom();
  return (
    <header className={css.head}>
      <div className={css.titles}>
        <Way />
        <h1 className={css.title}>
          Episode {episode.number} <span className={css.task}>{line.task}</span>
        </h1>
        <div className={css.facts}>
          {page.live && <Chip tone="accent">live</Chip>}
          {!page.live && <StopChip stop={line.stop} detail={line.detail} />}
          {line.detail !== null && <span>{words(line.detail)}</span>}
          <span>
            score <strong>{score(line.score)}</strong>
          </span>
          <span>{plural(page.turns.length, "turn")}</span>
          <span>{duration(line.seconds)}</span>
          {page.spent.output > 0 && (
            <span>
              {count(page.spent.input)} + {count(page.spent.output)} tokens
            </span>
          )}
          {page.spent.cost > 0 && <span>cost {money(page.spent.cost)}</span>}
          <Origin />
        </div>
      </div>
      {room > 1 && <Tools />}
      <div className={css.lens}>
        <ViewSwitch />
        <Find />
      </div>
    </header>
  );
}

/** What one can do with the episode as a whole; on a phone it stands among the details. */
export function Tools() {
  const { episode, page } = useReading();
  const apart = useRoom() === 1;
  return (
    <div className={css.tools} data-apart={apart ? "" : undefined}>
      <Thumbs target={named(episode)} what={`episode ${episode.number}`} />
      <Tags target={named(episode)} />
      <Link className={css.tree} href={paths.tree(episode)}>
        <Icon name="fork" /> {page.forks > 0 ? plural(page.forks, "fork") : "Forks"}
      </Link>
    </div>
  );
}

function Origin() {
  const { page } = useReading();
  const parent = page.parent === null ? undefined : parsed(page.parent);
  if (parent === undefined) return null;
  const { turn = 0, ...episode } = parent;
  return (
    <span>
      forked from{" "}
      <Link href={paths.episode(episode, { turn })}>
        {episode.run}/{episode.number}, turn {turn}
      </Link>
    </span>
  );
}

function Way() {
  const reading = useReading();
  const [params] = useParams();
  const filter = params.get("in") ?? "";
  const { previous, next, place, total } = useNeighbours(reading, filter);
  const { run } = reading.episode;
  return (
    <nav className={css.way} aria-label="Where this is">
      <Link href={paths.runs()}>Runs</Link>
      <span aria-hidden="true">/</span>
      <Link href={paths.run(run, filter)}>{run}</Link>
      <span className={css.steps}>
        <Step to={previous} name="Previous episode (←)" icon="left" />
        <Step to={next} name="Next episode (→)" icon="right" />
        {place !== null && total !== null && (
          <span>
            {count(place + 1)} of {count(total)} that fit
          </span>
        )}
      </span>
    </nav>
  );
}

function Step({ to, name, icon }: { to: string | undefined; name: string; icon: "left" | "right" }) {
  if (to === undefined) {
    return (
      <span className={css.step} data-off="">
        <Icon name={icon} />
      </span>
    );
  }
  return (
    <Link href={to} className={css.step} title={name} aria-label={name}>
      <Icon name={icon} />
    </Link>
  );
}
