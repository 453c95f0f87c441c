/** Code in colour. The highlighter comes with the first code that is shown, and gives elements, never HTML. */

import type { RootContent } from "hast";
import { Suspense, lazy } from "react";

import { Visible } from "./Visible";
import css from "./text.module.css";

/** Beyond this many characters colour costs more than it tells. */
const MOST = 40_000;

const Coloured = lazy(async () => {
  const { highlight } = await import("./highlight");
  return {
    default: function Coloured({ text, language }: { text: string; language: string }) {
      return <Nodes nodes={highlight(text, language)} />;
    },
  };
});

export function Code({ text, language, label }: { text: string; language: string; label?: string }) {
  const bare = <Visible text={text} />;
  return (
    // A box that scrolls must be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <pre className={css.code} tabIndex={0} role="group" aria-label={label ?? `${language || "plain"} code`}>
      <code>
        {language === "" || text.length > MOST ? (
          bare
        ) : (
          <Suspense fallback={bare}>
            <Coloured text={text} language={language} />
          </Suspense>
        )}
      </code>
    </pre>
  );
}

function Nodes({ nodes }: { nodes: readonly RootContent[] }) {
  return nodes.map((node, place) => {
    if (node.type === "text") return <Visible key={place} text={node.value} />;
    if (node.type !== "element") return null;
    const names = node.properties.className;
    return (
      <span key={place} className={Array.isArray(names) ? names.join(" ") : undefined}>
        <Nodes nodes={node.children} />
      </span>
    );
  });
}
