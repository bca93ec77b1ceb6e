package viewtest_test

import (
	"testing"

	"cadastre.dev/cadastre/policy/view/viewtest"
)

func TestWarehouse(t *testing.T) {
	t.Parallel()
	viewtest.Run(t, func(*testing.T) viewtest.Subject {
		w := viewtest.NewWarehouse(viewtest.Names(), viewtest.Bases()...)
		return viewtest.Subject{Target: w, Dialect: viewtest.Dialect{}, World: w}
	})
}
