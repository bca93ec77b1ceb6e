package pgtest

import "testing"

// TestADatabaseOutlivesTheServer stops a server as a crash would and starts it
// again on what it kept.
func TestADatabaseOutlivesTheServer(t *testing.T) {
	t.Parallel()
	c := Start(t)
	url := c.Database(t)
	if other := c.Database(t); other == url {
		t.Errorf("two databases at %s", url)
	}
	c.Exec(t, "t1", "CREATE TABLE kept (id int)")
	c.Stop(t)
	c.Stop(t)
	c.Resume(t)
	c.Exec(t, "t1", "INSERT INTO kept VALUES (1)")
	if c.Log(t) == "" {
		t.Error("the server said nothing")
	}
}
