// Package directory holds who exists in the sandbox: people, service accounts,
// their groups, their project roles and the tokens that name them.
//
// It owns the map from a bearer token to a principal. It does not own what a
// principal may do (the access checks of internal/sandbox/bigquery decide
// that), nor how a person signs in (internal/sandbox/identity does).
//
// Only the packages below internal/sandbox may import it, and those who hand
// the sandbox its people.
package directory

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Principal is a person or a service account as the warehouse sees it.
type Principal struct {
	// Email names the principal; it is compared without regard to case.
	Email string
	// Name is what a sign-in page shows. Defaults to the e-mail address.
	Name string
	// Title says what the person does, for the sign-in page.
	Title string
	// ServiceAccount says that no person stands behind it: it has tokens, but
	// does not appear on the sign-in page.
	ServiceAccount bool
	// Groups are the addresses of the groups it belongs to.
	Groups []string
	// Roles are its project roles by project, as "roles/bigquery.jobUser".
	Roles map[string][]string
	// FineGrained are the policy tags whose columns it may read in the clear;
	// "*" stands for all of them.
	FineGrained []string
	// Tokens are bearer tokens that always name it. A demo's tokens are public
	// and worth nothing outside the sandbox.
	Tokens []string
}

// Domain is what follows the @ of the address.
func (p Principal) Domain() string {
	_, domain, _ := strings.Cut(p.Email, "@")
	return strings.ToLower(domain)
}

// MemberOf says whether the principal belongs to the group of that address.
func (p Principal) MemberOf(group string) bool {
	return slices.ContainsFunc(p.Groups, func(g string) bool { return strings.EqualFold(g, group) })
}

// Directory answers who a token names. It is safe for concurrent use.
type Directory struct {
	byEmail map[string]Principal
	order   []string
	fixed   map[string]string // token → e-mail

	mu    sync.RWMutex
	judge func(token string) (string, bool)
}

// New returns a directory of the given principals. Two of the same address, or
// two with the same token, are an error: who is asking must never be a guess.
func New(principals []Principal) (*Directory, error) {
	d := &Directory{
		byEmail: make(map[string]Principal, len(principals)),
		fixed:   make(map[string]string),
	}
	for _, p := range principals {
		key := strings.ToLower(p.Email)
		if key == "" {
			return nil, fmt.Errorf("directory: a principal without an address")
		}
		if _, twice := d.byEmail[key]; twice {
			return nil, fmt.Errorf("directory: %s stands twice", p.Email)
		}
		if p.Name == "" {
			p.Name = p.Email
		}
		d.byEmail[key] = p
		d.order = append(d.order, key)
		for _, token := range p.Tokens {
			if owner, twice := d.fixed[token]; twice {
				return nil, fmt.Errorf("directory: %s and %s share a token", owner, p.Email)
			}
			d.fixed[token] = key
		}
	}
	return d, nil
}

// Lookup returns the principal of that address.
func (d *Directory) Lookup(email string) (Principal, bool) {
	p, ok := d.byEmail[strings.ToLower(email)]
	return p, ok
}

// People returns those who can sign in, in the order in which they were given.
func (d *Directory) People() []Principal {
	var people []Principal
	for _, key := range d.order {
		if p := d.byEmail[key]; !p.ServiceAccount {
			people = append(people, p)
		}
	}
	return people
}

// Trust lets another judge name whom a token was issued to, beside the fixed
// tokens: the identity provider, which alone can open its own. It replaces the
// judge before.
func (d *Directory) Trust(judge func(token string) (email string, ok bool)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.judge = judge
}

// Authenticate returns whom a token names. An unknown or an expired one names
// nobody.
func (d *Directory) Authenticate(token string) (Principal, bool) {
	if email, ok := d.fixed[token]; ok {
		return d.Lookup(email)
	}
	d.mu.RLock()
	judge := d.judge
	d.mu.RUnlock()
	if judge == nil {
		return Principal{}, false
	}
	email, ok := judge(token)
	if !ok {
		return Principal{}, false
	}
	return d.Lookup(email)
}
