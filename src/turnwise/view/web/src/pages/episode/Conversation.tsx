/** The middle of the page: the conversation through the eyes that were chosen. */

import { useParams } from "@/lib/query";

import { useReading } from "./context";
import css from "./episode.module.css";
import { Difference } from "./views/Difference";
import { Everyone } from "./views/Everyone";
import { RoleView } from "./views/RoleView";

export function Conversation() {
  const { roles } = useReading();
  const [params] = useParams();
  const as = known(params.get("as"), roles);
  const beside = known(params.get("with"), roles);
  return (
    <section className={css.talk} aria-label="Conversation">
      {as === undefined ? (
        <Everyone />
      ) : beside === undefined || beside === as ? (
        <RoleView key={as} role={as} />
      ) : (
        <Difference key={`${as} ${beside}`} a={as} b={beside} />
      )}
    </section>
  );
}

function known(name: string | null, roles: readonly string[]): string | undefined {
  return name !== null && roles.includes(name) ? name : undefined;
}
