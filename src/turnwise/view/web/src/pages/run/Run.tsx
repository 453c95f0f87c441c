/** One run: how it went as a whole, and its episodes. Every point of a chart leads to the episodes behind it. */

import { useQuery } from "@tanstack/react-query";
import { useParams as useRoute } from "wouter";

import { fatal } from "@/api/errors";
import { useStop } from "@/api/mutations";
import { ask } from "@/api/queries";
import type { RunPage } from "@/api/types";
import { when } from "@/lib/format";
import { paths } from "@/lib/paths";
import { Button, LinkButton } from "@/parts/Button";
import { Icon } from "@/parts/Icon";
import { Page } from "@/parts/Page";
import { Failure, Loading } from "@/parts/State";
import { RunStatus } from "@/parts/Status";
import { Tags } from "@/parts/Tags";

import { Charts } from "./Charts";
import { Children } from "./Children";
import { Grid } from "./Grid";
import { Settings } from "./Settings";
import { Summary } from "./Summary";

const CRUMBS = [{ text: "Runs", href: paths.runs() }];

export function Run() {
  const { run = "" } = useRoute();
  const answer = useQuery(ask.run(run));
  const error = fatal(answer);
  if (answer.data === undefined || error) {
    return (
      <Page title={run} crumbs={CRUMBS}>
        {error ? <Failure error={error} retry={() => void answer.refetch()} /> : <Loading lines={14} />}
      </Page>
    );
  }
  const page = answer.data;
  return (
    <Page wide title={run} crumbs={CRUMBS} note={<Note page={page} />} actions={<Actions page={page} />}>
      <Summary run={page.run} />
      <Charts page={page} />
      <Grid run={run} stops={page.stops} />
      <Children runs={page.children} />
      <Settings page={page} />
    </Page>
  );
}

function Note({ page: { run } }: { page: RunPage }) {
  const agents = Object.entries(run.agents);
  return (
    <>
      <RunStatus status={run.status} />
      <span>
        {run.kind === "run" ? "" : `${run.kind} of `}
        {run.environment}
      </span>
      <span>
        {agents.map(([role, agent]) => (agents.length === 1 ? agent : `${role}: ${agent}`)).join(", ")}
      </span>
      <span>begun {when(new Date(run.created * 1000))}</span>
      {run.parent !== null && <span>from {run.parent}</span>}
      <Tags target={run.id} />
    </>
  );
}

function Actions({ page: { run } }: { page: RunPage }) {
  const stop = useStop();
  const base = run.kind === "judge" ? undefined : run.parent?.replace(/(?:\/\d+)?@\d+$/u, "");
  return (
    <>
      {base !== undefined && (
        <LinkButton to={paths.compare([base, run.id])} icon={<Icon name="compare" />}>
          Compare with its parent
        </LinkButton>
      )}
      {run.here && run.status === "running" && (
        <Button icon={<Icon name="stop" />} disabled={stop.isPending} onClick={() => stop.mutate(run.id)}>
          Stop
        </Button>
      )}
    </>
  );
}
