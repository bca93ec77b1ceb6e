package identity

import (
	_ "embed"
	"html/template"
	"net/http"

	"cadastre.dev/cadastre/internal/sandbox/directory"
)

//go:embed page.html
var pageText string

// page is parsed once; a mistake in it stops the program at once.
var page = template.Must(template.New("page").Parse(pageText))

// showPeople is the sign-in page: a button for each person.
func (p *Provider) showPeople(out http.ResponseWriter, in *http.Request) {
	p.show(out, http.StatusOK, in.URL.Query().Get("request"), "")
}

func (p *Provider) show(out http.ResponseWriter, status int, request, fault string) {
	out.Header().Set("Content-Type", "text/html; charset=utf-8")
	out.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	out.Header().Set("Cache-Control", "no-store")
	out.WriteHeader(status)
	_ = page.Execute(out, struct { // the reader went away
		Request, Fault, Action string
		People                 []directory.Principal
	}{request, fault, p.cfg.Path + "/sign-in", p.cfg.Directory.People()})
}

// choosePerson signs in whoever was chosen and goes on with the flow.
func (p *Provider) choosePerson(out http.ResponseWriter, in *http.Request) {
	request := in.PostFormValue("request")
	next, err := p.finish(in.Context(), request, in.PostFormValue("person"))
	if err != nil {
		p.show(out, http.StatusBadRequest, request, err.Error())
		return
	}
	http.Redirect(out, in, next, http.StatusFound)
}
