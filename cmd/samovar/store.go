package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"syscall"

	"samovar"
	"samovar/ledger"
	"samovar/registry"
)

// store is the registry with the ledger that lies beside it: what a brew works
// on.
type store struct {
	*registry.Store
	ledger *ledger.Ledger
}

// open opens the store and its ledger. A store that cannot be written to can
// still be read: whatever would change it is refused then.
func (g *globals) open() (*store, error) {
	dir := g.StoreDir
	if dir == "" {
		var err error
		if dir, err = registry.DefaultDir(); err != nil {
			return nil, err
		}
	}
	s, err := registry.Open(dir)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		if readable, e := registry.OpenReadOnly(dir); e == nil {
			s, err = readable, nil
		}
	}
	if err != nil {
		return nil, err
	}
	l, err := ledger.Open(filepath.Join(s.Dir(), "ledger"))
	if err != nil {
		return nil, err
	}
	return &store{s, l}, nil
}

// hold opens the store and keeps gc from it until end.
func (g *globals) hold() (s *store, end func(*error), err error) {
	if s, err = g.open(); err != nil {
		return nil, nil, err
	}
	release, err := s.Hold(g.ctx)
	if err != nil {
		s.close(&err)
		return nil, nil, err
	}
	return s, func(err *error) {
		release()
		s.close(err)
	}, nil
}

// Finished returns the output of the run with that key.
func (s *store) Finished(key samovar.Digest) (out samovar.Input, run samovar.Run, ok bool, err error) {
	d, ok := s.Store.Finished(key)
	if !ok {
		return out, run, false, nil
	}
	if run, err = s.record(d); err != nil {
		return out, run, false, err
	}
	out, err = s.Input(run.Outputs[0])
	return out, run, err == nil, err
}

// record reads a run record.
func (s *store) record(d samovar.Digest) (run samovar.Run, err error) {
	text, err := s.Blob(d)
	if err != nil {
		return run, fmt.Errorf("read run record %s: %w", d.Short(), err)
	}
	if err := json.Unmarshal(text, &run); err != nil {
		return run, fmt.Errorf("read run record %s: %w", d.Short(), err)
	}
	if len(run.Outputs) == 0 {
		return run, fmt.Errorf("read run record %s: it has no output", d.Short())
	}
	return run, nil
}

// Finish keeps a run: blobs first, then the entry with its tree head, then the
// key under which the run is found.
func (s *store) Finish(ctx context.Context, run samovar.Run, out samovar.Output) (in samovar.Input, _ samovar.Run, err error) {
	beside := out.Beside
	out.Beside = nil
	run.Outputs = nil
	for _, o := range append([]samovar.Output{out}, beside...) {
		a, err := s.Put(ctx, o)
		if err != nil {
			return in, run, err
		}
		run.Outputs = append(run.Outputs, a.Digest)
	}
	d, err := s.append(ctx, &run)
	if err != nil {
		return in, run, err
	}
	if err := s.Store.Finish(run.Key, d); err != nil {
		return in, run, err
	}
	in, err = s.Input(run.Outputs[0])
	return in, run, err
}

// append stores a run record and enters it in the ledger.
func (s *store) append(ctx context.Context, run *samovar.Run) (samovar.Digest, error) {
	text, err := json.Marshal(run)
	if err != nil {
		return "", fmt.Errorf("encode the run record: %w", err)
	}
	d, err := s.PutBlob(text)
	if err != nil {
		return "", err
	}
	entry, err := ledger.RunEntry(*run, d).Encode()
	if err != nil {
		return "", err
	}
	i, err := s.ledger.Append(ctx, entry)
	if err != nil {
		return "", fmt.Errorf("enter the run in the ledger: %w", err)
	}
	run.ID, run.Entry = strconv.FormatInt(i, 10), &i
	return d, nil
}

// close ends appending; err is what the caller returns otherwise.
func (s *store) close(err *error) { *err = errors.Join(*err, s.ledger.Close()) }

// runs yields every run of the ledger in order, with the digest of its record
// and its place.
func (s *store) runs(ctx context.Context, yield func(record samovar.Digest, run samovar.Run) error) error {
	for e, err := range s.ledger.Entries(ctx, 0) {
		if err != nil {
			return fmt.Errorf("read the ledger: %w", err)
		}
		entry, err := ledger.ParseEntry(e.Data)
		if err != nil {
			return fmt.Errorf("read entry %d of the ledger: %w", e.Index, err)
		}
		if entry.Type != ledger.TypeRun {
			continue
		}
		run, err := s.record(entry.Run)
		if err != nil {
			return err
		}
		i := e.Index
		run.ID, run.Entry = strconv.FormatInt(i, 10), &i
		if err := yield(entry.Run, run); err != nil {
			return err
		}
	}
	return nil
}

// makers returns the first run that made each artifact.
func (s *store) makers(ctx context.Context) (map[samovar.Digest]samovar.Run, error) {
	all := map[samovar.Digest]samovar.Run{}
	err := s.runs(ctx, func(_ samovar.Digest, r samovar.Run) error {
		for _, d := range r.Outputs {
			if _, ok := all[d]; !ok {
				all[d] = r
			}
		}
		return nil
	})
	return all, err
}
