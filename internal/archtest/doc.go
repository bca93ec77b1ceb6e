// Package archtest holds the law of imports and the size budgets as tests: the
// walls of the house, which docs/decisions alone may move.
//
// It owns no code that the program runs, and nothing imports it. It reads the
// sources of this module as text; the GoogleSQL worker is a module of its own
// and is held to the budgets, but imports what it likes that is not ours.
package archtest
