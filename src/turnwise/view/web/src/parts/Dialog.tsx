/** A question that must be answered first: the browser's own dialog, which keeps the focus and closes by Escape. */

import { type ReactNode, useEffect, useId, useRef } from "react";

import { IconButton } from "./Button";
import css from "./Dialog.module.css";
import { Icon } from "./Icon";

export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={ref} className={css.dialog} aria-labelledby={id} onClose={onClose}>
      <header className={css.head}>
        <h2 id={id}>{title}</h2>
        <IconButton name="Close" onClick={onClose}>
          <Icon name="close" />
        </IconButton>
      </header>
      {children}
    </dialog>
  );
}
