/** Catches what a page could not draw, and says so, instead of an empty window. */

import { Component, type ReactNode, useEffect, useRef } from "react";

import { asApiError } from "@/api/errors";
import { useConnection } from "@/api/live";
import { Failure } from "@/parts/State";

export class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: undefined };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <>
        <Failure error={asApiError(error)} retry={() => window.location.reload()} />
        <Revival />
      </>
    );
  }
}

/** Begins anew once a lost connection is back. */
function Revival() {
  const connection = useConnection();
  const lost = useRef(connection === "lost");
  useEffect(() => {
    if (connection === "lost") lost.current = true;
    else if (connection === "live" && lost.current) window.location.reload();
  }, [connection]);
  return null;
}
