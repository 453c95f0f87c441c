/** Whose word this is. */

import { setPerson, usePerson } from "@/lib/person";

import { TextField } from "./Field";

export function Person() {
  const person = usePerson();
  return (
    <TextField
      label="Your name, as it stands with your labels"
      maxLength={100}
      defaultValue={person}
      onBlur={(event) => setPerson(event.currentTarget.value)}
    />
  );
}
