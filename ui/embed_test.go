package ui_test

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"testing"

	"cadastre.dev/cadastre/ui"
)

func TestBuiltSaysWhetherThereIsAnIndex(t *testing.T) {
	t.Parallel()
	_, err := fs.Stat(ui.Files(), "index.html")
	if got, want := ui.Built(), err == nil; got != want {
		t.Errorf("Built() = %t, but index.html: %v", got, err)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("index.html: %v", err)
	}
}

func TestEveryFileThatTheIndexNamesIsEmbedded(t *testing.T) {
	t.Parallel()
	index, err := fs.ReadFile(ui.Files(), "index.html")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the app was not built")
	}
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`(?:src|href)="/([^"]+)"`).FindAllSubmatch(index, -1)
	if len(named) < 2 {
		t.Fatalf("index.html names %d files, want its script and its style at least", len(named))
	}
	for _, match := range named {
		if _, err := fs.Stat(ui.Files(), string(match[1])); err != nil {
			t.Errorf("index.html names %s: %v", match[1], err)
		}
	}
}

func TestIndexNeedsNoInlineScript(t *testing.T) {
	t.Parallel()
	index, err := fs.ReadFile(ui.Files(), "index.html")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the app was not built")
	}
	if err != nil {
		t.Fatal(err)
	}
	if inline := regexp.MustCompile(`<script(?:\s+(?:type|crossorigin|async)(?:="[^"]*")?)*\s*>\s*\S`).Find(index); inline != nil {
		t.Errorf("index.html has a script that a strict policy refuses: %s", inline)
	}
}

func ExampleFiles() {
	if !ui.Built() {
		fmt.Println("the program was built without its app")
	}
	_, err := fs.Stat(ui.Files(), "no-such-file")
	fmt.Println(errors.Is(err, fs.ErrNotExist))
}
