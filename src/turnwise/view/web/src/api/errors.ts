/** What can go wrong between the page and its server, as one kind of error, with words for a person. */

import type { Problem } from "./types";

export class ApiError extends Error {
  readonly code: Problem["code"] | "offline";

  constructor(code: ApiError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

export function offline(): ApiError {
  return new ApiError("offline", "The server does not answer.");
}

const WORDS: Record<ApiError["code"], { title: string; hint?: string }> = {
  bad_request: { title: "That cannot be asked" },
  conflict: { title: "That does not fit how things stand" },
  failed: { title: "The server failed" },
  forbidden: { title: "Not allowed" },
  not_found: { title: "Not here", hint: "It may have been deleted, or the address is mistyped." },
  offline: {
    title: "Connection lost",
    hint: "Is `turnwise view` still running? The page goes on by itself once it is back.",
  },
  store: { title: "The store cannot be read" },
  too_large: { title: "Too large" },
  unauthorized: { title: "A token is needed", hint: "Open the address that `turnwise view` printed." },
};

export function explained(error: ApiError): { title: string; hint?: string } {
  return WORDS[error.code];
}

/** What a page must say instead of its content: a lost connection leaves standing what is there. */
export function fatal(answer: { data: unknown; error: unknown }): ApiError | undefined {
  if (answer.error === null || answer.error === undefined) return undefined;
  const error = asApiError(answer.error);
  return answer.data !== undefined && error.code === "offline" ? undefined : error;
}

/** Any thrown value as an `ApiError`. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof TypeError) return offline();
  return new ApiError("failed", error instanceof Error ? error.message : String(error));
}
