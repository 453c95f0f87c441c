/** What people said of episodes, how far they agree, and the data sets that come of it. */

import { useQuery } from "@tanstack/react-query";

import { asApiError } from "@/api/errors";
import { ask } from "@/api/queries";
import { useParams } from "@/lib/query";
import { Page } from "@/parts/Page";
import { Panel } from "@/parts/Panel";
import { Person } from "@/parts/Person";
import { Empty, Failure, Loading } from "@/parts/State";

import { Agreement } from "./Agreement";
import { Export } from "./Export";
import { Recent } from "./Recent";
import { criterionOf } from "./criterion";
import css from "./label.module.css";

export function Label() {
  const [params] = useParams();
  const asked = criterionOf(params.get("criterion"));
  const answer = useQuery({
    ...ask.agreement({ kind: asked.kind, name: asked.name }),
    placeholderData: (old) => old,
  });
  return (
    <Page wide title="Labels" note="Thumbs, scores, choices and notes that people gave">
      {answer.error && <Failure error={asApiError(answer.error)} retry={() => void answer.refetch()} />}
      {answer.isPending && <Loading />}
      {answer.data && (
        <div className={css.panels}>
          {answer.data.criteria.length === 0 ? (
            <Panel title="Agreement">
              <Empty title="Nothing was judged yet">
                Open an episode and press a thumb, fill in the rubric under Labels, or choose between two side
                by side.
              </Empty>
            </Panel>
          ) : (
            <Agreement page={answer.data} chosen={asked} />
          )}
          <Export />
          <Panel title="You">
            <Person />
          </Panel>
        </div>
      )}
      <Recent />
    </Page>
  );
}
