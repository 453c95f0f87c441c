/** What a person can do: each is one request; what it changes is asked for anew. */

import { useMutation } from "@tanstack/react-query";

import { api, reply } from "./client";
import type { ApiError } from "./errors";
import { queries } from "./queries";
import type { components } from "./schema";
import type { Label, LabelAsk, PlayPage } from "./types";

type Schemas = components["schemas"];
type Started = Schemas["Started"];
type PlayStarted = Schemas["PlayStarted"];

export function useLabel() {
  return useMutation<Label, ApiError, LabelAsk>({
    mutationFn: (body) => reply(api.POST("/api/labels", { body })),
    onSuccess: labelsChanged,
  });
}

export function useRetract() {
  return useMutation<Label, ApiError, { label: number; annotator: string }>({
    mutationFn: ({ label, annotator }) =>
      reply(api.POST("/api/labels/{label}/retract", { params: { path: { label } }, body: { annotator } })),
    onSuccess: labelsChanged,
  });
}

export function labelsChanged(): void {
  for (const key of ["labels", "agreement", "about"]) void queries.invalidateQueries({ queryKey: [key] });
}

export function useFork() {
  return useMutation<Started, ApiError, Schemas["ForkAsk"]>({
    mutationFn: (body) => reply(api.POST("/api/forks", { body })),
    onSuccess: () => {
      for (const key of ["runs", "tree"]) void queries.invalidateQueries({ queryKey: [key] });
    },
  });
}

export function useStop() {
  return useMutation<Schemas["Stopped"], ApiError, string>({
    mutationFn: (run) => reply(api.POST("/api/runs/{run}/stop", { params: { path: { run } } })),
    onSuccess: (_, run) => void queries.invalidateQueries({ queryKey: ["run", run] }),
  });
}

export function usePlay() {
  return useMutation<PlayStarted, ApiError, Schemas["PlayAsk"]>({
    mutationFn: (body) => reply(api.POST("/api/plays", { body })),
  });
}

export function useMove(play: string) {
  return useMutation<PlayPage, ApiError, Schemas["MoveAsk"]>({
    mutationFn: (body) => reply(api.POST("/api/plays/{play}/moves", { params: { path: { play } }, body })),
    onSuccess: (page, { seat }) => void queries.setQueryData(["play", play, seat], page),
  });
}

export function useLeave(play: string) {
  return useMutation<PlayPage, ApiError, string>({
    mutationFn: (seat) =>
      reply(api.POST("/api/plays/{play}/leave", { params: { path: { play } }, body: { seat } })),
    onSuccess: (page, seat) => void queries.setQueryData(["play", play, seat], page),
  });
}
