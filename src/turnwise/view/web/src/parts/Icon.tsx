/** The few pictures the page needs, drawn as lines of one weight. */

import css from "./Icon.module.css";

const PATHS = {
  sun: "M12 4V2m0 20v-2m8-8h2M2 12h2m13.7-5.700 1.400-1.400M4.900 19.100l1.400-1.400m11.400 0 1.400 1.400M4.900 4.900l1.400 1.400M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0Z",
  moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500Z",
  auto: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm0 0v18",
  search: "m20 20-4.500-4.500M17 10.500a6.500 6.500 0 1 1-13 0 6.500 6.500 0 0 1 13 0Z",
  left: "m14.500 6-6 6 6 6",
  right: "m9.500 6 6 6-6 6",
  up: "m6 14.500 6-6 6 6",
  down: "m6 9.500 6 6 6-6",
  close: "m6 6 12 12M18 6 6 18",
  fork: "M7 4v16M7 12h4a6 6 0 0 0 6-6V4m-3 3 3-3 3 3",
  play: "M8 5v14l11-7L8 5Z",
  pause: "M8 5v14m8-14v14",
  stop: "M6 6h12v12H6V6Z",
  up_thumb:
    "M7 11v9H4v-9h3Zm0 0 4-8a2.500 2.500 0 0 1 2.500 2.500V9h5a2 2 0 0 1 2 2.300l-1.200 7A2 2 0 0 1 17.300 20H7",
  down_thumb:
    "M17 13V4h3v9h-3Zm0 0-4 8a2.500 2.500 0 0 1-2.500-2.500V15h-5a2 2 0 0 1-2-2.300l1.200-7A2 2 0 0 1 6.700 4H17",
  tag: "M4 4h7l9 9-7 7-9-9V4Zm4 4h.01",
  note: "M5 4h14v12l-4 4H5V4Zm10 16v-4h4M8.500 9h7m-7 4h4",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1m2 4a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  eye_off:
    "M4 4l16 16M9.500 5.500A9 9 0 0 1 21 12a10 10 0 0 1-2.500 3.300M6.500 7.500A10.500 10.500 0 0 0 3 12c2 4 5.500 6 9 6a9 9 0 0 0 3.500-.700",
  filter: "M4 6h16M7 12h10m-7 6h4",
  download: "M12 4v11m-4.500-4 4.500 4.500 4.500-4.500M5 20h14",
  compare: "M9 4v16M15 4v16M5 8h4M15 8h4M5 16h4m6 0h4",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className={css.icon} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
