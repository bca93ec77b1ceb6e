package directory_test

import (
	"testing"

	"cadastre.dev/cadastre/internal/sandbox/directory"
)

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	d, err := directory.New([]directory.Principal{
		{Email: "Ana@x.example", Tokens: []string{"one", "two"}},
		{Email: "robot@x.example", ServiceAccount: true, Tokens: []string{"three"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := d.Authenticate("issued"); ok {
		t.Error("a token that nobody judges named somebody")
	}
	d.Trust(func(token string) (string, bool) {
		return map[string]string{"issued": "ana@x.example", "gone": "nobody@x.example"}[token], token != "unknown"
	})
	tests := []struct{ name, token, want string }{
		{"first fixed", "one", "Ana@x.example"},
		{"second fixed", "two", "Ana@x.example"},
		{"of a service account", "three", "robot@x.example"},
		{"issued", "issued", "Ana@x.example"},
		{"issued to one who is gone", "gone", ""},
		{"unknown", "unknown", ""},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			who, ok := d.Authenticate(tt.token)
			if who.Email != tt.want || ok != (tt.want != "") {
				t.Errorf("got %q, %v", who.Email, ok)
			}
		})
	}
	if people := d.People(); len(people) != 1 || people[0].Name != "Ana@x.example" {
		t.Errorf("who can sign in: %+v", people)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		list []directory.Principal
	}{
		{"no address", []directory.Principal{{Name: "Ana"}}},
		{"one address twice", []directory.Principal{{Email: "a@x.example"}, {Email: "A@x.example"}}},
		{"one token twice", []directory.Principal{{Email: "a@x.example", Tokens: []string{"t"}}, {Email: "b@x.example", Tokens: []string{"t"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := directory.New(tt.list); err == nil {
				t.Error("taken")
			}
		})
	}
}

func TestPrincipal(t *testing.T) {
	t.Parallel()
	p := directory.Principal{Email: "ana@X.example", Groups: []string{"G@x.example"}}
	if p.Domain() != "x.example" || !p.MemberOf("g@x.example") || p.MemberOf("h@x.example") {
		t.Errorf("domain %q, groups %v", p.Domain(), p.Groups)
	}
}
