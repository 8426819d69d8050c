package stage

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"samovar/robot/dance"
	"samovar/robot/live"
	"samovar/robot/music"
)

// Bounds of what people may bring.
const (
	mostSong  = 64 << 20 // bytes
	mostSongs = 16       // the oldest makes room
	mostName  = 100      // letters
)

// song is a song with what is heard in it.
type song struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Tempo   float64 `json:"tempo"`
	Meter   int     `json:"meter"`
	Sure    bool    `json:"sure"` // that there is a beat

	file     []byte
	analysis music.Analysis
}

// songs are those that people have brought, in their order.
type songs struct {
	mu  sync.Mutex
	all []*song
}

func (s *songs) list() []*song {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*song{}, s.all...)
}

func (s *songs) find(id string) (*song, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.all {
		if x.ID == id {
			return x, nil
		}
	}
	return nil, missing("no_song", "there is no song %q: bring it again", id)
}

// add keeps a song, once.
func (s *songs) add(x *song) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, y := range s.all {
		if y.ID == x.ID {
			return
		}
	}
	if s.all = append(s.all, x); len(s.all) > mostSongs {
		s.all = s.all[1:]
	}
}

// addSong takes a song in and listens to it.
func (s *Server) addSong(w http.ResponseWriter, r *http.Request) (any, error) {
	name := nameOf(r.Header.Get("X-Name"))
	file, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostSong))
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return nil, failure{http.StatusRequestEntityTooLarge, "song_large", name, fmt.Errorf("a song may have %d MB: cut or compress it", mostSong>>20)}
	}
	if err != nil {
		return nil, bad("bad_request", "read the song: %v", err)
	}
	sum := sha256.Sum256(file)
	x := &song{ID: hex.EncodeToString(sum[:6]), Name: name, file: file}
	samples, err := music.Decode(bytes.NewReader(file))
	if err == nil {
		x.analysis, err = music.Analyse(samples, music.Rate)
	}
	switch {
	case errors.Is(err, music.ErrLong):
		return nil, bad("song_long", "listen to %s: %v", x.Name, err).about(name)
	case err != nil:
		return nil, bad("song_unread", "listen to %s: %v", x.Name, err).about(name)
	}
	x.Seconds, x.Tempo, x.Meter, x.Sure = x.analysis.Seconds, x.analysis.Tempo, x.analysis.Meter, x.analysis.Confidence >= music.Sure
	s.songs.add(x)
	s.events.send("songs", s.songs.list())
	return x, nil
}

// nameOf is the name that a song is shown by, of one that is written as in a URL.
func nameOf(name string) string {
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	if name == "." || name == "/" {
		name = "a song"
	}
	letters := []rune(name)
	return string(letters[:min(len(letters), mostName)])
}

func (s *Server) serveSong(w http.ResponseWriter, r *http.Request) {
	x, err := s.songs.find(r.PathValue("id"))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(x.file))
}

// load is the time that a page has to load a song before it begins, s.
const load = 1.5

// dance has the robot dance to a song.
func (s *Server) dance(w http.ResponseWriter, r *http.Request) (any, error) {
	var ask struct {
		Song string `json:"song"`
		Seed uint64 `json:"seed"`
	}
	if err := read(w, r, &ask); err != nil {
		return nil, err
	}
	return done, s.danceTo(ask.Song, ask.Seed)
}

func (s *Server) danceTo(id string, seed uint64) error {
	x, err := s.songs.find(id)
	if err != nil {
		return err
	}
	d, err := dance.Compose(&x.analysis, seed)
	switch {
	case err != nil && !(x.analysis.Confidence >= music.Sure):
		return bad("no_beat", "dance to %s: %v", x.Name, err).about(x.Name)
	case err != nil:
		return bad("song_short", "dance to %s: %v", x.Name, err).about(x.Name)
	}
	m, err := dance.New(d, s.config.Robot.Info())
	if err != nil {
		return err
	}
	s.silence()
	return conflict(s.config.Robot.Perform(live.Act{Name: "dancing", Motion: m, Seconds: m.Seconds(), Song: x.ID, Lead: load}))
}
