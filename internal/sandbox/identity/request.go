package identity

import (
	"net/url"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// request is a sign-in under way. It is never changed, only replaced.
type request struct {
	id    string
	asked oidc.AuthRequest
	made  time.Time
	email string
	done  bool
	at    time.Time
}

// The words that op.AuthRequest asks for.

func (r *request) GetID() string                      { return r.id }
func (r *request) GetACR() string                     { return "" }
func (r *request) GetAMR() []string                   { return nil }
func (r *request) GetAudience() []string              { return []string{r.asked.ClientID} }
func (r *request) GetAuthTime() time.Time             { return r.at }
func (r *request) GetClientID() string                { return r.asked.ClientID }
func (r *request) GetNonce() string                   { return r.asked.Nonce }
func (r *request) GetRedirectURI() string             { return r.asked.RedirectURI }
func (r *request) GetResponseType() oidc.ResponseType { return r.asked.ResponseType }
func (r *request) GetResponseMode() oidc.ResponseMode { return r.asked.ResponseMode }
func (r *request) GetScopes() []string                { return r.asked.Scopes }
func (r *request) GetState() string                   { return r.asked.State }
func (r *request) GetSubject() string                 { return r.email }
func (r *request) Done() bool                         { return r.done }

func (r *request) GetCodeChallenge() *oidc.CodeChallenge {
	if r.asked.CodeChallenge == "" {
		return nil
	}
	return &oidc.CodeChallenge{Challenge: r.asked.CodeChallenge, Method: r.asked.CodeChallengeMethod}
}

// client is the one application that the provider knows.
type client struct {
	id        string
	redirects []string
	login     string
	lifetime  time.Duration
}

func scopes() []string {
	return []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, "groups"}
}

// The words that op.Client asks for.

func (c *client) GetID() string                       { return c.id }
func (c *client) RedirectURIs() []string              { return c.redirects }
func (c *client) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c *client) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodNone }
func (c *client) GrantTypes() []oidc.GrantType        { return []oidc.GrantType{oidc.GrantTypeCode} }
func (c *client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeBearer }
func (c *client) IDTokenLifetime() time.Duration      { return c.lifetime }
func (c *client) IsScopeAllowed(scope string) bool    { return slices.Contains(scopes(), scope) }
func (c *client) ClockSkew() time.Duration            { return 0 }
func (c *client) LoginURL(id string) string           { return c.login + url.QueryEscape(id) }

func (c *client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

// DevMode lets a web application on the loopback be reached without TLS.
func (c *client) DevMode() bool { return true }

// IDTokenUserinfoClaimsAssertion puts e-mail, name and groups into the ID
// token, where applications look for them.
func (c *client) IDTokenUserinfoClaimsAssertion() bool { return true }

// PostLogoutRedirectURIs are the roots of the applications that people are
// sent back to after signing in.
func (c *client) PostLogoutRedirectURIs() []string {
	var roots []string
	for _, uri := range c.redirects {
		if u, err := url.Parse(uri); err == nil {
			roots = append(roots, u.Scheme+"://"+u.Host, u.Scheme+"://"+u.Host+"/")
		}
	}
	return roots
}

func (c *client) RestrictAdditionalIdTokenScopes() func([]string) []string { return unchanged }

func (c *client) RestrictAdditionalAccessTokenScopes() func([]string) []string { return unchanged }

func unchanged(scopes []string) []string { return scopes }
