/** Which page belongs to which address. */

import { Route, Switch } from "wouter";

import { Align } from "@/pages/compare/Align";
import { Compare } from "@/pages/compare/Compare";
import { Episode } from "@/pages/episode/Episode";
import { Tree } from "@/pages/fork/Tree";
import { Label } from "@/pages/label/Label";
import { Play } from "@/pages/play/Play";
import { Seat } from "@/pages/play/Seat";
import { Run } from "@/pages/run/Run";
import { Runs } from "@/pages/runs/Runs";
import { Search } from "@/pages/search/Search";
import { Page } from "@/parts/Page";
import { Empty } from "@/parts/State";
import { Boundary } from "@/shell/Boundary";
import { Shell } from "@/shell/Shell";

export function App() {
  return (
    <Shell>
      <Boundary>
        <Switch>
          <Route path="/" component={Runs} />
          <Route path="/runs/:run" component={Run} />
          <Route path="/runs/:run/episodes/:number" component={Episode} />
          <Route path="/runs/:run/episodes/:number/tree" component={Tree} />
          <Route path="/compare" component={Compare} />
          <Route path="/align" component={Align} />
          <Route path="/play" component={Play} />
          <Route path="/play/:play" component={Seat} />
          <Route path="/label" component={Label} />
          <Route path="/search" component={Search} />
          <Route>
            <Page title="No such page">
              <Empty title="Nothing is here">The address leads nowhere.</Empty>
            </Page>
          </Route>
        </Switch>
      </Boundary>
    </Shell>
  );
}
