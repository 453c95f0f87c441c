/** One episode, turn by turn. The address says which turn and through whose eyes: it can be sent to somebody. */

import { useQuery } from "@tanstack/react-query";
import { useParams as useRoute } from "wouter";

import { fatal } from "@/api/errors";
import { useWatched } from "@/api/live";
import { type EpisodeRef, ask } from "@/api/queries";
import { named, paths } from "@/lib/paths";
import { Page } from "@/parts/Page";
import { Failure, Loading } from "@/parts/State";

import { Reader } from "./Reader";

export function Episode() {
  const { run = "", number = "" } = useRoute();
  const episode: EpisodeRef = { run, number: Number(number) };
  const answer = useQuery(ask.episode(episode));
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
