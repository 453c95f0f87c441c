/** The languages that agents write, as highlight.js grammars; loaded when code is first shown. */

import type { RootContent } from "hast";
import bash from "highlight.js/lib/languages/bash";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import markdown from "highlight.js/lib/languages/markdown";
import python from "highlight.js/lib/languages/python";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import { createLowlight } from "lowlight";

import "./highlight.css";

const lowlight = createLowlight({
  bash,
  css,
  diff,
  javascript,
  json,
  markdown,
  python,
  sql,
  typescript,
  xml,
  yaml,
});
lowlight.registerAlias({
  bash: ["shell", "console", "shell-session"],
  python: ["python3", "py3", "ipython", "tool_code"],
  xml: ["html", "svg"],
});

export function highlight(text: string, language: string): RootContent[] {
  if (!lowlight.registered(language)) return [{ type: "text", value: text }];
  return lowlight.highlight(language, text).children;
}
