package serve

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What docs/push.md shows is sent as it stands, and answered as it says.
func TestTheExamplesOfPushAreTrue(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/push.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string][]string{}
	for _, m := range regexp.MustCompile("(?s)```([a-z]+)\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		blocks[m[1]] = append(blocks[m[1]], m[2])
	}
	if len(blocks["json"]) != 2 || len(blocks["ndjson"]) != 1 {
		t.Fatalf("the page has %d examples in JSON and %d in lines", len(blocks["json"]), len(blocks["ndjson"]))
	}
	d := newDock(t)
	var want PushAnswer
	if err := json.Unmarshal([]byte(blocks["json"][1]), &want); err != nil {
		t.Fatal(err)
	}
	r := d.push(blocks["json"][0])
	if diff := cmp.Diff(want, r.PushAnswer); r.status != 200 || diff != "" {
		t.Errorf("answered %d %+v (-shown +got):\n%s", r.status, r.Error, diff)
	}
	if again := d.push(blocks["json"][0]); !again.Replayed {
		t.Errorf("sent again: %+v", again)
	}
	if r := d.push(blocks["ndjson"][0], "Content-Type", "application/x-ndjson"); r.status != 200 || r.Began != 3 {
		t.Errorf("lines are answered %+v", r)
	}
	removed := regexp.MustCompile("`(\\{\"removed\": .*?\\}\\})`").FindStringSubmatch(string(text))
	if removed == nil {
		t.Fatal("the page shows nothing removed")
	}
	if r := d.push(`{"source": "crm", "key": "3", "facts": [` + removed[1] + `]}`); r.status != 200 {
		t.Errorf("what is removed is answered %+v", r)
	}
}
