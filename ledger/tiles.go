package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// tileHeight is that of C2SP tlog-tiles; a full tile or bundle has 2^8 entries.
const (
	tileHeight  = 8
	bundleWidth = 1 << tileHeight
)

// tiles reads the tiles of a log, for tlog to check.
type tiles struct{ dir string }

func (t tiles) Height() int { return tileHeight }

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t tiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(list))
	for i, tile := range list {
		b, err := t.read(tile, bundleWidth*tlog.HashSize)
		if err != nil {
			return nil, err
		}
		if want := tile.W * tlog.HashSize; len(b) < want {
			return nil, fmt.Errorf("%s has %d bytes, not %d", tilePath(tile), len(b), want)
		} else {
			data[i] = b[:want]
		}
	}
	return data, nil
}

// read returns the file of a tile or bundle, at most limit bytes. A partial
// one is removed once the full one is there, which begins with the same bytes.
func (t tiles) read(tile tlog.Tile, limit int64) ([]byte, error) {
	path := filepath.Join(t.dir, tilePath(tile))
	fi, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && tile.W < bundleWidth {
		tile.W = bundleWidth
		path = filepath.Join(t.dir, tilePath(tile))
		fi, err = os.Stat(path)
	}
	if err != nil {
		return nil, err
	}
	if fi.Size() > limit {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", path, fi.Size(), limit)
	}
	return os.ReadFile(path)
}

// tilePath maps the paths of Go's checksum database to those of tlog-tiles,
// which leave out the height and have entries for data.
func tilePath(tile tlog.Tile) string {
	rest := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
	if data, ok := strings.CutPrefix(rest, "data/"); ok {
		rest = "entries/" + data
	}
	return filepath.FromSlash("tile/" + rest)
}

// hashes reads the tree's hashes, each checked against the head.
func (l *Ledger) hashes(h Head) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: h.Size, Hash: h.Hash}, tiles{l.path(logName)})
}

// bundle returns the entries from n*256 on, up to 256 or the end of the tree,
// each checked against the head.
func (l *Ledger) bundle(h Head, n int64, hashes tlog.HashReader) ([][]byte, error) {
	first := n * bundleWidth
	width := min(h.Size-first, bundleWidth)
	tile := tlog.Tile{H: tileHeight, L: -1, N: n, W: int(width)}
	b, err := tiles{l.path(logName)}.read(tile, bundleWidth*(2+1<<16))
	var entries [][]byte
	if err == nil {
		entries, err = splitBundle(b, int(width))
	}
	if err != nil {
		return nil, fmt.Errorf("read entries %d to %d of ledger %s: %w", first, first+width-1, l.dir, err)
	}
	indexes := make([]int64, width)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
	}
	want, err := hashes.ReadHashes(indexes)
	if err != nil {
		return nil, fmt.Errorf("read the tree of ledger %s: %w", l.dir, err)
	}
	for i, e := range entries {
		if tlog.RecordHash(e) != want[i] {
			return nil, fmt.Errorf("read entry %d of ledger %s: it is not the one in the tree: it was changed", first+int64(i), l.dir)
		}
	}
	return entries, nil
}

// splitBundle returns the first n entries of a bundle: each is its length in
// two bytes, big-endian, and its bytes.
func splitBundle(b []byte, n int) ([][]byte, error) {
	entries := make([][]byte, 0, n)
	for len(entries) < n {
		if len(b) < 2 {
			return nil, fmt.Errorf("the bundle has %d entries, not %d", len(entries), n)
		}
		size := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; len(b) < size {
			return nil, fmt.Errorf("entry %d of the bundle is cut short", len(entries))
		}
		entries = append(entries, b[:size:size])
		b = b[size:]
	}
	return entries, nil
}
