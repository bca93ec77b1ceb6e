package walk

import (
	"math"

	"cadastre.dev/cadastre/graph"
)

// notes are what a query notes of nodes and assets. They are used again by
// later queries: a note holds only if it bears the tick of its query, so that
// a question about few nodes of many costs what the few cost.
type notes struct {
	tick uint32
	// query and walking are the ticks of the present query and spread.
	query, walking uint32
	// here are the ticks of nodes, and behind them stubs, that are present;
	// seen those of assets that were looked at.
	here, walkedAt, seenAt []uint32
	seen                   []graph.Visibility
}

func newNotes(nodes, assets int) *notes {
	return &notes{
		here: make([]uint32, nodes+assets), walkedAt: make([]uint32, nodes),
		seenAt: make([]uint32, assets), seen: make([]graph.Visibility, assets),
	}
}

// next returns a tick that no note bears.
func (n *notes) next() uint32 {
	n.tick++
	return n.tick
}

// begin forgets what other queries noted. Ticks begin anew before they are
// used up within a query, which takes four at most.
func (n *notes) begin() {
	if n.tick > math.MaxUint32-8 {
		n.tick = 0
		clear(n.here)
		clear(n.walkedAt)
		clear(n.seenAt)
	}
	n.query = n.next()
}

// spread forgets which nodes were walked through.
func (n *notes) spread() { n.walking = n.next() }

func (n *notes) walk(node int32) { n.walkedAt[node] = n.walking }

func (n *notes) walked(node int32) bool { return n.walkedAt[node] == n.walking }

func (n *notes) place(id int32) { n.here[id] = n.query }

func (n *notes) present(id int32) bool { return n.here[id] == n.query }

func (n *notes) saw(asset int32, v graph.Visibility) { n.seenAt[asset], n.seen[asset] = n.query, v }

func (n *notes) visibility(asset int32) (graph.Visibility, bool) {
	return n.seen[asset], n.seenAt[asset] == n.query
}
