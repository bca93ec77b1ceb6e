package serve

import (
	"encoding/json"
	"testing"
)

// Nobody becomes another person by the letters of their address.
func TestAnAddressStaysItsOwn(t *testing.T) {
	t.Parallel()
	for claimed, want := range map[string]string{
		"Mike@Lumen.example":      "mike@lumen.example",
		"mi\u212ae@lumen.example": "mi\u212ae@lumen.example",
		"\u00d6tto@lumen.example": "\u00d6tto@lumen.example",
	} {
		data, err := json.Marshal(claimed)
		if err != nil {
			t.Fatal(err)
		}
		p, err := principalOf(map[string]json.RawMessage{"email": data}, SSO{GroupsClaim: "groups"})
		if err != nil || p.ID != want {
			t.Errorf("%q is %q, %v; want %q", claimed, p.ID, err, want)
		}
	}
}

// A sign-in that is refused is told as nobody's, where the name may be another
// person's.
func TestARefusedSignInIsNobodyElses(t *testing.T) {
	t.Parallel()
	for _, claims := range []map[string]any{
		{"email": "otto@lumen.example", "email_verified": false},
		{"email": "service:cadastre"},
		{"email": "local:root@lumen.example"},
	} {
		d := newDesk(t, newProvider(t, claims).server.URL, nil)
		d.get(d.begin("/"))
		refused := told(t, d.app, "refused")
		if len(refused) != 1 || refused[0].Actor != "unknown" || refused[0].Object != "session" {
			t.Errorf("%v is told as %+v", claims, refused)
		}
	}
	if p, err := principalOf(nil, SSO{}); p.ID != "" || err == nil {
		t.Errorf("no claims are %+v, %v", p, err)
	}
}
