package company

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bq "google.golang.org/api/bigquery/v2"
)

// leaves are the paths of a table's leaves, sorted.
func leaves(fields []*bq.TableFieldSchema, path string) []string {
	var list []string
	for _, f := range fields {
		name := path + f.Name
		if f.Mode == "REPEATED" {
			name += "[]"
		}
		if len(f.Fields) == 0 {
			list = append(list, name)
			continue
		}
		list = append(list, leaves(f.Fields, name+".")...)
	}
	slices.Sort(list)
	return list
}

// avroLeaves are the paths of an Avro type's leaves; known are the records
// that other subjects define.
func avroLeaves(t *testing.T, kind any, path string, known map[string]map[string]any) []string {
	t.Helper()
	switch k := kind.(type) {
	case string:
		if record := known[k]; record != nil {
			return avroLeaves(t, record, path, known)
		}
		return []string{strings.TrimSuffix(path, ".")}
	case []any: // a union with null
		for _, member := range k {
			if member != "null" {
				return avroLeaves(t, member, path, known)
			}
		}
	case map[string]any:
		switch k["type"] {
		case "record":
			var list []string
			for _, f := range k["fields"].([]any) {
				field := f.(map[string]any)
				list = append(list, avroLeaves(t, field["type"], path+field["name"].(string)+".", known)...)
			}
			return list
		case "array":
			return avroLeaves(t, k["items"], strings.TrimSuffix(path, ".")+"[].", known)
		}
		return []string{strings.TrimSuffix(path, ".")} // an enum or a logical type
	}
	t.Fatalf("%s: not a type: %v", path, kind)
	return nil
}

// TestTopicsFillTheirTables holds that each raw table has just the columns that
// its topic's schema has.
func TestTopicsFillTheirTables(t *testing.T) {
	t.Parallel()
	parse := func(name string) map[string]any {
		var schema map[string]any
		if err := json.Unmarshal([]byte(schemaOf(name)), &schema); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return schema
	}
	known := map[string]map[string]any{"Card": parse("card")}
	for name, schema := range map[string]string{
		"customers": "customers.v2", "meter_readings": "meter_readings", "payments": "payments",
		"support_tickets": "support_tickets", "web_sessions": "session_started",
	} {
		i := slices.IndexFunc(rawTables(), func(other table) bool { return other.name == name })
		want := avroLeaves(t, parse(schema), "", known)
		slices.Sort(want)
		if diff := cmp.Diff(want, leaves(rawTables()[i].fields, "")); diff != "" {
			t.Errorf("%s (-topic +table):\n%s", name, diff)
		}
	}
}

// TestNobodyIsReal holds that every address, number and machine in the rows is
// of a kind that belongs to nobody.
func TestNobodyIsReal(t *testing.T) {
	t.Parallel()
	allowed := []*regexp.Regexp{
		regexp.MustCompile(`@example\.(org|net|com)$`), regexp.MustCompile(`\+44 7700 900\d{3}`),
		regexp.MustCompile(`^(198\.51\.100|203\.0\.113)\.\d+$`), regexp.MustCompile(`^GB\d\dLUMN\d{14}$`),
	}
	suspicious := []*regexp.Regexp{
		regexp.MustCompile(`@`), regexp.MustCompile(`\+\d\d `), regexp.MustCompile(`^\d+\.\d+\.\d+\.\d+$`), regexp.MustCompile(`^[A-Z]{2}\d\d[A-Z]{4}\d+$`),
	}
	met := make([]int, len(suspicious))
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case row:
			for _, inner := range v {
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		case string:
			for i := range suspicious {
				if suspicious[i].MatchString(v) {
					met[i]++
					if !allowed[i].MatchString(v) {
						t.Errorf("%q could be somebody's", v)
					}
				}
			}
		}
	}
	for _, table := range tables() {
		for _, r := range table.rows {
			walk(r)
		}
	}
	if slices.Contains(met, 0) {
		t.Errorf("a kind of personal data is nowhere: %v", met)
	}
}

// TestNumbersPassTheirChecks holds that accounts and cards are well-formed, as
// a detector of them expects.
func TestNumbersPassTheirChecks(t *testing.T) {
	t.Parallel()
	if got := iban("12345698765432"); got[:2] != "GB" || rest97(got[4:]+got[:4]) != 1 {
		t.Errorf("account %s leaves %d", got, rest97(got[4:]+got[:4]))
	}
	if got := luhn("7992739871"); got != "79927398713" { // the usual example
		t.Errorf("card %s", got)
	}
	accounts, cards := 0, 0
	for _, p := range paymentRows() {
		if account, ok := p["iban"].(string); ok {
			accounts++
			if rest97(account[4:]+account[:4]) != 1 {
				t.Errorf("account %s", account)
			}
		}
		if pan, ok := text(p, "card", "pan").(string); ok {
			cards++
			if len(pan) != 16 || luhn(pan[:15]) != pan {
				t.Errorf("card %s", pan)
			}
		}
	}
	if accounts < 50 || cards < 20 {
		t.Errorf("%d accounts and %d cards", accounts, cards)
	}
}

// rest97 is the remainder of an account's digits, letters counting from 10.
func rest97(account string) int {
	rest := 0
	for _, c := range account {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
			continue
		}
		rest = (rest*10 + int(c-'0')) % 97
	}
	return rest
}

// TestRowsHaveTheShapesThatMatter holds that what is hard to mask is there:
// records that are NULL, leaves that are, and arrays that are empty.
func TestRowsHaveTheShapesThatMatter(t *testing.T) {
	t.Parallel()
	noContact, noMail, noContracts, many := 0, 0, 0, 0
	for _, c := range customerRows() {
		contact, reached := c["contact"].(row)
		switch {
		case !reached:
			noContact++
		case contact["email"] == nil:
			noMail++
		}
		switch n := len(c["contracts"].([]any)); {
		case n == 0:
			noContracts++
		case n > 1:
			many++
		}
	}
	if noContact == 0 || noMail == 0 || noContracts == 0 || many == 0 {
		t.Errorf("%d without contact, %d without mail, %d without contracts, %d with several", noContact, noMail, noContracts, many)
	}
}

// TestJobsAreInThePast holds that a crawl that starts now sees every job.
func TestJobsAreInThePast(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.October, 9, 0, 0, 1, 0, time.UTC)
	ids := map[string]bool{}
	for _, j := range jobs(now) {
		if j.Statistics.EndTime >= now.UnixMilli() || j.Statistics.CreationTime < now.AddDate(0, 0, -7).UnixMilli() {
			t.Errorf("%s ran at %s", j.Id, time.UnixMilli(j.Statistics.CreationTime))
		}
		if ids[j.JobReference.JobId] {
			t.Errorf("%s twice", j.Id)
		}
		ids[j.JobReference.JobId] = true
	}
}

// TestAccessIsAsTheDemoSays holds that no analyst stands in an access list, and
// that those who must, do.
func TestAccessIsAsTheDemoSays(t *testing.T) {
	t.Parallel()
	for _, d := range datasets() {
		names := map[string]string{}
		for _, e := range d.Access {
			names[e.UserByEmail+e.GroupByEmail] = e.Role
		}
		for _, nobody := range []string{Analysts, Fraud, Auditors, Everyone, Ana().Email, Fay().Email, Audra().Email} {
			if role, ok := names[nobody]; ok {
				t.Errorf("%s: %s is %s", d.DatasetReference.DatasetId, nobody, role)
			}
		}
		want := map[string]string{Otto().Email: "OWNER", Crawler().Email: "roles/bigquery.metadataViewer", Publisher().Email: PublisherRole}
		for email, role := range want {
			if names[email] != role {
				t.Errorf("%s: %s is %q", d.DatasetReference.DatasetId, email, names[email])
			}
		}
		if d.Labels["owner"] == "" || d.Description == "" {
			t.Errorf("%s lacks owner or description", d.DatasetReference.DatasetId)
		}
	}
}

func TestPeopleHaveTokensOfTheirOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, p := range Principals() {
		token := Token(p)
		if other := seen[token]; other != "" || token == "" {
			t.Errorf("%s and %s share a token", p.Email, other)
		}
		seen[token] = p.Email
		if !p.ServiceAccount && (p.Title == "" || !strings.HasSuffix(p.Email, "@"+Domain)) {
			t.Errorf("%s: title %q", p.Email, p.Title)
		}
	}
}
