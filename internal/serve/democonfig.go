package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/sandbox"
	warehouse "cadastre.dev/cadastre/internal/sandbox/bigquery"
	"cadastre.dev/cadastre/internal/sandbox/company"
)

// demoState is what must be kept from one start of the demo to the next: how
// far it came, and the warehouse's address, by which the catalog calls it.
type demoState struct {
	Listen  string `json:"listen"`
	Sandbox string `json:"sandbox"`
	// Filled says that the first crawl came to its end.
	Filled bool `json:"filled"`
}

func (s demoState) url() string { return "http://" + s.Listen }

// demoStateFile keeps the state in the demo's data directory.
const demoStateFile = "demo.json"

func (s demoState) write(dir string) error {
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("keep the demo's state: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, demoStateFile), data, 0o600); err != nil {
		return fmt.Errorf("keep the demo's state: %w", err)
	}
	return nil
}

// readDemoState reads what the last start left, with the address that is asked
// for now. The first time the warehouse takes a free port, and keeps it.
func readDemoState(ctx context.Context, o DemoOptions) (demoState, error) {
	dir, err := filepath.Abs(o.DataDir)
	if err != nil {
		return demoState{}, fmt.Errorf("find the data directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return demoState{}, fmt.Errorf("make the data directory: %w", err)
	}
	path := filepath.Join(dir, demoStateFile)
	var state demoState
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &state)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return demoState{}, fmt.Errorf("read %s: %w; remove it, or use another --data-dir: %w", path, err, graph.ErrInvalid)
	}
	listening, err := (Config{}).withDefaults().ListenOn(ctx, orDefault(o.Listen, "127.0.0.1:8080"))
	if err != nil {
		return demoState{}, err
	}
	state.Listen = listening.Listen
	if state.Sandbox == "" {
		free, err := (Config{}).withDefaults().ListenOn(ctx, "127.0.0.1:0")
		if err != nil {
			return demoState{}, err
		}
		state.Sandbox = free.Listen
	}
	return state, state.write(dir)
}

// writeDemoConfig writes the configuration that the demo runs on into its data
// directory, where the other commands find it, and reads it back as they do.
func writeDemoConfig(state demoState, at sandbox.Addresses, o DemoOptions) (Config, error) {
	dir, err := filepath.Abs(o.DataDir)
	if err != nil {
		return Config{}, fmt.Errorf("find the data directory: %w", err)
	}
	crawler, err := writeSecret(dir, "crawler.token", company.Token(company.Crawler()))
	if err != nil {
		return Config{}, err
	}
	publisher, err := writeSecret(dir, "publisher.token", company.Token(company.Publisher()))
	if err != nil {
		return Config{}, err
	}
	document := demoDocument(state, at, dir, crawler, publisher)
	if o.Worker != "" {
		document["worker"] = keys{"path": o.Worker}
	}
	if o.Estate != "" {
		projects, err := warehouse.EstateProjects(o.Estate)
		if err != nil {
			return Config{}, fmt.Errorf("read the estate: %w", err)
		}
		document = estateDocument(document, at, crawler, projects)
	}
	data, err := yaml.Marshal(document)
	if err != nil {
		return Config{}, fmt.Errorf("write the configuration: %w", err)
	}
	path := filepath.Join(dir, ConfigFile)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return Config{}, fmt.Errorf("write the configuration: %w", err)
	}
	return LoadConfig(path, nil)
}

type keys = map[string]any

func demoDocument(state demoState, at sandbox.Addresses, dir, crawler, publisher string) keys {
	dataset := func(name string) string { return graph.BigQueryRef(company.Project, name).String() }
	return keys{
		"listen": state.Listen, "data_dir": dir, "log_level": "warn",
		"sso": keys{"issuer": at.Issuer, "client_id": company.ClientID, "scopes": []string{"groups"}},
		"policy": keys{
			"roles": keys{
				"owner": []string{company.DataOwners}, "auditor": []string{company.Auditors},
				"administrator": []string{company.DataOwners},
				// Fraud investigators are called at night.
				"break_glass": []string{company.Fraud},
			},
			"domains": keys{"customer": []string{company.DataOwners}},
			"visibility": []keys{
				{"groups": []string{company.DataOwners}, "visibility": "visible"},
				{"groups": []string{company.Everyone}, "visibility": "visible", "where": keys{"kind": []string{"topic"}}},
				{"groups": []string{company.Everyone}, "visibility": "visible", "where": keys{"parent": []string{dataset(company.Core), dataset(company.Reporting)}}},
				{"groups": []string{company.Everyone}, "visibility": "visible", "where": keys{"ref": []string{
					dataset(company.Raw), dataset(company.Core), dataset(company.Reporting),
					dataset(company.Raw + ".customers"), dataset(company.Raw + ".meter_readings"), dataset(company.Raw + ".payments"),
				}}},
				{"groups": []string{company.Everyone}, "visibility": "discoverable", "where": keys{"parent": []string{dataset(company.Raw)}}},
			},
		},
		"audiences": []keys{
			{"name": "analysts", "title": "Analysts", "groups": []string{company.Analysts}, "purpose": "analytics"},
			{"name": "fraud", "title": "Fraud team", "groups": []string{company.Fraud}, "purpose": "fraud_detection"},
		},
		"sources": []keys{
			{"name": "warehouse", "bigquery": keys{
				"projects": []string{company.Project}, "endpoint": at.BigQuery, "token": crawler,
				"owners": keys{"otto": "user:" + company.Otto().Email},
			}},
			{"name": "registry", "registry": keys{
				"url": at.Registry, "cluster": "kafka.lumen.example:9092",
				"owners": keys{"otto": "user:" + company.Otto().Email},
				"labels": keys{"PII": "user", "FINANCIAL": "user.financial", "FREE_TEXT": "user.content.free_text"},
				"tables": keys{
					"customers": company.Project + ".raw.customers", "meter_readings": company.Project + ".raw.meter_readings",
					"payments": company.Project + ".raw.payments", "support_tickets": company.Project + ".raw.support_tickets",
				},
			}},
		},
		"target": keys{
			"project": company.Project, "endpoint": at.BigQuery, "token": publisher, "publisher": company.Publisher().Email,
			"home": company.Location, "datasets": []string{company.Raw, company.Core, company.Reporting},
		},
	}
}

// estateDocument crawls an estate in place of the company, and publishes
// nothing: its people are pseudonyms.
func estateDocument(document keys, at sandbox.Addresses, crawler string, projects []string) keys {
	document["sources"] = []keys{{"name": "warehouse", "bigquery": keys{"projects": projects, "endpoint": at.BigQuery, "token": crawler}}}
	document["policy"] = keys{
		"roles":      keys{"owner": []string{company.DataOwners}, "auditor": []string{company.Auditors}},
		"visibility": []keys{{"groups": []string{company.Everyone}, "visibility": "visible"}},
	}
	delete(document, "target")
	return document
}
