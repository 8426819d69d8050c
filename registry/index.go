package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"samovar"
)

// annotationSum binds a tag's name to its digest, so that Verify notices a
// flipped bit in a name.
const annotationSum = "samovar.sum"

// maxIndex bounds index.json, which is read into memory.
const maxIndex = 64 << 20

// Tag is a name for an artifact, as OCI tools see it: without a colon.
type Tag struct {
	Name   string         `json:"name"`
	Digest samovar.Digest `json:"digest"`
}

func tagSum(name string, d samovar.Digest) string {
	return samovar.DigestOf([]byte(name + "\n" + string(d))).Hex()[:16]
}

// encodeIndex returns the bytes of index.json, sorted by tag and digest.
func encodeIndex(manifests []ocispec.Descriptor) []byte {
	manifests = append([]ocispec.Descriptor{}, manifests...)
	slices.SortFunc(manifests, func(a, b ocispec.Descriptor) int {
		if c := strings.Compare(refName(a), refName(b)); c != 0 {
			return c
		}
		return strings.Compare(string(a.Digest), string(b.Digest))
	})
	b, err := encode(ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageIndex,
		Manifests: manifests,
	})
	if err != nil {
		panic("registry: descriptors always have a JSON form: " + err.Error())
	}
	return b
}

func refName(d ocispec.Descriptor) string { return d.Annotations[ocispec.AnnotationRefName] }

// index reads index.json, which a rename replaces as a whole: no lock is needed.
func (s *Store) index() ([]ocispec.Descriptor, error) {
	b, err := readFile(filepath.Join(s.dir, indexName), maxIndex)
	if err != nil {
		return nil, fmt.Errorf("read the index of %s: %w", s.dir, err)
	}
	manifests, err := parseIndex(b)
	if err != nil {
		return nil, fmt.Errorf("read the index of %s: %w: it is damaged: run samovar verify", s.dir, err)
	}
	return manifests, nil
}

func parseIndex(b []byte) ([]ocispec.Descriptor, error) {
	var index ocispec.Index
	if err := json.Unmarshal(b, &index); err != nil {
		return nil, err
	}
	for _, m := range index.Manifests {
		if _, err := samovar.ParseDigest(string(m.Digest)); err != nil {
			return nil, err
		}
	}
	return index.Manifests, nil
}

// update changes index.json under its lock; change gets what is there now.
func (s *Store) update(ctx context.Context, change func([]ocispec.Descriptor) ([]ocispec.Descriptor, error)) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	manifests, err := s.index()
	if err != nil {
		return err
	}
	if manifests, err = change(manifests); err != nil {
		return err
	}
	return s.replace(indexName, encodeIndex(manifests))
}

// addManifest enters an artifact without a name, unless it is entered already.
func (s *Store) addManifest(ctx context.Context, d samovar.Digest, size int64) error {
	if known, err := s.index(); err == nil && find(known, d) >= 0 {
		return nil
	}
	return s.update(ctx, func(manifests []ocispec.Descriptor) ([]ocispec.Descriptor, error) {
		if find(manifests, d) >= 0 {
			return manifests, nil
		}
		desc := describe(ocispec.MediaTypeImageManifest, d, size)
		desc.ArtifactType = typeManifest
		return append(manifests, desc), nil
	})
}

func find(manifests []ocispec.Descriptor, d samovar.Digest) int {
	return slices.IndexFunc(manifests, func(m ocispec.Descriptor) bool { return string(m.Digest) == string(d) })
}

// Tag gives the artifact d the name, NAME or NAME:TAG, and takes it from
// whichever had it.
func (s *Store) Tag(name string, d samovar.Digest) error {
	name, err := refOf(name)
	if err != nil {
		return err
	}
	action := fmt.Sprintf("tag %s as %s", d.Short(), name)
	if err := s.writable(action); err != nil {
		return err
	}
	release, err := s.Hold(context.Background()) // GC must see the name or nothing
	if err != nil {
		return err
	}
	defer release()
	if _, err := s.manifest(d); err != nil {
		return fmt.Errorf("tag %s: %w", name, err)
	}
	err = s.update(context.Background(), func(manifests []ocispec.Descriptor) ([]ocispec.Descriptor, error) {
		i := find(manifests, d)
		if i < 0 {
			return nil, fmt.Errorf("%s is not in the index: %w", d.Short(), ErrUnknown)
		}
		desc := manifests[i]
		manifests = untag(manifests, name)
		// An entry without a name has served its purpose.
		manifests = slices.DeleteFunc(manifests, func(m ocispec.Descriptor) bool {
			return m.Digest == desc.Digest && refName(m) == ""
		})
		desc.Annotations = map[string]string{ocispec.AnnotationRefName: name, annotationSum: tagSum(name, d)}
		return append(manifests, desc), nil
	})
	if err != nil {
		return s.failed(action, err)
	}
	return nil
}

// untag takes the name from whichever has it; an artifact that loses its last
// name stays in the index without one.
func untag(manifests []ocispec.Descriptor, name string) []ocispec.Descriptor {
	i := slices.IndexFunc(manifests, func(m ocispec.Descriptor) bool { return refName(m) == name })
	if i < 0 {
		return manifests
	}
	desc := manifests[i]
	manifests = slices.Delete(manifests, i, i+1)
	if find(manifests, samovar.Digest(desc.Digest)) < 0 {
		desc.Annotations = nil
		manifests = append(manifests, desc)
	}
	return manifests
}

// Untag removes a name, not the artifact.
func (s *Store) Untag(name string) error {
	name, err := refOf(name)
	if err != nil {
		return err
	}
	action := "remove the name " + name
	if err := s.writable(action); err != nil {
		return err
	}
	err = s.update(context.Background(), func(manifests []ocispec.Descriptor) ([]ocispec.Descriptor, error) {
		if !slices.ContainsFunc(manifests, func(m ocispec.Descriptor) bool { return refName(m) == name }) {
			return nil, unknownName(name, manifests)
		}
		return untag(manifests, name), nil
	})
	if err != nil {
		return s.failed(action, err)
	}
	return nil
}

// Tags returns all names, sorted.
func (s *Store) Tags() ([]Tag, error) {
	manifests, err := s.index()
	if err != nil {
		return nil, err
	}
	var tags []Tag
	for _, m := range manifests {
		if name := refName(m); name != "" {
			tags = append(tags, Tag{name, samovar.Digest(m.Digest)})
		}
	}
	slices.SortFunc(tags, func(a, b Tag) int { return strings.Compare(a.Name, b.Name) })
	return tags, nil
}

// Manifests returns the digests of all artifacts, named or not, sorted.
func (s *Store) Manifests() ([]samovar.Digest, error) {
	manifests, err := s.index()
	if err != nil {
		return nil, err
	}
	var all []samovar.Digest
	for _, m := range manifests {
		all = append(all, samovar.Digest(m.Digest))
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
