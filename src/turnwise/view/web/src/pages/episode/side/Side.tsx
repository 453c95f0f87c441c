/** What goes with the conversation: rewards, times, labels, and all that was set. */

import { useState } from "react";

import { Tabs } from "@/parts/Tabs";

import { useReading } from "../context";
import { About } from "./About";
import { Labels } from "./Labels";
import { Outline } from "./Outline";
import { Rewards } from "./Rewards";
import { State } from "./State";
import { Timing } from "./Timing";
import css from "./side.module.css";

type Name = "outline" | "state" | "rewards" | "timing" | "labels" | "about";

const TABS: readonly { name: Name; title: string }[] = [
  { name: "outline", title: "Turns" },
  { name: "state", title: "State" },
  { name: "rewards", title: "Rewards" },
  { name: "timing", title: "Time" },
  { name: "labels", title: "Labels" },
  { name: "about", title: "Set-up" },
];

export function Side({ outline }: { outline: boolean }) {
  const [chosen, setChosen] = useState<Name>(outline ? "outline" : "rewards");
  const { page } = useReading();
  // Only where tools share a state is there one to see.
  const stateful = page.notes.some((note) => note.name === "changes");
  const tabs = TABS.filter(({ name }) => (name === "outline" ? outline : name === "state" ? stateful : true));
  const name = tabs.some((tab) => tab.name === chosen) ? chosen : "rewards";
  return (
    <div className={css.side}>
      <Tabs label="More about the episode" tabs={tabs} value={name} onChange={setChosen}>
        {name === "outline" && <Outline />}
        {name === "state" && <State />}
        {name === "rewards" && <Rewards />}
        {name === "timing" && <Timing />}
        {name === "labels" && <Labels />}
        {name === "about" && <About />}
      </Tabs>
    </div>
  );
}
