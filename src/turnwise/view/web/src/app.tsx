/** Which page belongs to which address. Pages come as they are needed. */

import { type ComponentType, Suspense, lazy } from "react";
import { Route, Switch } from "wouter";

import { offline } from "@/api/errors";
import { Page } from "@/parts/Page";
import { Empty, Loading } from "@/parts/State";
import { Boundary } from "@/shell/Boundary";
import { Shell } from "@/shell/Shell";

/** A page that cannot be loaded is a server that cannot be reached. */
const page = <Name extends string>(load: () => Promise<Record<Name, ComponentType>>, name: Name) =>
  lazy(async () => {
    try {
      return { default: (await load())[name] };
    } catch {
      throw offline();
    }
  });

const Runs = page(() => import("@/pages/runs/Runs"), "Runs");
const Run = page(() => import("@/pages/run/Run"), "Run");
const Episode = page(() => import("@/pages/episode/Episode"), "Episode");
const Tree = page(() => import("@/pages/fork/Tree"), "Tree");
const Compare = page(() => import("@/pages/compare/Compare"), "Compare");
const Align = page(() => import("@/pages/compare/Align"), "Align");
const Play = page(() => import("@/pages/play/Play"), "Play");
const Seat = page(() => import("@/pages/play/Seat"), "Seat");
const Label = page(() => import("@/pages/label/Label"), "Label");
const Search = page(() => import("@/pages/search/Search"), "Search");

export function App() {
  return (
    <Shell>
      <Boundary>
        <Suspense fallback={<Loading lines={12} />}>
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
        </Suspense>
      </Boundary>
    </Shell>
  );
}
