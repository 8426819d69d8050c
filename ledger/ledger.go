// Package ledger is an append-only log of what was made: a Merkle tree in
// tiles, written by Tessera and checked by the independent code of Go's
// checksum database.
//
// It refuses entries over 16 KiB, and hands out none that the signed tree head
// does not cover. It decides nothing, and its entries point to records that it
// does not keep.
//
// Start with [Open], [Ledger.Append] and [Ledger.Entries]; [Entry] is what is
// written.
package ledger

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// MaxEntry is the largest entry in bytes. Tessera's bundles count lengths in
// 16 bits, and one of more silently corrupts the log.
const MaxEntry = 16 << 10

// What lies in a ledger's folder.
const (
	keyName  = "key"     // the signing key, mode 0600
	pubName  = "key.pub" // the verifier key: origin+hash+base64
	headName = "head"    // the last tree head that was found to continue its predecessor
	lockName = "lock"    // flock: creation of the keys, changes of head
	logName  = "log"     // the log as Tessera lays it out (C2SP tlog-tiles): it may be published
)

// Ledger is the log in one folder. Any number of processes may read it and
// append to it at once.
type Ledger struct {
	dir string
	mu  sync.Mutex
	app *appender // started by the first Append
}

// Head is a signed statement of what the log holds.
type Head struct {
	Origin string    // the name of the log
	Size   int64     // number of entries
	Hash   tlog.Hash // root of the tree, RFC 6962
	Note   []byte    // the signed text (C2SP checkpoint)
}

// Stored is an entry and its place in the log.
type Stored struct {
	Index int64
	Data  []byte
}

// Open returns the ledger in dir. It reads and writes nothing yet: a missing
// folder is an empty ledger, which the first Append creates.
func Open(dir string) (*Ledger, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", dir, err)
	}
	return &Ledger{dir: dir}, nil
}

// Dir returns the absolute path of the ledger's folder.
func (l *Ledger) Dir() string { return l.dir }

func (l *Ledger) path(name ...string) string {
	return filepath.Join(append([]string{l.dir}, name...)...)
}

// Key returns the verifier key with which others check this ledger's heads.
func (l *Ledger) Key() (string, error) {
	b, err := os.ReadFile(l.path(pubName))
	if err != nil {
		return "", fmt.Errorf("read the verifier key of ledger %s: %w", l.dir, err)
	}
	return strings.TrimSuffix(string(b), "\n"), nil
}

// Head returns the published tree head after checking its signature; that of
// an empty ledger has size 0 and no Note.
func (l *Ledger) Head() (Head, error) {
	b, err := os.ReadFile(l.path(logName, "checkpoint"))
	if errors.Is(err, fs.ErrNotExist) {
		// Before a head was remembered, the first Append is publishing its entry,
		// or was killed before it had: nobody was told of one.
		if _, err := os.Stat(l.path(headName)); err == nil {
			return Head{}, fmt.Errorf("read the head of ledger %s: there are entries but no tree head", l.dir)
		}
		return Head{}, nil
	}
	if err != nil {
		return Head{}, fmt.Errorf("read the head of ledger %s: %w", l.dir, err)
	}
	key, err := l.Key()
	if err != nil {
		return Head{}, err
	}
	h, err := ParseHead(b, key)
	if err != nil {
		return Head{}, fmt.Errorf("read the head of ledger %s: %w", l.dir, err)
	}
	return h, nil
}

// ParseHead checks a signed tree head under a verifier key.
func ParseHead(b []byte, key string) (Head, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return Head{}, fmt.Errorf("the verifier key is damaged: %w", err)
	}
	signed, err := note.Open(b, note.VerifierList(verifier))
	if err != nil {
		return Head{}, err
	}
	origin, rest, _ := strings.Cut(signed.Text, "\n")
	if origin != verifier.Name() {
		return Head{}, fmt.Errorf("it is the head of %q, not of %q", origin, verifier.Name())
	}
	// tlog knows one log only, whose origin this is.
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + rest))
	if err != nil {
		return Head{}, err
	}
	return Head{Origin: origin, Size: tree.N, Hash: tree.Hash, Note: b}, nil
}

// Entry returns the entry at index i, checked against the tree head.
func (l *Ledger) Entry(i int64) ([]byte, error) {
	h, err := l.Head()
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= h.Size {
		return nil, fmt.Errorf("read entry %d of ledger %s: it has %d", i, l.dir, h.Size)
	}
	all, err := l.bundle(h, i/bundleWidth, l.hashes(h))
	if err != nil {
		return nil, err
	}
	return all[i%bundleWidth], nil
}

// Entries yields the entries from index from on, each checked against the
// tree head of the moment when the loop began. An error ends it.
func (l *Ledger) Entries(ctx context.Context, from int64) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		h, err := l.Head()
		if err != nil {
			yield(Stored{}, err)
			return
		}
		hashes := l.hashes(h)
		for i := max(from, 0); i < h.Size; {
			if err := ctx.Err(); err != nil {
				yield(Stored{}, err)
				return
			}
			all, err := l.bundle(h, i/bundleWidth, hashes)
			if err != nil {
				yield(Stored{}, err)
				return
			}
			for _, data := range all[i%bundleWidth:] {
				if !yield(Stored{i, data}, nil) {
					return
				}
				i++
			}
		}
	}
}

// Verify checks the signature of the tree head, that every entry is in the
// tree, that the tree continues the last head that was remembered, and that
// what the next Append starts from continues the tree. Then it remembers this
// head, unless the folder cannot be written to.
func (l *Ledger) Verify(ctx context.Context) error {
	for _, err := range l.Entries(ctx, 0) {
		if err != nil {
			return err
		}
	}
	h, err := l.continued()
	if err != nil {
		return err
	}
	if err := l.checkState(h); err != nil {
		return err
	}
	// Forgetting only means that a later Verify compares with an older head.
	_ = l.remember(h)
	return nil
}

// continued returns the head, or an error unless it continues the remembered
// one. That is read first: meanwhile others may append and remember more.
func (l *Ledger) continued() (Head, error) {
	old, err := l.remembered()
	if err != nil {
		return Head{}, err
	}
	h, err := l.Head()
	if err != nil {
		return Head{}, err
	}
	return h, l.extends(old, h)
}

// extends returns an error unless the tree of h begins with that of old.
func (l *Ledger) extends(old, h Head) error {
	if old.Size == 0 {
		return nil
	}
	if h.Size < old.Size {
		return fmt.Errorf("check ledger %s: it has %d entries and once had %d: it was cut back", l.dir, h.Size, old.Size)
	}
	proof, err := tlog.ProveTree(h.Size, old.Size, l.hashes(h))
	if err == nil {
		err = tlog.CheckTree(proof, h.Size, h.Hash, old.Size, old.Hash)
	}
	if err != nil {
		return fmt.Errorf("check ledger %s: entries before %d were changed: %w", l.dir, old.Size, err)
	}
	return nil
}

// checkState returns an error unless the tree that Tessera will append to, of
// which the newest entries may not be published yet, continues h.
func (l *Ledger) checkState(h Head) error {
	b, err := os.ReadFile(l.path(logName, ".state", "treeState"))
	if errors.Is(err, fs.ErrNotExist) && h.Size == 0 {
		return nil
	}
	var state struct {
		Size int64     `json:"size"`
		Root tlog.Hash `json:"root"`
	}
	if err == nil {
		err = json.Unmarshal(b, &state)
	}
	if err != nil {
		return fmt.Errorf("check ledger %s: what it appends to: %w", l.dir, err)
	}
	return l.extends(h, Head{Size: state.Size, Hash: state.Root})
}

// remembered returns the head in the file head, or one of size 0.
func (l *Ledger) remembered() (Head, error) {
	b, err := os.ReadFile(l.path(headName))
	if errors.Is(err, fs.ErrNotExist) {
		return Head{}, nil
	}
	if err != nil {
		return Head{}, fmt.Errorf("check ledger %s: %w", l.dir, err)
	}
	key, err := l.Key()
	if err != nil {
		return Head{}, err
	}
	h, err := ParseHead(b, key)
	if err != nil {
		return Head{}, fmt.Errorf("check ledger %s: the remembered head: %w", l.dir, err)
	}
	return h, nil
}

// verifierKey derives the verifier key from a signing key, which note writes
// as PRIVATE+KEY+name+hash+base64 of the algorithm's byte and the seed.
func verifierKey(signer string) (string, error) {
	parts := strings.SplitN(signer, "+", 5)
	if len(parts) != 5 {
		return "", errors.New("the signing key is damaged")
	}
	seed, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return "", errors.New("the signing key is damaged")
	}
	public := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	return note.NewEd25519VerifierKey(parts[2], public)
}
