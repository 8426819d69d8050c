// Package opaque is a device for tests whose memory cannot be reached from Go
// but through its methods, as that of an accelerator: what works on it assumes
// nothing about buffers. It computes nothing itself. Start with [New].
package opaque

import (
	"fmt"

	"samovar/compute"
	"samovar/compute/kernel"
)

// New returns a device that computes on dev and hides dev's buffers.
func New(dev compute.Device) compute.Device { return &device{dev} }

type device struct{ inner compute.Device }

// handle stands for a buffer. It holds no memory, only where it is.
type handle struct{ inner compute.Buffer }

func (d *device) Name() string     { return "opaque " + d.inner.Name() }
func (d *device) Numerics() string { return d.inner.Numerics() }
func (d *device) Close()           {} // the inner device belongs to whoever opened it

func (d *device) Alloc(n int) (compute.Buffer, error) {
	b, err := d.inner.Alloc(n)
	if err != nil {
		return nil, err
	}
	return &handle{b}, nil
}

// Load copies data, as a device with memory of its own does: what happens to it
// afterwards must not matter.
func (d *device) Load(format kernel.Format, rows, cols int, data []byte, read func()) (compute.Buffer, error) {
	b, err := d.inner.Load(format, rows, cols, append([]byte(nil), data...), nil)
	if read != nil {
		read()
	}
	if err != nil {
		return nil, err
	}
	return &handle{b}, nil
}

func (d *device) Prepare(p *compute.Program, m compute.Memory) (compute.Exec, error) {
	bind := map[compute.Slot]compute.Buffer{}
	for s, b := range m.Bind {
		h, ok := b.(*handle)
		if !ok {
			return nil, fmt.Errorf("%T is not memory of this device", b)
		}
		bind[s] = h.inner
	}
	m.Bind = bind
	var pages []compute.Buffer
	for _, b := range m.Pages {
		h, ok := b.(*handle)
		if !ok {
			return nil, fmt.Errorf("%T is not memory of this device", b)
		}
		pages = append(pages, h.inner)
	}
	m.Pages = pages
	return d.inner.Prepare(p, m)
}

func (h *handle) Len() int                              { return h.inner.Len() }
func (h *handle) Read(offset int, dst []float32) error  { return h.inner.Read(offset, dst) }
func (h *handle) Write(offset int, src []float32) error { return h.inner.Write(offset, src) }
func (h *handle) Free()                                 { h.inner.Free() }

func (h *handle) Slice(offset, n int) (compute.Buffer, error) {
	b, err := h.inner.Slice(offset, n)
	if err != nil {
		return nil, err
	}
	return &handle{b}, nil
}
