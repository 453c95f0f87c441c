/** The typed client. A reply is data, or an `ApiError` is thrown; nothing in between. */

import createClient from "openapi-fetch";

import { ApiError, asApiError, offline } from "./errors";
import type { paths } from "./schema";
import type { Problem } from "./types";

export const api = createClient<paths>({ baseUrl: window.location.origin });

interface Outcome<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

export async function reply<Data>(asked: Promise<Outcome<Data>>): Promise<Data> {
  let outcome: Outcome<Data>;
  try {
    outcome = await asked;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw asApiError(error);
  }
  if (outcome.data !== undefined) return outcome.data;
  const { error } = outcome;
  if (isProblem(error)) throw new ApiError(error.code, error.message);
  if (outcome.response.status >= 502) throw offline();
  throw new ApiError("failed", `the server answered ${outcome.response.status}`);
}

function isProblem(error: unknown): error is Problem {
  return typeof error === "object" && error !== null && "code" in error && "message" in error;
}
