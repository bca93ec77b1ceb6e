package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/sandbox/company"
)

// walker goes through the demo as its people do.
type walker struct {
	demo  *demo
	url   string
	proof *Proof
	http  http.RoundTripper
}

// The table of the proof and its columns: flat, nested and repeated.
var (
	customers = graph.BigQueryRef(company.Project, company.Raw, "customers")
	email     = customers.Column("contact.email")
)

// confirmed is what the owner says about the table's personal columns, beside
// the e-mail address.
func confirmedByOwner() map[string]string {
	return map[string]string{
		"contact.email": "user.contact.email", "full_name": "user.name", "contact.phone": "user.contact.phone",
		"contracts[].billing_email": "user.contact.email", "contact.address.city": "user.contact.address.city",
	}
}

func (w *walker) walk(ctx context.Context) error {
	otto, err := signInToDemo(ctx, w.http, w.url, company.Otto().Email)
	if err != nil {
		return fmt.Errorf("sign in as the owner: %w", err)
	}
	audra, err := signInToDemo(ctx, w.http, w.url, company.Audra().Email)
	if err != nil {
		return fmt.Errorf("sign in as the auditor: %w", err)
	}
	if err := w.beforeAnyoneLooked(ctx, otto); err != nil {
		return err
	}
	before, err := w.demo.app.store.Head(ctx)
	if err != nil {
		return err
	}
	w.proof.point("owner_confirms", otto.confirm(ctx, confirmedByOwner()))
	plan, err := w.plan(ctx, otto)
	if err != nil {
		return err
	}
	w.proof.point("plan_shows_what_changes_and_why", plan.explains("contact.email"))
	if err := otto.applyPlan(ctx, plan.ID); err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	if err := w.demo.app.Settle(ctx); err != nil {
		return err
	}
	w.queries(ctx)
	w.proof.point("new_column_in_no_view", w.newColumn(ctx, otto))
	w.proof.point("foreign_change_makes_plan_stale", w.foreignChange(ctx, otto))
	w.proof.point("auditor_sees_before_and_after", w.audit(ctx, audra, before))
	return w.auditLog(ctx, audra)
}

// beforeAnyoneLooked applies a plan while the e-mail address is untouched and
// looks into every analyst's view.
func (w *walker) beforeAnyoneLooked(ctx context.Context, otto *session) error {
	plan, err := w.plan(ctx, otto)
	if err != nil {
		return err
	}
	if err := otto.applyPlan(ctx, plan.ID); err != nil {
		return fmt.Errorf("apply the first plan: %w", err)
	}
	if err := w.demo.app.Settle(ctx); err != nil {
		return err
	}
	columns, err := w.viewColumns(ctx)
	if err == nil && slices.ContainsFunc(columns, func(c string) bool { return strings.Contains(c, "email") && c != "last_email_sent_at" }) {
		err = fmt.Errorf("the analysts' view has %v", columns)
	}
	w.proof.point("untouched_column_in_no_view", err)
	return nil
}

func (w *walker) plan(ctx context.Context, who *session) (planAnswer, error) {
	plan, err := who.plan(ctx)
	if err != nil {
		return plan, fmt.Errorf("plan: %w", err)
	}
	return plan, nil
}

func (w *walker) view(audience string) graph.Ref {
	naming := w.demo.app.target.naming
	return naming.View(naming.Container(audience, company.Location), customers)
}

// viewColumns lists the columns of the analysts' view as the warehouse has it,
// nested ones by path.
func (w *walker) viewColumns(ctx context.Context) ([]string, error) {
	service, err := w.warehouse(ctx, company.Token(company.Publisher()))
	if err != nil {
		return nil, err
	}
	parts := strings.Split(w.view("analysts").Name, ".")
	table, err := service.Tables.Get(parts[0], parts[1], parts[2]).Context(ctx).Do()
	if err != nil {
		return nil, fmt.Errorf("read the view: %w", err)
	}
	var paths []string
	var flatten func(prefix string, fields []*bq.TableFieldSchema)
	flatten = func(prefix string, fields []*bq.TableFieldSchema) {
		for _, f := range fields {
			paths = append(paths, prefix+f.Name)
			flatten(prefix+f.Name+".", f.Fields)
		}
	}
	if table.Schema != nil {
		flatten("", table.Schema.Fields)
	}
	return paths, nil
}

// queries asks the warehouse's own client, as the analyst and as the fraud
// team.
func (w *walker) queries(ctx context.Context) {
	plain, err := w.clearRows(ctx)
	if err != nil {
		w.proof.point("fraud_reads_clear", err)
		return
	}
	w.proof.point("fraud_reads_clear", plain.mustHoldAddresses())
	masked, err := w.customersAs(ctx, company.Token(company.Ana()), w.view("analysts"))
	if err == nil {
		err = masked.mustHide(plain)
	}
	w.proof.point("analyst_reads_masked", err)
	if err == nil {
		err = masked.mustKeepShape(plain)
	}
	w.proof.point("analyst_nested_and_repeated_masked", err)
	_, err = w.customersAs(ctx, company.Token(company.Ana()), customers)
	w.proof.point("analyst_denied_on_base", mustBeDenied(err))
}

func (w *walker) clearRows(ctx context.Context) (customerRows, error) {
	return w.customersAs(ctx, company.Token(company.Fay()), w.view("fraud"))
}

// newColumn adds a column to the base and looks for it in the views, also
// after planning and applying again.
func (w *walker) newColumn(ctx context.Context, otto *session) error {
	if err := w.addColumn(ctx, "loyalty_number"); err != nil {
		return err
	}
	if err := otto.crawl(ctx, "warehouse"); err != nil {
		return err
	}
	if err := w.demo.app.Settle(ctx); err != nil {
		return err
	}
	plan, err := otto.plan(ctx)
	if err != nil {
		return err
	}
	if len(plan.Steps) > 0 {
		if err := otto.applyPlan(ctx, plan.ID); err != nil {
			return err
		}
		if err := w.demo.app.Settle(ctx); err != nil {
			return err
		}
	}
	columns, err := w.viewColumns(ctx)
	if err == nil && slices.Contains(columns, "loyalty_number") {
		err = errors.New("the new column is in the view")
	}
	return err
}

// addColumn does what a team does that needs a new column.
func (w *walker) addColumn(ctx context.Context, name string) error {
	service, err := w.warehouse(ctx, company.Token(company.Otto()))
	if err != nil {
		return err
	}
	table, err := service.Tables.Get(company.Project, company.Raw, "customers").Context(ctx).Do()
	if err != nil {
		return fmt.Errorf("read the base table: %w", err)
	}
	table.Schema.Fields = append(table.Schema.Fields, &bq.TableFieldSchema{Name: name, Type: "STRING", Mode: "NULLABLE"})
	if _, err := service.Tables.Patch(company.Project, company.Raw, "customers", &bq.Table{Schema: table.Schema}).Context(ctx).Do(); err != nil {
		return fmt.Errorf("add the column: %w", err)
	}
	return nil
}

// foreignChange saves a plan, lets somebody else change the warehouse, and
// applies: it must be refused as stale with nothing written.
func (w *walker) foreignChange(ctx context.Context, otto *session) error {
	if err := otto.confirm(ctx, map[string]string{"date_of_birth": "user.demographic.date_of_birth"}); err != nil {
		return err
	}
	plan, err := otto.plan(ctx)
	if err != nil {
		return err
	}
	if len(plan.Steps) == 0 {
		return errors.New("the plan has nothing to do")
	}
	service, err := w.warehouse(ctx, company.Token(company.Publisher()))
	if err != nil {
		return err
	}
	parts := strings.Split(w.view("analysts").Name, ".")
	foreign := &bq.Table{Description: "changed by hand"}
	if _, err := service.Tables.Patch(parts[0], parts[1], parts[2], foreign).Context(ctx).Do(); err != nil {
		return fmt.Errorf("change the view by hand: %w", err)
	}
	before, err := w.viewColumns(ctx)
	if err != nil {
		return err
	}
	state, err := otto.applyAndWatch(ctx, plan.ID)
	if err != nil {
		return err
	}
	if err := w.demo.app.Settle(ctx); err != nil {
		return err
	}
	after, err := w.viewColumns(ctx)
	switch {
	case err != nil:
		return err
	case state != string(graph.PlanStale):
		return fmt.Errorf("the plan is %s", state)
	case !slices.Equal(before, after):
		return errors.New("something was written")
	}
	return nil
}

// audit asks who could see the column before and after.
func (w *walker) audit(ctx context.Context, audra *session, before graph.Revision) error {
	then, err := audra.whoCouldSee(ctx, email, before)
	if err != nil {
		return err
	}
	now, err := audra.whoCouldSee(ctx, email, 0)
	if err != nil {
		return err
	}
	audience := func(ways []wayAnswer, name, form string) bool {
		return slices.ContainsFunc(ways, func(a wayAnswer) bool { return a.Audience == name && a.Form == form })
	}
	switch {
	case slices.ContainsFunc(then, func(a wayAnswer) bool { return a.Audience != "" }):
		return fmt.Errorf("before, an audience is said to see it: %v", then)
	case !audience(now, "analysts", "masked"), !audience(now, "fraud", "clear"):
		return fmt.Errorf("after, the ways are %v", now)
	}
	return nil
}

// auditLog verifies the log, and again in a copy with one byte flipped.
func (w *walker) auditLog(ctx context.Context, audra *session) error {
	ok, err := audra.verify(ctx)
	if err == nil && !ok {
		err = errors.New("the log does not verify")
	}
	w.proof.point("audit_verifies", err)
	broken, err := flippedByteIsFound(ctx, w.demo.app)
	if err == nil && !broken {
		err = errors.New("the flipped byte was not found")
	}
	w.proof.point("flipped_byte_is_found", err)
	return nil
}

// removeAll removes a temporary folder; what stays is only litter.
func removeAll(dir string) { _ = os.RemoveAll(dir) }
