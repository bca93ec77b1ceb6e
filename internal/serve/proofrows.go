package serve

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"cloud.google.com/go/bigquery"
	"golang.org/x/oauth2"
	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/sandbox/company"
)

// warehouse is the raw client of the warehouse, signed in with a token.
func (w *walker) warehouse(ctx context.Context, token string) (*bq.Service, error) {
	return bq.NewService(ctx, option.WithEndpoint(w.demo.sandbox.Addresses().BigQuery),
		option.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})))
}

// customerRows are the rows of a table or view by customer. They stay in
// memory and are in no log, error or answer.
type customerRows map[string]customerRow

type customerRow struct {
	email     string
	hasEmail  bool
	contracts []contractRow
}

type contractRow struct {
	tariff, billing string
	hasBilling      bool
}

// customersAs reads customers through the warehouse's own client as somebody.
// The key of a customer is their contracts' count and first start: what both
// a masked and a clear view show.
func (w *walker) customersAs(ctx context.Context, token string, from graph.Ref) (customerRows, error) {
	client, err := bigquery.NewClient(ctx, company.Project, option.WithEndpoint(w.demo.sandbox.Addresses().BigQuery),
		option.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})))
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }()
	rows, err := client.Query("SELECT created_at, contact, contracts FROM `" + from.Name + "`").Read(ctx)
	if err != nil {
		return nil, err
	}
	out := customerRows{}
	for {
		var row map[string]bigquery.Value
		err := rows.Next(&row)
		if errors.Is(err, iterator.Done) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out[fmt.Sprint(row["created_at"])] = newCustomerRow(row)
	}
}

func newCustomerRow(row map[string]bigquery.Value) customerRow {
	var c customerRow
	if contact, ok := row["contact"].(map[string]bigquery.Value); ok {
		c.email, c.hasEmail = contact["email"].(string)
	}
	contracts, _ := row["contracts"].([]bigquery.Value)
	for _, v := range contracts {
		k, _ := v.(map[string]bigquery.Value)
		var one contractRow
		one.tariff, _ = k["tariff"].(string)
		one.billing, one.hasBilling = k["billing_email"].(string)
		c.contracts = append(c.contracts, one)
	}
	return c
}

func (rows customerRows) mustHoldAddresses() error {
	found := 0
	for _, r := range rows {
		if strings.Contains(r.email, "@") {
			found++
		}
	}
	if found == 0 {
		return fmt.Errorf("%d rows, none with an address", len(rows))
	}
	return nil
}

// mustHide says whether masked rows show no address and none of the clear
// values, and differ where those do.
func (rows customerRows) mustHide(plain customerRows) error {
	if len(rows) == 0 || len(rows) != len(plain) {
		return fmt.Errorf("%d masked rows to %d clear ones", len(rows), len(plain))
	}
	tokens := map[string]string{}
	for key, m := range rows {
		c := plain[key]
		if m.hasEmail != c.hasEmail {
			return errors.New("an address is missing on one side alone")
		}
		if c.hasEmail && (strings.Contains(m.email, "@") || m.email == c.email || len(m.email) != 64) {
			return errors.New("a masked address is no keyed hash")
		}
		if was, ok := tokens[c.email]; ok && was != m.email {
			return errors.New("one address has two tokens")
		}
		tokens[c.email] = m.email
	}
	return nil
}

// mustKeepShape says whether nested and repeated columns are masked, in their
// order and with what is missing still missing.
func (rows customerRows) mustKeepShape(plain customerRows) error {
	masked := 0
	for key, m := range rows {
		c := plain[key]
		if len(m.contracts) != len(c.contracts) {
			return errors.New("a row has another number of contracts")
		}
		for i := range m.contracts {
			x, y := m.contracts[i], c.contracts[i]
			if x.tariff != y.tariff || x.hasBilling != y.hasBilling {
				return errors.New("contracts are out of order or lost what was missing")
			}
			if y.hasBilling && (strings.Contains(x.billing, "@") || x.billing == y.billing) {
				return errors.New("a billing address is clear")
			}
			if y.hasBilling {
				masked++
			}
		}
	}
	if masked == 0 {
		return errors.New("no repeated value was there to mask")
	}
	return nil
}

func mustBeDenied(err error) error {
	var refused *googleapi.Error
	if errors.As(err, &refused) && refused.Code == 403 {
		return nil
	}
	if err == nil {
		return errors.New("the query was answered")
	}
	return fmt.Errorf("the query ended otherwise: %w", err)
}

// flippedByteIsFound copies the catalog, flips one byte of an event in the
// copy, and says whether verification finds it.
func flippedByteIsFound(ctx context.Context, a *App) (bool, error) {
	dir, err := os.MkdirTemp("", "cadastre-proof-*")
	if err != nil {
		return false, err
	}
	defer removeAll(dir)
	path := filepath.Join(dir, databaseFile)
	if err := a.store.Backup(ctx, path); err != nil {
		return false, fmt.Errorf("copy the catalog: %w", err)
	}
	if err := flipByte(path); err != nil {
		return false, err
	}
	copied, err := store.Open(ctx, store.Config{Path: path, Logger: a.logger})
	if err != nil {
		// A copy that does not even open is found out, too.
		return true, nil
	}
	tampered := &App{store: copied}
	report, err := tampered.VerifyAudit(ctx, KeptAudit{})
	return err == nil && !report.OK, errors.Join(err, copied.Close())
}

// flipByte changes one byte of the text of an event where it stands in the
// file: the owner's address.
func flipByte(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	at := strings.LastIndex(string(data), company.Otto().Email+"approve")
	if at < 0 {
		return errors.New("the file holds no event of the owner")
	}
	data[at] ^= 0x01
	return os.WriteFile(path, data, 0o600) //nolint:gosec // a copy in a folder that the proof made itself
}
