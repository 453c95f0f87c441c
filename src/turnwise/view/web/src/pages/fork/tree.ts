/** A flat list of episodes and their parents, as a tree in reading order. */

import type { TreeNode } from "@/api/types";

export interface Placed {
  readonly node: TreeNode;
  readonly depth: number;
  /** Nobody left it: an end of the tree. */
  readonly leaf: boolean;
}

export function inOrder(nodes: readonly TreeNode[]): Placed[] {
  const known = new Set(nodes.map((node) => node.episode));
  const below = new Map<string, TreeNode[]>();
  for (const node of nodes) {
    const parent = node.parent !== null && known.has(node.parent) ? node.parent : "";
    below.set(parent, [...(below.get(parent) ?? []), node]);
  }
  const placed: Placed[] = [];
  // By hand instead of by recursion: a chain of forks may be deep.
  const open = (below.get("") ?? []).map((node) => ({ node, depth: 0 })).reverse();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, depth } = next;
    const children = [...(below.get(node.episode) ?? [])].sort((a, b) => a.at - b.at);
    placed.push({ node, depth, leaf: children.length === 0 });
    for (const child of children.reverse()) open.push({ node: child, depth: depth + 1 });
  }
  return placed;
}
