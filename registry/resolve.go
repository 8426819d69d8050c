package registry

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"samovar"
)

var (
	namePattern   = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,127}$`)
	prefixPattern = regexp.MustCompile(`^[0-9a-f]{8,64}$`)
)

// refOf maps NAME and NAME:TAG to the name that the index has: names carry no
// colon there, so NAME:TAG is NAME-TAG.
func refOf(name string) (string, error) {
	ref := name
	if before, after, ok := strings.Cut(name, ":"); ok && after != "" {
		ref = before + "-" + after
	}
	if !namePattern.MatchString(ref) {
		return "", fmt.Errorf("%q cannot be a name: lower-case letters, digits, '.', '_' and '-' are allowed, at most 128, the first a letter or digit", name)
	}
	return ref, nil
}

// Resolve returns the artifact that ref means: NAME, NAME:TAG, a digest, or
// the first eight or more digits of one.
func (s *Store) Resolve(ref string) (samovar.Digest, error) {
	manifests, err := s.index()
	if err != nil {
		return "", err
	}
	if d, err := samovar.ParseDigest(ref); err == nil {
		path, err := s.blobPath(d)
		if err != nil {
			return "", err
		}
		if _, err := os.Lstat(path); err != nil {
			return "", fmt.Errorf("find %s in %s: %w", d.Short(), s.dir, ErrUnknown)
		}
		return d, nil
	}
	digits := strings.TrimPrefix(ref, "sha256:")
	name, nameErr := refOf(ref)
	if nameErr == nil {
		for _, m := range manifests {
			if refName(m) == name {
				return samovar.Digest(m.Digest), nil
			}
		}
	}
	if prefixPattern.MatchString(digits) {
		return s.byPrefix(digits, manifests)
	}
	if nameErr != nil {
		return "", nameErr
	}
	return "", fmt.Errorf("find %s in %s: %w", ref, s.dir, unknownName(name, manifests))
}

func (s *Store) byPrefix(digits string, manifests []ocispec.Descriptor) (samovar.Digest, error) {
	var found []samovar.Digest
	for _, m := range manifests {
		if d := samovar.Digest(m.Digest); strings.HasPrefix(d.Hex(), digits) && !slices.Contains(found, d) {
			found = append(found, d)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("find %s in %s: %w: no digest begins so", digits, s.dir, ErrUnknown)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("find %s in %s: %d digests begin so: give more digits", digits, s.dir, len(found))
}

// unknownName is ErrUnknown with the three nearest names that are known.
func unknownName(name string, manifests []ocispec.Descriptor) error {
	type near struct {
		name     string
		distance int
	}
	var known []near
	for _, m := range manifests {
		if n := refName(m); n != "" {
			known = append(known, near{n, distance(name, n)})
		}
	}
	if len(known) == 0 {
		return fmt.Errorf("%w: it has no names yet", ErrUnknown)
	}
	slices.SortFunc(known, func(a, b near) int {
		if a.distance != b.distance {
			return a.distance - b.distance
		}
		return strings.Compare(a.name, b.name)
	})
	var names []string
	for _, k := range known[:min(3, len(known))] {
		names = append(names, k.name)
	}
	return fmt.Errorf("%w: the nearest names are %s", ErrUnknown, strings.Join(names, ", "))
}

// distance is the edits that turn a into b, less where one begins with the other.
func distance(a, b string) int {
	if strings.HasPrefix(b, a) || strings.HasPrefix(a, b) {
		return 1
	}
	return samovar.Edits(a, b)
}
