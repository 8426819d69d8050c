package foxglove

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/coder/websocket"
)

// own are the origins of Foxglove itself: its page, and its program, whose pages are
// files.
var own = []string{"https://app.foxglove.dev", "file://"}

// ServeHTTP lets a client in.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !s.meant(r):
		http.Error(w, fmt.Sprintf("this server is not called %.100q: use localhost, or name it when the server is started", r.Host), http.StatusForbidden)
		return
	case !s.welcome(r.Header.Get("Origin")):
		http.Error(w, fmt.Sprintf("pages of %.100q may not look on: name them when the server is started", r.Header.Get("Origin")), http.StatusForbidden)
		return
	case !spoken(r):
		http.Error(w, "this is a websocket of "+strings.Join(protocols, " or ")+": open it in Foxglove", http.StatusBadRequest)
		return
	}
	if err := s.enter(); err != nil {
		http.Error(w, err.Error()+": close another one first", http.StatusServiceUnavailable)
		return
	}
	defer s.leave()
	// Its own check would let in whatever page was called by the name it calls this
	// server by.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: protocols, InsecureSkipVerify: true})
	if err != nil {
		return // it has answered
	}
	defer conn.CloseNow()
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	s.newClient(conn, cancel).run(ctx)
}

// spoken reports whether a request is for a protocol that is spoken.
func spoken(r *http.Request) bool {
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for name := range strings.SplitSeq(line, ",") {
			if slices.Contains(protocols, strings.TrimSpace(name)) {
				return true
			}
		}
	}
	return false
}

// welcome reports whether pages of an origin may connect. What is no browser has none.
func (s *Server) welcome(origin string) bool {
	if origin == "" || slices.Contains(own, origin) || slices.Contains(s.config.Origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && loopback(u.Hostname())
}

// meant reports whether a request names this server: a foreign name that leads here is
// a page that wants to look like this server's own.
func (s *Server) meant(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if loopback(host) || slices.ContainsFunc(s.config.Hosts, func(name string) bool { return strings.EqualFold(name, host) }) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	called, err := netip.ParseAddrPort(local.String())
	return err == nil && called.Addr().Unmap() == ip.Unmap()
}

// loopback reports whether a host is this machine alone.
func loopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761 section 6.3
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
