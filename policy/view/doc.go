// Package view turns decisions into what stands in a warehouse: for every
// audience one container of views that show each column of a base as decided,
// and nothing else.
//
// It owns the desired state (Desired), the present state as a target reads it
// (Present), the difference between them as a graph.Plan (Plan, a pure
// function), and the rules by which a plan is applied, resumed and undone
// (Apply, Undo). It declares what it needs of a kind of warehouse: a Dialect,
// which writes a view's SQL, and a Target, which reads and writes.
//
// It does not decide (package policy does), mask (policy/mask does) or know
// any warehouse (the packages below it do, one a target). It stores nothing:
// a Recorder hears of each step.
//
// Everything that is not known is left out. A column that nobody looked at, a
// class without a decision, an effect or a method that is not known, a leaf
// that the warehouse protects itself: none of them is ever in a planned view.
//
// It imports graph. The targets below it, policy/view/viewtest and
// internal/serve may import it.
package view
