import { describe, expect, it } from "vitest";

import { commanded } from "@/lib/keys";

const press = (key: string, more: Partial<Parameters<typeof commanded>[0]> = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  defaultPrevented: false,
  ...more,
});

describe("keys of a page", () => {
  it("are commands only alone and outside of fields", () => {
    const where = { typing: false, choosing: false };
    expect(commanded(press("j"), where)).toBe(true);
    expect(commanded(press("j", { ctrlKey: true }), where)).toBe(false);
    expect(commanded(press("j", { defaultPrevented: true }), where)).toBe(false);
    expect(commanded(press("j"), { ...where, typing: true })).toBe(false);
  });

  it("leave the arrows to a group of choices that has the focus", () => {
    expect(commanded(press("ArrowLeft"), { typing: false, choosing: true })).toBe(false);
    expect(commanded(press("j"), { typing: false, choosing: true })).toBe(true);
  });
});
