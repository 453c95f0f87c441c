/** All that is known of one token; its place is kept, so that nothing moves as the pointer does. */

import type { TokenShape } from "@/api/types";
import { percent, score, signed } from "@/lib/format";
import { plain } from "@/lib/visible";

import css from "./tokens.module.css";

export function TokenFacts({ token, place }: { token: TokenShape | undefined; place: number }) {
  if (token === undefined) return <div className={css.facts} />;
  return (
    <div className={css.facts}>
      <p>
        <code>{token.text === null ? "?" : JSON.stringify(plain(token.text))}</code> token {place}
        {token.id !== null && <>, id {token.id}</>}
        {token.sampled ? "" : ", part of the prompt"}
        {token.logprob !== null && (
          <>
            , log-probability {score(token.logprob)} ({percent(Math.exp(token.logprob), 1)})
          </>
        )}
        {token.credit !== null && <>, credit {signed(token.credit)}</>}
      </p>
      {token.alternatives.length > 0 && (
        <p>
          Instead:{" "}
          {token.alternatives.map((other, rank) => (
            <span key={rank} className={css.other}>
              <code>{JSON.stringify(plain(other.text))}</code> {percent(Math.exp(other.logprob), 1)}
            </span>
          ))}
        </p>
      )}
    </div>
  );
}
