package document

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/klippa-app/go-pdfium"
	pdfium_errors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// PDFs are read by PDFium, which runs as WebAssembly: a file that overwrites
// its memory overwrites nothing of ours, and each file has memory of its own,
// so that none changes what is read from the next.
const (
	sandboxPages = 4096            // of 64 KiB: 256 MiB for one file and all that it expands to
	sandboxes    = 4               // at once
	pdfLimit     = 5 * time.Minute // for one file, beyond which reading is given up with an error: see readPDF
)

// sandbox starts PDFium when the first PDF comes.
type sandbox struct {
	mu   sync.Mutex
	pool pdfium.Pool
}

// compiled keeps PDFium's machine code, which takes seconds to make, for as long
// as the process lasts.
var compiled = sync.OnceValue(wazero.NewCompilationCache)

// noRandom is PDFium's source of random numbers: the same file gives the same text.
type noRandom struct{}

func (noRandom) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func (s *sandbox) instance(ctx context.Context) (pdfium.Pdfium, error) {
	s.mu.Lock()
	if s.pool == nil {
		pool, err := webassembly.Init(webassembly.Config{
			Context:  withMemory(ctx),
			MaxTotal: min(sandboxes, runtime.GOMAXPROCS(0)),
			RuntimeConfig: wazero.NewRuntimeConfig().
				WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling).
				WithMemoryLimitPages(sandboxPages).
				WithCloseOnContextDone(true).
				WithCompilationCache(compiled()),
			FSConfig: wazero.NewFSConfig(), // no folder
			Stdout:   io.Discard, Stderr: io.Discard, RandomSource: noRandom{},
		})
		if err != nil {
			s.mu.Unlock()
			return nil, err
		}
		s.pool = pool
	}
	pool := s.pool
	s.mu.Unlock()
	return pool.GetInstanceWithContext(ctx)
}

func (s *sandbox) close() error {
	if s.pool == nil {
		return nil
	}
	return s.pool.Close()
}

// readPDF returns the text of a PDF's pages.
//
// What a file may take is bounded by memory, pages and text, which are the same
// on every machine. Time is not: a file that exceeds pdfLimit ends the run with
// an error instead of being passed over, lest a slow machine make another corpus.
func (r *Reader) readPDF(data []byte) ([]byte, error) {
	doc, err := r.pdf.instance(r.ctx)
	if err != nil {
		return nil, first(r.ctx.Err(), fmt.Errorf("start PDFium: %w", err))
	}
	defer doc.Close()
	late := make(chan struct{})
	timer := time.AfterFunc(pdfLimit, func() {
		close(late)
		doc.Kill()
	})
	defer timer.Stop()
	pages, err := pagesOf(doc, data)
	if err != nil {
		select {
		case <-late:
			return nil, fmt.Errorf("this PDF takes longer than %v: take it out", pdfLimit)
		default:
			return nil, first(r.ctx.Err(), err)
		}
	}
	return flow(pages)
}

// pagesOf returns the text of each page that can be read.
func pagesOf(doc pdfium.Pdfium, data []byte) ([]string, error) {
	opened, err := doc.OpenDocument(&requests.OpenDocument{File: &data})
	switch {
	case errors.Is(err, pdfium_errors.ErrPassword), errors.Is(err, pdfium_errors.ErrSecurity):
		return nil, Refused("encrypted PDF")
	case err != nil:
		return nil, damaged(PDF)
	}
	count, err := doc.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: opened.Document})
	switch {
	case err != nil || count.PageCount < 1:
		return nil, damaged(PDF)
	case count.PageCount > maxParts:
		return nil, TooLarge(PDF)
	}
	var pages []string
	size := 0
	for i := range count.PageCount {
		page := requests.Page{ByIndex: &requests.PageByIndex{Document: opened.Document, Index: i}}
		text, err := doc.GetPageText(&requests.GetPageText{Page: page})
		if errors.Is(err, pdfium_errors.ErrPage) {
			continue
		}
		if err != nil { // PDFium has stopped: out of memory, more often than not
			return nil, Refused("damaged or " + tooBig + " PDF")
		}
		if size += len(text.Text); size > maxText {
			return nil, TooLarge(PDF)
		}
		pages = append(pages, text.Text)
	}
	return pages, nil
}

// first returns the first error that is not nil.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
