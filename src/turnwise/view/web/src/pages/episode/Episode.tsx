/** One episode, turn by turn. The address says which turn and through whose eyes: it can be sent to somebody. */

import { usePrefetchQuery, useQuery } from "@tanstack/react-query";
import { useParams as useRoute } from "wouter";

import { fatal } from "@/api/errors";
import { useWatched } from "@/api/live";
import { type EpisodeRef, ask } from "@/api/queries";
import { named, paths } from "@/lib/paths";
import { useParams } from "@/lib/query";
import { Page } from "@/parts/Page";
import { Failure, Loading } from "@/parts/State";

import { Reader } from "./Reader";
import { SIZE, beginOf } from "./views/size";

export function Episode() {
  const { run = "", number = "" } = useRoute();
  const episode: EpisodeRef = { run, number: Number(number) };
  const answer = useQuery(ask.episode(episode));
  // The turns in sight come at once with the outline, not after it.
  const [params] = useParams();
  const turn = Number(params.get("turn") ?? 0);
  usePrefetchQuery(ask.turns(episode, beginOf(Number.isInteger(turn) && turn > 0 ? turn : 0), SIZE));
  useWatched("episode", named(episode));
  const error = fatal(answer);
  if (answer.data !== undefined && !error) {
    return <Reader key={named(episode)} episode={episode} page={answer.data} />;
  }
  return (
    <Page
      title={`Episode ${number}`}
      crumbs={[
        { text: "Runs", href: paths.runs() },
        { text: run, href: paths.run(run) },
      ]}
    >
      {error ? <Failure error={error} retry={() => void answer.refetch()} /> : <Loading lines={14} />}
    </Page>
  );
}
