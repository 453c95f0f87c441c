/** A player's place: what was said to them, how things stand, and what they may do now. */

import { useQuery } from "@tanstack/react-query";
import { Link, useParams as useRoute } from "wouter";
import { useHistoryState } from "wouter/use-browser-location";

import { asApiError } from "@/api/errors";
import { useWatched } from "@/api/live";
import { useLeave } from "@/api/mutations";
import { ask } from "@/api/queries";
import type { PlayPage } from "@/api/types";
import { plural, score, words } from "@/lib/format";
import { paths } from "@/lib/paths";
import { useParams } from "@/lib/query";
import { Button, LinkButton } from "@/parts/Button";
import { Chip } from "@/parts/Chip";
import { Page, useTitle } from "@/parts/Page";
import { Empty, Failure, Loading } from "@/parts/State";

import { Invite, type Invited } from "./Invite";
import { Moves } from "./Moves";
import { Talk } from "./Talk";
import css from "./seat.module.css";

export function Seat() {
  const { play = "" } = useRoute();
  const [params] = useParams();
  const seat = params.get("seat") ?? "";
  const answer = useQuery({ ...ask.play(play, seat), enabled: seat !== "" });
  useWatched("play", play);
  if (answer.data) return <Table page={answer.data} seat={seat} />;
  return (
    <Page title="Play">
      {seat === "" ? (
        <Empty title="Whose seat is this?">
          The address of a play names a seat: ask whoever invited you.
        </Empty>
      ) : answer.error ? (
        <Failure error={asApiError(answer.error)} retry={() => void answer.refetch()} />
      ) : (
        <Loading />
      )}
    </Page>
  );
}

function Table({ page, seat }: { page: PlayPage; seat: string }) {
  useTitle(`${page.state === "yours" ? "Your move: " : ""}${page.environment}`);
  const invited = useHistoryState<readonly Invited[] | null>() ?? [];
  const leave = useLeave(page.play);
  return (
    <div className={css.page}>
      <header className={css.head}>
        <div>
          <h1 className={css.title}>{page.environment}</h1>
          <p className={css.facts}>
            <span>
              you are <strong>{page.role}</strong>
            </span>
            <State page={page} />
          </p>
        </div>
        {page.state !== "ended" && (
          <Button tone="danger" disabled={leave.isPending} onClick={() => leave.mutate(seat)}>
            Leave, which ends it
          </Button>
        )}
      </header>
      {invited.length > 0 && page.state !== "ended" && (
        <Invite play={page.play} seats={invited} people={page.people} />
      )}
      <div className={css.table} data-picture={page.picture === null ? undefined : ""}>
        {page.picture !== null && (
          <div className={css.picture}>
            <img src={page.picture} alt="How things stand" />
          </div>
        )}
        <div className={css.talk}>
          <Talk messages={page.messages} earlier={page.earlier} />
          {page.state === "ended" ? (
            <End page={page} />
          ) : (
            <Moves key={page.ordinal} page={page} seat={seat} />
          )}
        </div>
      </div>
    </div>
  );
}

function State({ page }: { page: PlayPage }) {
  if (page.state === "yours") return <Chip tone="good">your move</Chip>;
  if (page.state === "waiting") return <Chip>waiting for somebody else</Chip>;
  if (page.state === "starting") return <Chip>starting</Chip>;
  return <Chip>over</Chip>;
}

function End({ page }: { page: PlayPage }) {
  return (
    <div className={css.end} role="status">
      <p className={css.result}>
        {page.failure ?? words(page.detail ?? page.stop ?? "over")}
        {page.score !== null && (
          <>
            , score <strong>{score(page.score)}</strong>
          </>
        )}
      </p>
      <p className={css.facts}>{plural(page.messages.length + page.earlier, "message")}</p>
      <div className={css.buttons}>
        <LinkButton to={paths.episode({ run: page.run, number: page.episode })} tone="primary">
          Read the episode
        </LinkButton>
        <Link href={`${paths.play()}?environment=${encodeURIComponent(page.environment)}`}>Play again</Link>
      </div>
    </div>
  );
}
