// Package viewtest holds the conformance suite that every view.Target passes,
// and a warehouse in memory that passes it.
//
// It owns the laws that no target may break: what is applied is what was
// planned and nothing else; applying and planning again gives no step; undo
// restores; a stale plan writes nothing; a stopped plan can go on or go back.
// It does not own what a target's own tests must show, such as that a text
// runs or that a reader is let in.
//
// Only tests may import it.
package viewtest
