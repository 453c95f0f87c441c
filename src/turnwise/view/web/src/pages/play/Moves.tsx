/** What the player may do now: choose, say something, or call a tool. */

import { useState } from "react";

import { useMove } from "@/api/mutations";
import type { PlayPage, ToolShape } from "@/api/types";
import { useKeys } from "@/lib/keys";
import { Button } from "@/parts/Button";
import { Fold } from "@/parts/Fold";
import { TextArea, TextField } from "@/parts/Field";
import { Json } from "@/parts/text/Json";

import css from "./seat.module.css";

/** More choices than this get a field to find one. */
const MANY = 24;

export function Moves({ page, seat }: { page: PlayPage; seat: string }) {
  const move = useMove(page.play);
  const ready = page.state === "yours" && page.ordinal !== null && !move.isPending;
  const ordinal = page.ordinal ?? 0;
  return (
    <div className={css.moves}>
      {page.choices.length > 0 && (
        <Choices
          choices={page.choices}
          ready={ready}
          choose={(action) => move.mutate({ seat, ordinal, action })}
        />
      )}
      {page.text && <Words ready={ready} say={(text) => move.mutate({ seat, ordinal, text })} />}
      {page.tools.map((tool) => (
        <Tool
          key={tool.name}
          tool={tool}
          ready={ready}
          call={(args) => move.mutate({ seat, ordinal, tool: tool.name, arguments: args })}
        />
      ))}
      {move.error && (
        <p role="alert" className={css.error}>
          {move.error.message}
        </p>
      )}
    </div>
  );
}

function Choices({
  choices,
  ready,
  choose,
}: {
  choices: PlayPage["choices"];
  ready: boolean;
  choose: (action: number) => void;
}) {
  const [text, setText] = useState("");
  const wanted = text.toLowerCase();
  const shown = choices.filter((choice) => choice.label.toLowerCase().includes(wanted));
  // The first nine have a key each.
  useKeys(
    Object.fromEntries(
      shown.slice(0, 9).map((choice, place) => [
        String(place + 1),
        () => {
          if (ready) choose(choice.id);
        },
      ]),
    ),
  );
  return (
    <div className={css.choices}>
      {choices.length > MANY && (
        <TextField
          label="Find a move"
          type="search"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      )}
      <div className={css.buttons} role="group" aria-label="Moves">
        {shown.map((choice, place) => (
          <Button key={choice.id} disabled={!ready} onClick={() => choose(choice.id)}>
            {choice.label}
            {place < 9 && <kbd className={css.key}>{place + 1}</kbd>}
          </Button>
        ))}
      </div>
    </div>
  );
}

function Words({ ready, say }: { ready: boolean; say: (text: string) => void }) {
  const [text, setText] = useState("");
  const send = () => {
    if (ready && text.trim() !== "") say(text);
  };
  return (
    <form
      className={css.words}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <TextArea
        label="What you say"
        rows={2}
        value={text}
        hint="Enter says it, Shift+Enter begins a new line."
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      <Button type="submit" tone="primary" disabled={!ready || text.trim() === ""}>
        Say it
      </Button>
    </form>
  );
}

function Tool({ tool, ready, call }: { tool: ToolShape; ready: boolean; call: (args: string) => void }) {
  const [text, setText] = useState("{}");
  return (
    <Fold title={<code>{tool.name}</code>} note={tool.description}>
      <div className={css.words}>
        <TextArea
          label="Arguments, as JSON"
          rows={3}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Button disabled={!ready} onClick={() => call(text)}>
          Call
        </Button>
      </div>
      <Json value={tool.parameters} label={`Parameters of ${tool.name}`} />
    </Fold>
  );
}
