package serve

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Key lets a principal use the APIs. The key itself is not kept.
type Key struct {
	Principal string
	SHA256    [sha256.Size]byte // of the key
}

// CheckAddr returns an error if listening on addr (host and port) without
// credentials would let others in.
func CheckAddr(addr string, credentials bool) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("listen on %q: %w", addr, err)
	}
	if credentials || isLoopback(host) {
		return nil
	}
	return fmt.Errorf("listen on %s: others could reach it and there are no credentials: set a key, or listen on 127.0.0.1", addr)
}

// isLoopback reports whether host is this machine alone.
func isLoopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761 section 6.3
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// guard lets a request in if it was meant for this server (a foreign name that
// points here is DNS rebinding) and, where it may change something, if no
// foreign page sent it. No answer may be framed, sniffed or read by others.
func (s *Server) guard(next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !s.meant(r) {
			s.refuse(w, r, &failure{
				status: http.StatusForbidden, code: "foreign_host",
				message: fmt.Sprintf("this server is not called %.100q: use localhost, or name it when the server is started", r.Host),
			})
			return
		}
		if err := origins.Check(r); err != nil {
			s.refuse(w, r, &failure{status: http.StatusForbidden, code: "foreign_origin", message: "a page from elsewhere may not use this server"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// meant reports whether the Host header names this server: as loopback, by the
// address that was called, or by a name of the configuration.
func (s *Server) meant(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if isLoopback(host) {
		return true
	}
	for _, name := range s.config.Hosts {
		if strings.EqualFold(host, name) {
			return true
		}
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

type principalKey struct{}

// principal returns who sent the request: empty if there are no keys.
func principal(ctx context.Context) string {
	name, _ := ctx.Value(principalKey{}).(string)
	return name
}

// authorised asks for a key, if there are any.
func (s *Server) authorised(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(s.config.Keys) > 0 {
			name, ok := s.identify(r.Header.Get("Authorization"))
			if !ok {
				w.Header().Set("WWW-Authenticate", "Bearer")
				s.refuse(w, r, &failure{
					status: http.StatusUnauthorized, code: "invalid_api_key",
					message: "a key is needed: send it as Authorization: Bearer KEY",
				})
				return
			}
			r = r.WithContext(context.WithValue(r.Context(), principalKey{}, name))
		}
		next(w, r)
	})
}

// identify compares with every key, in a time that does not depend on which
// or how much of one fits.
func (s *Server) identify(header string) (name string, ok bool) {
	scheme, key, _ := strings.Cut(header, " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(key)))
	found := -1
	for i, k := range s.config.Keys {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(sum[:], k.SHA256[:]), i, found)
	}
	if found < 0 || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return s.config.Keys[found].Principal, true
}
