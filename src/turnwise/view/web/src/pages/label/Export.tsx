/** The labels as files, one JSON object a line. */

import { Icon } from "@/parts/Icon";
import { Panel } from "@/parts/Panel";

import css from "./label.module.css";

export function Export() {
  return (
    <Panel title="Export">
      <p>
        <a href="/api/export/preferences.jsonl" download="preferences.jsonl" className={css.file}>
          <Icon name="download" /> preferences.jsonl
        </a>
        <span className={css.faint}> Choices as prompt, chosen and rejected, to learn preferences from.</span>
      </p>
      <p>
        <a href="/api/export/labels.jsonl" download="labels.jsonl" className={css.file}>
          <Icon name="download" /> labels.jsonl
        </a>
        <span className={css.faint}> Thumbs, scores and notes with what they are about.</span>
      </p>
    </Panel>
  );
}
