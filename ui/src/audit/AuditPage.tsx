/** The auditor's page: whether the log is whole, what was done, who could see. */
import { getRouteApi } from "@tanstack/react-router";
import { useMay } from "../api/session";
import { Empty, PageHead, TabLinks } from "../parts/base";
import { text } from "../text";
import { Log } from "./Log";
import { Signing } from "./Signing";
import { Verification } from "./Verification";
import { Who } from "./Who";

const route = getRouteApi("/audit");

export function AuditPage() {
  const { tab = "log" } = route.useSearch();
  const may = useMay("audit");
  if (!may) {
    return (
      <>
        <PageHead title={text.shell.audit} />
        <Empty title={text.audit.mayNot.title} lead={text.audit.mayNot.lead} />
      </>
    );
  }
  return (
    <>
      <PageHead title={text.shell.audit} lead={text.audit.lead} />
      <Verification />
      <Signing />
      <TabLinks label={text.shell.audit} now={tab} tabs={[{ id: "log", title: text.audit.log }, { id: "who", title: text.audit.who }]} />
      {tab === "who" ? <Who /> : <Log />}
    </>
  );
}
