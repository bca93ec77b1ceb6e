/**
 * A small energy retailer, made up: three topics, their raw tables, and the
 * reports made from them. The fake server answers from it.
 */
import type { FakeAsset, FakeColumn, FakeEdge, FakePerson, FakeStatement, FakeTag } from "./types.ts";

export const people: FakePerson[] = [
  { id: "ana@halden.example", name: "Ana", groups: ["analysts@halden.example"], actions: [] },
  { id: "otto@halden.example", name: "Otto", groups: ["data-owners@halden.example"], actions: ["tag", "describe", "plan", "approve", "apply", "crawl", "administer"] },
  { id: "audra@halden.example", name: "Audra", groups: ["auditors@halden.example"], actions: ["audit"] },
  { id: "fay@halden.example", name: "Fay", groups: ["fraud@halden.example"], actions: ["break_glass"] },
];

export const audiences = [
  { name: "analysts", title: "Analysts", groups: ["analysts@halden.example"], purpose: "analytics" },
  { name: "fraud", title: "Fraud team", groups: ["fraud@halden.example"], purpose: "fraud_detection" },
];

export const vocabulary = [
  { label: "user.contact.email", title: "E-mail address", description: "An address at which a person can be written to.", special: false },
  { label: "user.contact.phone_number", title: "Phone number", description: "A number at which a person can be called.", special: false },
  { label: "user.name", title: "Name", description: "The name of a person.", special: false },
  { label: "user.contact.address.street", title: "Street address", description: "Where a person lives, to the house.", special: false },
  { label: "user.contact.address.postal_code", title: "Postal code", description: "The area in which a person lives.", special: false },
  { label: "user.financial.bank_account", title: "Bank account", description: "A bank account of a person, such as an IBAN.", special: false },
  { label: "user.health_and_medical", title: "Health", description: "Anything about a person's health.", special: true },
  { label: "user.unique_id", title: "Unique identifier", description: "An identifier that singles a person out.", special: false },
];

const project = "bigquery/halden-energy";
const kafka = "kafka://broker.halden.example:9092";

/** "path TYPE mode description", one a line, parents first. */
function columns(asset: string, spec: string): FakeColumn[] {
  return spec
    .trim()
    .split("\n")
    .map((line) => {
      const [path = "", dataType = "", mode = "", ...words] = line.trim().split(/\s+/);
      return { ref: `${asset}#${path}`, path, name: path.slice(path.lastIndexOf(".") + 1), dataType, mode, description: words.join(" "), policyTags: [] };
    });
}

const otto = { principal: "user:otto@halden.example", role: "accountable", provenance: { kind: "source", name: "warehouse", why: "label data_owner" } };
const platform = { principal: "group:platform@halden.example", role: "technical", provenance: { kind: "source", name: "warehouse", why: "access OWNER of the dataset" } };

function asset(ref: string, kind: string, rest: Partial<FakeAsset>): FakeAsset {
  const name = ref.slice(Math.max(ref.lastIndexOf("."), ref.lastIndexOf("/")) + 1);
  const bigquery = ref.startsWith(project);
  const dots = ref.split(".").length;
  return {
    ref, kind, name: kind === "topic" || kind === "subject" ? ref.slice(ref.lastIndexOf("/") + 1) : name,
    source: bigquery ? "warehouse" : "registry",
    parent: bigquery && dots > 2 ? ref.slice(0, ref.lastIndexOf(".")) : null,
    location: bigquery ? "EU" : "", title: "", description: "", labels: [], definition: "", unread: "",
    owners: [otto], columns: [], statement: null, discoverableFor: [], ...rest,
  };
}

const customerColumns = `
customer_id STRING required The customer's number.
name STRING nullable Full name as on the contract.
contact RECORD nullable How to reach the customer.
contact.email STRING nullable Where bills are sent.
contact.phone STRING nullable
contact.preferred STRING nullable email, phone or post.
address RECORD nullable Where the meter is.
address.street STRING nullable
address.postal_code STRING nullable
address.city STRING nullable
address.geo RECORD nullable
address.geo.lat FLOAT nullable
address.geo.lon FLOAT nullable
contracts RECORD repeated All contracts, newest first.
contracts[].tariff STRING nullable
contracts[].signed_on DATE nullable
contracts[].co_signers RECORD repeated
contracts[].co_signers[].name STRING nullable
contracts[].co_signers[].email STRING nullable
segment STRING nullable private or business.
created_at TIMESTAMP required When the row was written.`;

export const customers = `${project}.raw.customers`;
export const report = `${project}.reporting.customer_contacts`;
const readings = `${project}.raw.meter_readings`;
const payments = `${project}.raw.payments`;
const daily = `${project}.reporting.daily_consumption`;
const arrears = `${project}.reporting.arrears`;
const wide = `${project}.raw.events_wide`;
const topics = ["customers", "meter-readings", "payments"].map((t) => `${kafka}/${t}`);

export const contactSQL = `CREATE OR REPLACE VIEW reporting.customer_contacts AS
-- one line a customer, for the service desk
SELECT
  c.customer_id,
  LOWER(c.contact.email) AS email,
  CONCAT(c.address.street, ', ', c.address.city) AS address_line,
  COUNT(co.tariff) AS contracts
FROM \`halden-energy.raw.customers\` AS c,
  UNNEST(c.contracts) AS co
WHERE c.segment = ?
GROUP BY 1, 2, 3`;

const dailySQL = `INSERT INTO reporting.daily_consumption
SELECT meter_id, DATE(read_at) AS day, SUM(kwh) AS kwh
FROM raw.meter_readings
GROUP BY meter_id, day`;

const arrearsSQL = `CREATE TABLE reporting.arrears AS
SELECT p.customer_id, SUM(p.amount) AS open_amount, SHA256(p.iban) AS account_key
FROM raw.payments p JOIN \`partner-project.scores.credit\` s USING (customer_id)
WHERE p.settled = ?`;

function statement(id: string, sql: string, outcome = "exact", reason = "", unresolved: string[] = []): FakeStatement {
  return { id, because: sql.startsWith("CREATE OR REPLACE VIEW") ? "view" : "job", sql, outcome, unresolved, reason };
}

const contactStatement = statement("s-contacts", contactSQL);
const dailyStatement = statement("s-daily", dailySQL);
const arrearsStatement = statement("s-arrears", arrearsSQL, "partial", "a table that it reads is not in the catalog", ["partner-project.scores.credit"]);

export function assets(): FakeAsset[] {
  return [
    asset(topics[0]!, "topic", { description: "Every change of a customer, keyed by customer number.", columns: columns(topics[0]!, customerColumns.replace("\ncreated_at TIMESTAMP required When the row was written.", "")) }),
    asset(topics[1]!, "topic", { description: "Readings of smart meters, every quarter of an hour.", columns: columns(topics[1]!, "meter_id STRING required\nread_at TIMESTAMP required\nkwh DOUBLE required") }),
    asset(topics[2]!, "topic", { unread: "the schema of subject payments-value is not valid Avro: field iban has no type; mend it in the registry and crawl again", owners: [] }),
    asset(`${project}.raw`, "dataset", { description: "Landed from Kafka as it came.", owners: [platform] }),
    asset(`${project}.reporting`, "dataset", { description: "What the business reads.", owners: [platform] }),
    asset(customers, "table", {
      title: "Customers", description: "One row a customer, as the contract system knows them. Landed by the connector from the topic customers.",
      labels: [{ key: "data_owner", value: "otto" }, { key: "domain", value: "customer" }, { key: "retention", value: "10y" }],
      owners: [otto, platform], columns: columns(customers, customerColumns),
    }),
    asset(readings, "table", { description: "Meter readings as they came.", columns: columns(readings, "meter_id STRING required\nread_at TIMESTAMP required\nkwh FLOAT required") }),
    asset(payments, "table", {
      description: "Payments booked, from the bank's file.", discoverableFor: ["ana@halden.example"],
      columns: columns(payments, "payment_id STRING required\ncustomer_id STRING required\niban STRING nullable\nholder STRING nullable Name on the account.\namount NUMERIC required\nsettled BOOL required"),
    }),
    asset(wide, "table", {
      description: "One column for each kind of event; kept for old reports.",
      columns: columns(wide, Array.from({ length: 2000 }, (_, i) => `event_${String(i + 1).padStart(4, "0")} INTEGER nullable`).join("\n")),
    }),
    asset(report, "view", { description: "How to reach each customer.", definition: contactSQL, statement: contactStatement, columns: columns(report, "customer_id STRING nullable\nemail STRING nullable\naddress_line STRING nullable\ncontracts INTEGER nullable") }),
    asset(daily, "table", { description: "Consumption a meter and day.", statement: dailyStatement, columns: columns(daily, "meter_id STRING nullable\nday DATE nullable\nkwh FLOAT nullable") }),
    asset(arrears, "table", { description: "What is owed.", statement: arrearsStatement, columns: columns(arrears, "customer_id STRING nullable\nopen_amount NUMERIC nullable\naccount_key BYTES nullable"), owners: [] }),
  ];
}

function edge(from: string, to: string, kind: string, statementOf: FakeStatement | null, fn = "", masking = false): FakeEdge {
  return { from, to, kind, function: fn, masking, outcome: statementOf?.outcome ?? "exact", because: statementOf?.because ?? "connector", statement: statementOf };
}

/** Edges between columns; those between assets follow from them. */
export const edges: FakeEdge[] = [
  ...["customer_id", "name", "contact.email", "contact.phone", "address.street", "address.city", "segment"].map((p) => edge(`${topics[0]}#${p}`, `${customers}#${p}`, "identity", null)),
  ...["meter_id", "read_at", "kwh"].map((p) => edge(`${topics[1]}#${p}`, `${readings}#${p}`, "identity", null)),
  edge(topics[2]!, payments, "reads", null),
  edge(`${customers}#customer_id`, `${report}#customer_id`, "identity", contactStatement),
  edge(`${customers}#contact.email`, `${report}#email`, "transformation", contactStatement, "LOWER"),
  edge(`${customers}#address.street`, `${report}#address_line`, "transformation", contactStatement, "CONCAT"),
  edge(`${customers}#address.city`, `${report}#address_line`, "transformation", contactStatement, "CONCAT"),
  edge(`${customers}#contracts[].tariff`, `${report}#contracts`, "aggregation", contactStatement, "COUNT"),
  edge(`${customers}#segment`, `${report}#customer_id`, "filter", contactStatement),
  edge(`${readings}#meter_id`, `${daily}#meter_id`, "identity", dailyStatement),
  edge(`${readings}#read_at`, `${daily}#day`, "transformation", dailyStatement, "DATE"),
  edge(`${readings}#kwh`, `${daily}#kwh`, "aggregation", dailyStatement, "SUM"),
  edge(`${payments}#customer_id`, `${arrears}#customer_id`, "identity", arrearsStatement),
  edge(`${payments}#amount`, `${arrears}#open_amount`, "aggregation", arrearsStatement, "SUM"),
  edge(`${payments}#iban`, `${arrears}#account_key`, "transformation", arrearsStatement, "SHA256", true),
];

function proposed(path: string, label: string, confidence: number, detector: string, ...evidence: string[]): FakeTag {
  return { ref: path, label, state: "proposed", form: "clear", confidence, evidence, provenance: { kind: "detector", name: detector, why: "" } };
}

export function tags(): FakeTag[] {
  return [
    proposed(`${customers}#contact.email`, "user.contact.email", 0.97, "name", "The last part of the name is email.", "Its parent is called contact.", "The type is text."),
    proposed(`${customers}#contact.phone`, "user.contact.phone_number", 0.93, "name", "The last part of the name is phone.", "Its parent is called contact."),
    proposed(`${customers}#name`, "user.name", 0.71, "name", "The name is name.", "A neighbour is called contact."),
    proposed(`${customers}#address.street`, "user.contact.address.street", 0.9, "name", "The last part of the name is street."),
    proposed(`${customers}#contracts[].co_signers[].email`, "user.contact.email", 0.95, "name", "The last part of the name is email."),
    proposed(`${payments}#iban`, "user.financial.bank_account", 0.98, "name", "The name is iban."),
    proposed(`${payments}#holder`, "user.name", 0.62, "description", "The description says: Name on the account."),
    { ref: `${customers}#customer_id`, label: "user.unique_id", state: "confirmed", form: "clear", confidence: 1, evidence: [], provenance: { kind: "person", name: "otto@halden.example", why: "one number a person" } },
    { ref: `${customers}#segment`, label: "none", state: "confirmed", form: "clear", confidence: 1, evidence: [], provenance: { kind: "person", name: "otto@halden.example", why: "" } },
    { ref: `${customers}#address.city`, label: "user.contact.address.postal_code", state: "rejected", form: "clear", confidence: 1, evidence: [], provenance: { kind: "person", name: "otto@halden.example", why: "a city is no postal code" } },
  ];
}
