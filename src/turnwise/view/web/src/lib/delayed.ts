/** A text that is shown at once and told on after a pause in typing. */

import { useEffect, useEffectEvent, useState } from "react";

export function useDelayed(
  value: string,
  tell: (value: string) => void,
  pause = 250,
): [string, (text: string) => void] {
  const [text, setText] = useState(value);
  const [told, setTold] = useState(value);
  // The value was changed elsewhere, by a link or a button.
  if (value !== told) {
    setTold(value);
    setText(value);
  }
  const send = useEffectEvent(() => tell(text));
  useEffect(() => {
    if (text === value) return undefined;
    const timer = setTimeout(send, pause);
    return () => clearTimeout(timer);
  }, [text, value, pause]);
  return [text, setText];
}
