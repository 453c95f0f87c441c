/** How the run was set up, exactly: its configuration and where it came from. */

import type { RunPage } from "@/api/types";
import { Fold } from "@/parts/Fold";
import { Panel } from "@/parts/Panel";
import { Json } from "@/parts/text/Json";

export function Settings({ page }: { page: RunPage }) {
  return (
    <Panel title="Set-up">
      <Fold title="Configuration">
        <Json value={page.config} label="Configuration" />
      </Fold>
      <Fold title="Provenance" note="versions, machine, commit">
        <Json value={page.provenance} label="Provenance" />
      </Fold>
    </Panel>
  );
}
