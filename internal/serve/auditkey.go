package serve

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
)

// auditKeyFile holds the key that signs checkpoints, where the configuration
// names none.
const auditKeyFile = "audit.key"

// actionAuditKey is the audit log's word for a key that signs from then on;
// the event's object is its verifier key.
const actionAuditKey = "audit_key"

// pen signs checkpoints, and opens those that any key of this catalog signed.
type pen struct {
	signer note.Signer
	// key is the verifier key of signer, known are those of this catalog.
	key   string
	known []string
}

var _ store.Signer = pen{}

// Sign signs a checkpoint under the log's name.
func (p pen) Sign(c audit.Checkpoint) ([]byte, error) { return c.Sign(p.signer.Name(), p.signer) }

// Open opens a checkpoint that a key of this catalog signed.
func (p pen) Open(signed []byte) (audit.Checkpoint, error) { return audit.OpenWith(signed, p.known...) }

// pen returns what signs checkpoints. The first call for a catalog makes the
// key, unless the configuration names one, and records it. A key that is gone,
// or another than the log tells of, is graph.ErrInvalid: none is ever made in
// its place, for the checkpoints that auditors keep would say nothing of what
// is signed from then on.
func (a *App) pen(ctx context.Context) (pen, error) {
	known, err := a.auditKeys(ctx)
	if err != nil {
		return pen{}, err
	}
	if len(known) == 0 {
		return a.firstPen(ctx)
	}
	secret, err := a.readAuditKey()
	if errors.Is(err, fs.ErrNotExist) {
		return pen{}, fmt.Errorf("the key that signs checkpoints is gone: %s is not there; restore it from a backup, or, where another program on the same catalog has it, let both refer to it by audit.key. If it is lost for good, make another with cadastre audit key --renew and tell whoever keeps checkpoints: %w", a.path(auditKeyFile), graph.ErrInvalid)
	}
	if err != nil {
		return pen{}, err
	}
	p, err := a.penOf(secret)
	if err != nil {
		return pen{}, err
	}
	if last := known[len(known)-1]; p.key != last {
		return pen{}, fmt.Errorf("the key that signs checkpoints is %s, and the audit log tells of %s; put that one back, or, if the change is meant, take this one with cadastre audit key --renew and tell whoever keeps checkpoints: %w", p.key, last, graph.ErrInvalid)
	}
	p.known = known
	return p, nil
}

// auditKeyFault says what is wrong with the key, and makes none.
func (a *App) auditKeyFault(ctx context.Context) error {
	known, err := a.auditKeys(ctx)
	if err != nil {
		return err
	}
	if len(known) > 0 {
		_, err = a.pen(ctx)
		return err
	}
	secret, err := a.readAuditKey()
	if err == nil {
		_, err = a.penOf(secret)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// auditKeys returns the verifier keys that the log tells of, the oldest first.
func (a *App) auditKeys(ctx context.Context) ([]string, error) {
	events, err := a.store.Recorded(ctx, store.EventsIn{Action: actionAuditKey})
	if err != nil {
		return nil, err
	}
	return objectsOf(events), nil
}

func objectsOf(events []audit.Event) []string {
	objects := make([]string, 0, len(events))
	for _, e := range events {
		objects = append(objects, e.Object)
	}
	return objects
}

// firstPen makes or takes the first key of a catalog and records it. Of two
// programs that do so at once the later takes the key of the first.
func (a *App) firstPen(ctx context.Context) (pen, error) {
	var p pen
	_, err := a.store.Commit(ctx, system(), actionAuditKey, func(tx *store.Tx) error {
		known, err := tx.Recorded(ctx, store.EventsIn{Action: actionAuditKey})
		if err != nil {
			return err
		}
		secret, err := a.readAuditKey()
		if errors.Is(err, fs.ErrNotExist) {
			secret, err = a.makeAuditKey()
		}
		if err != nil {
			return err
		}
		if p, err = a.penOf(secret); err != nil {
			return err
		}
		if p.known = objectsOf(known); len(known) == 0 {
			p.known = []string{p.key}
			tx.Record(audit.Event{Action: actionAuditKey, Object: p.key})
		}
		return nil
	})
	if err != nil {
		return pen{}, fmt.Errorf("make the key that signs checkpoints: %w", err)
	}
	return p, nil
}

// readAuditKey returns the secret key; fs.ErrNotExist where none is configured
// and none was made.
func (a *App) readAuditKey() (string, error) {
	if a.config.Audit.Key != "" {
		secret, err := resolveSecret(a.config.Audit.Key)
		if err != nil {
			// That a file is not there is no leave to make one.
			return "", fmt.Errorf("audit.key: %v: %w", err, graph.ErrInvalid) //nolint:errorlint // on purpose
		}
		return secret, nil
	}
	data, err := os.ReadFile(a.path(auditKeyFile))
	if err != nil {
		return "", fmt.Errorf("read the key that signs checkpoints: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

// makeAuditKey makes a key beside the database, where none stands.
func (a *App) makeAuditKey() (string, error) {
	name := orDefault(a.config.Audit.Name, "cadastre/"+strings.ToLower(a.store.Catalog()))
	return newAuditKey(a.path(auditKeyFile), name)
}

// newAuditKey makes a key in a new file that its owner alone may read.
func newAuditKey(path, name string) (string, error) {
	secret, _, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return "", fmt.Errorf("make %s: %w", path, err)
	}
	if err := writeOnce(path, []byte(secret+"\n")); err != nil {
		return "", fmt.Errorf("make %s: %w", path, err)
	}
	return secret, nil
}

// penOf reads a secret key. What is none is told without it.
func (a *App) penOf(secret string) (pen, error) {
	signer, err := note.NewSigner(secret)
	var key string
	if err == nil {
		key, err = verifierOf(secret, signer)
	}
	if err != nil {
		return pen{}, fmt.Errorf("the key that signs checkpoints (%s) is none as cadastre audit key makes it: %w", orDefault(a.config.Audit.Key, a.path(auditKeyFile)), graph.ErrInvalid)
	}
	if name := a.config.Audit.Name; name != "" && signer.Name() != name {
		return pen{}, fmt.Errorf("audit.name is %q, and the key that signs checkpoints bears the name %q: %w", name, signer.Name(), graph.ErrInvalid)
	}
	return pen{signer: signer, key: key, known: []string{key}}, nil
}

// verifierOf returns the verifier key that belongs to a secret key, which ends
// with the algorithm's byte and the seed in base64.
func verifierOf(secret string, signer note.Signer) (string, error) {
	// PRIVATE, KEY, the name, the key's hash, and what is asked for: the last
	// may have plus signs in it, the others not.
	parts := strings.SplitN(secret, "+", 5)
	data, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(data) != 1+ed25519.SeedSize {
		return "", fmt.Errorf("read key: %w", graph.ErrInvalid)
	}
	public := ed25519.NewKeyFromSeed(data[1:]).Public().(ed25519.PublicKey)
	return note.NewEd25519VerifierKey(signer.Name(), public)
}

// AuditKey returns the verifier key of what signs checkpoints, for auditors to
// keep elsewhere.
func (a *App) AuditKey(ctx context.Context) (string, error) {
	p, err := a.pen(ctx)
	return p.key, err
}

// RenewAuditKey takes another key from now on and records the change: the one
// that the configuration names by now, or a new one in place of audit.key,
// which is put aside. It returns the new verifier key.
func (a *App) RenewAuditKey(ctx context.Context, who graph.Principal) (string, error) {
	var p pen
	_, err := a.store.Commit(ctx, who, actionAuditKey, func(tx *store.Tx) error {
		events, err := tx.Recorded(ctx, store.EventsIn{Action: actionAuditKey})
		if err != nil {
			return err
		}
		last := ""
		if known := objectsOf(events); len(known) > 0 {
			last = known[len(known)-1]
		}
		if p, err = a.otherPen(last); err != nil {
			return err
		}
		tx.Record(audit.Event{Action: actionAuditKey, Object: p.key, Detail: map[string]string{"before": last}})
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("renew the key that signs checkpoints: %w", err)
	}
	return p.key, nil
}

// otherPen returns the present key where it is not the last one, and else
// makes another.
func (a *App) otherPen(last string) (pen, error) {
	secret, err := a.readAuditKey()
	if err == nil {
		p, err := a.penOf(secret)
		if err != nil || p.key != last {
			return p, err
		}
		if a.config.Audit.Key != "" {
			return pen{}, fmt.Errorf("audit.key still refers to the present key; make another with cadastre audit key --generate FILE and refer to it first: %w", graph.ErrConflict)
		}
		aside := a.path(fmt.Sprintf("audit-%08x.key", p.signer.KeyHash()))
		if err := os.Rename(a.path(auditKeyFile), aside); err != nil {
			return pen{}, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return pen{}, err
	}
	if secret, err = a.makeAuditKey(); err != nil {
		return pen{}, err
	}
	return a.penOf(secret)
}

// GenerateAuditKey makes a key in a file that must not be there yet, for
// audit.key to refer to, and returns its verifier key.
func GenerateAuditKey(path, name string) (string, error) {
	if !isLogName(name) {
		return "", fmt.Errorf("key of %q: a log's name has no space, plus sign or line break in it: %w", name, graph.ErrInvalid)
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return "", fmt.Errorf("make %s: %w: %w", path, err, graph.ErrInvalid)
	}
	secret, err := newAuditKey(path, name)
	if errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make %s: there is such a file already, and keys are never written over: %w", path, graph.ErrConflict)
	}
	if err != nil {
		return "", err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return "", fmt.Errorf("make %s: %w", path, err)
	}
	return verifierOf(secret, signer)
}
