/** Through whose eyes: everyone's, one role's (what its model was shown), or two roles' side by side. */

import { useParams } from "@/lib/query";
import { Select } from "@/parts/Field";

import { useReading } from "./context";
import css from "./head.module.css";

export function ViewSwitch() {
  const { roles, page } = useReading();
  const [params, setParams] = useParams();
  const as = params.get("as") ?? "";
  const others = roles.filter((role) => role !== as);
  const rewritten = new Set(page.roles.filter((role) => role.rewritten).map((role) => role.name));
  return (
    <div className={css.switch}>
      <Select
        label="Seen by"
        quiet
        value={as}
        onChange={(event) =>
          setParams({ as: event.currentTarget.value, with: "", call: "" }, { replace: true })
        }
        options={[
          { value: "", label: "Seen by everyone" },
          ...roles.map((role) => ({
            value: role,
            label: rewritten.has(role) ? `Seen by ${role} (rewritten)` : `Seen by ${role}`,
          })),
        ]}
      />
      {as !== "" && others.length > 0 && (
        <Select
          label="Beside"
          quiet
          value={params.get("with") ?? ""}
          onChange={(event) => setParams({ with: event.currentTarget.value }, { replace: true })}
          options={[
            { value: "", label: "beside what happened" },
            ...others.map((role) => ({ value: role, label: `beside ${role}` })),
          ]}
        />
      )}
    </div>
  );
}
