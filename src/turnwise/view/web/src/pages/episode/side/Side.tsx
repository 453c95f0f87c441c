/** What goes with the conversation: rewards, times, labels, and all that was set. */

import { useState } from "react";

import { Tabs } from "@/parts/Tabs";

import { About } from "./About";
import { Labels } from "./Labels";
import { Outline } from "./Outline";
import { Rewards } from "./Rewards";
import { Timing } from "./Timing";
import css from "./side.module.css";

type Name = "outline" | "rewards" | "timing" | "labels" | "about";

const TABS: readonly { name: Name; title: string }[] = [
  { name: "outline", title: "Turns" },
  { name: "rewards", title: "Rewards" },
  { name: "timing", title: "Time" },
  { name: "labels", title: "Labels" },
  { name: "about", title: "Set-up" },
];

export function Side({ outline }: { outline: boolean }) {
  const [chosen, setChosen] = useState<Name>(outline ? "outline" : "rewards");
  const tabs = outline ? TABS : TABS.slice(1);
  const name = tabs.some((tab) => tab.name === chosen) ? chosen : "rewards";
  return (
    <div className={css.side}>
      <Tabs label="More about the episode" tabs={tabs} value={name} onChange={setChosen}>
        {name === "outline" && <Outline />}
        {name === "rewards" && <Rewards />}
        {name === "timing" && <Timing />}
        {name === "labels" && <Labels />}
        {name === "about" && <About />}
      </Tabs>
    </div>
  );
}
