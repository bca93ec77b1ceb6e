package serve_test

import (
	"context"
	"fmt"
	"os"

	"cadastre.dev/cadastre/internal/serve"
)

func ExampleLoadConfig() {
	config, err := serve.LoadConfig("", []string{"CADASTRE_LISTEN=127.0.0.1:9000", "CADASTRE_SSO__SCOPES=groups,offline"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(config.URL, config.SSO.Scopes, config.Target.Prefix)
	// Output: http://127.0.0.1:9000 [groups offline] views
}

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "cadastre")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	app, err := serve.Open(ctx, serve.Config{DataDir: dir}, serve.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := app.VerifyAudit(ctx, serve.KeptAudit{})
	fmt.Println(report.OK, err, app.Close())
	// Output: true <nil> <nil>
}

func ExampleMask() {
	masked, err := serve.Mask("EMAIL_MASK", "STRING", "ana@lumen.example")
	fmt.Println(masked, err)
	// Output: XXXXX@lumen.example <nil>
}
