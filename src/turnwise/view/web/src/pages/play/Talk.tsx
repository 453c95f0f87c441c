/** What this player was told and said; the newest is always in sight. */

import { useEffect, useRef } from "react";

import type { MessageShape } from "@/api/types";
import { plural } from "@/lib/format";
import { Message } from "@/parts/message/Message";

import css from "./seat.module.css";

export function Talk({ messages, earlier }: { messages: readonly MessageShape[]; earlier: number }) {
  const end = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [messages.length]);
  return (
    <div
      ref={box}
      className={css.messages}
      role="log"
      aria-label="Conversation"
      // A box that scrolls must be reachable by keyboard.
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
    >
      {earlier > 0 && <p className={css.faint}>{plural(earlier, "message")} before these</p>}
      {messages.map((message, place) => (
        <div
          key={earlier + place}
          className={css.message}
          data-own={message.role === "assistant" || undefined}
        >
          <p className={css.who}>{who(message)}</p>
          <Message message={message} />
        </div>
      ))}
      <div ref={end} />
    </div>
  );
}

function who(message: MessageShape): string {
  if (message.role === "assistant") return "you";
  return message.name ?? (message.role === "user" ? "" : message.role);
}
