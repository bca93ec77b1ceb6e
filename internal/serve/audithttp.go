package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"cadastre.dev/cadastre/graph"
)

// auditRoutes are the downloads of auditors: the whole log, and a checkpoint
// to keep elsewhere. Others are refused, and that is recorded.
func (a *App) auditRoutes(mux *http.ServeMux, s *signIn) {
	mux.Handle("GET /audit/export", requireSignIn(s, http.HandlerFunc(a.serveExport)))
	mux.Handle("GET /audit/checkpoint", requireSignIn(s, http.HandlerFunc(a.serveCheckpoint)))
}

func (a *App) serveExport(w http.ResponseWriter, r *http.Request) {
	who, _ := signedInAs(r.Context())
	export, err := a.ExportAudit(r.Context(), who)
	if err != nil {
		a.refuseDownload(w, r, err)
		return
	}
	download(w, "application/jsonl; charset=utf-8", fmt.Sprintf("cadastre-audit-%d.jsonl", export.Header.Events))
	if err := export.Write(r.Context(), w); err != nil {
		if !errors.Is(err, context.Canceled) {
			a.logger.ErrorContext(r.Context(), "audit export broken off", "request", requestID(r.Context()), "err", err)
		}
		// What was sent is no whole export, and the browser must not take it
		// for one.
		panic(http.ErrAbortHandler)
	}
}

func (a *App) serveCheckpoint(w http.ResponseWriter, r *http.Request) {
	who, _ := signedInAs(r.Context())
	made, err := a.Checkpoint(r.Context(), who)
	if err != nil {
		a.refuseDownload(w, r, err)
		return
	}
	download(w, "text/plain; charset=utf-8", fmt.Sprintf("cadastre-checkpoint-%d.txt", made.Size))
	_, _ = w.Write([]byte(made.Note))
}

func download(w http.ResponseWriter, typ, name string) {
	h := w.Header()
	h.Set("Content-Type", typ)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
}

// refuseDownload answers where there is no download: in words for those who
// may know, and with the request's id for the rest.
func (a *App) refuseDownload(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, graph.ErrDenied):
		plainPage(w, http.StatusForbidden, "Audit log", "The whole audit log is for auditors from whom nothing is hidden; that you asked was recorded.")
	case errors.Is(err, graph.ErrConflict), errors.Is(err, graph.ErrInvalid):
		a.logger.ErrorContext(r.Context(), "audit download refused", "request", requestID(r.Context()), "err", err)
		plainPage(w, http.StatusConflict, "Audit log", "The log cannot be signed: "+err.Error())
	default:
		a.logger.ErrorContext(r.Context(), "audit download failed", "request", requestID(r.Context()), "err", err)
		plainPage(w, http.StatusInternalServerError, "Audit log", "The download failed; tell your administrator this number: "+requestID(r.Context()))
	}
}
