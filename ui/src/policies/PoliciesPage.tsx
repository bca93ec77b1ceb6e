/** The audiences, and what policy gives each of them of a column. */
import { getRouteApi } from "@tanstack/react-router";
import { useQuery } from "urql";
import { WhoGetsWhat } from "../asset/ColumnDetails";
import { AudiencesDocument } from "../gql/graphql";
import { Badge, Empty, PageHead, Problem, Waiting } from "../parts/base";
import { RefField } from "../parts/RefField";
import { RefLink } from "../parts/refs";
import { text } from "../text";

const route = getRouteApi("/policies");

export function PoliciesPage() {
  const { column } = route.useSearch();
  const navigate = route.useNavigate();
  const [{ data, error }, again] = useQuery({ query: AudiencesDocument });
  return (
    <>
      <PageHead title={text.shell.policies} lead={text.policies.lead} />
      {error && !data && <Problem error={error} again={() => again({ requestPolicy: "network-only" })} />}
      {!data && !error && <Waiting />}
      {data?.audiences.length === 0 && <Empty title={text.policies.none.title} lead={text.policies.none.lead} />}
      <ul className="mb-7 grid gap-3 md:grid-cols-2 xl:grid-cols-3">
        {data?.audiences.map((audience) => (
          <li key={audience.name} className="card p-4">
            <h2 className="font-semibold">{audience.title}</h2>
            <p className="text-muted">{text.policies.purpose(audience.purpose)}</p>
            <div className="mt-2 flex flex-wrap gap-1.5">
              {audience.groups.map((group) => (
                <Badge key={group}>{group}</Badge>
              ))}
            </div>
          </li>
        ))}
      </ul>
      <section aria-label={text.policies.ask} className="max-w-3xl">
        <h2 className="mb-1 font-semibold">{text.policies.ask}</h2>
        <p className="mb-3 text-muted">{text.policies.askLead}</p>
        <RefField label={text.policies.ask} placeholder={text.refField.column} columnsOnly choose={(ref) => void navigate({ search: { column: ref } })} />
        {column && (
          <div className="card mt-4 p-4">
            <p className="mb-3"><RefLink refTo={column} /></p>
            <WhoGetsWhat key={column} column={column} />
          </div>
        )}
      </section>
    </>
  );
}
