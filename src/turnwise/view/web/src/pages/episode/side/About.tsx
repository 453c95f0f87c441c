/** All that was set: task, environment, who played, tools, what went wrong, the log itself. */

import { duration, plural, score } from "@/lib/format";
import { Fold } from "@/parts/Fold";
import { Panel } from "@/parts/Panel";
import { SmallTable } from "@/parts/SmallTable";
import { Code } from "@/parts/text/Code";
import { Json } from "@/parts/text/Json";

import { useReading } from "../context";
import css from "./side.module.css";

export function About() {
  const { page, episode } = useReading();
  const log = `/api/runs/${encodeURIComponent(episode.run)}/episodes/${episode.number}/log`;
  return (
    <div className={css.stack}>
      {page.failure && (
        <Panel title="What went wrong">
          <p className={css.failed}>
            <strong>{page.failure.type}</strong>: {page.failure.message}
          </p>
          <Fold title="Traceback">
            <Code text={page.failure.traceback} language="" label="Traceback" />
          </Fold>
        </Panel>
      )}
      <Panel title="Task">
        <Json value={page.task} label="Task" />
      </Panel>
      <Panel title="Participants">
        <SmallTable
          label="Participants"
          head={["Role", "Agent", "Score", "Turns", "Calls"]}
          rows={page.roles.map((role) => [
            role.name,
            role.agent ?? "",
            score(role.score),
            String(role.turns),
            String(role.calls),
          ])}
        />
      </Panel>
      <Panel title="Environment" note={page.environment}>
        <Fold title="Settings">
          <Json value={page.settings} label="Settings" />
        </Fold>
        <p className={css.faint}>
          epoch {page.epoch}, seed {page.seed}, {duration(page.line.seconds)}
        </p>
        <a href={log} download={`${episode.run}-${episode.number}.json`}>
          Download the log
        </a>
      </Panel>
      {page.tools.length > 0 && (
        <Panel title="Tools" note={plural(page.tools.length, "tool")}>
          {page.tools.map((tool) => (
            <Fold key={tool.name} title={<code>{tool.name}</code>} note={tool.description}>
              <Json value={tool.parameters} label={`Parameters of ${tool.name}`} />
            </Fold>
          ))}
        </Panel>
      )}
      {page.notes.some((note) => note.turn === null) && (
        <Panel title="Notes of the environment">
          {page.notes
            .filter((note) => note.turn === null)
            .map((note, place) => (
              <Json key={place} value={{ [note.name]: note.value }} label={note.name} />
            ))}
        </Panel>
      )}
    </div>
  );
}
