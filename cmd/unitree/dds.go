//go:build cyclone

package main

/*
#cgo LDFLAGS: -lddsc
#include <stdlib.h>
#include "dds.h"
#include "dds/dds.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"html"
	"time"
	"unsafe"
)

// configured is Cyclone's configuration for an interface. The loopback has no multicast:
// programs of this computer find each other by their ports.
func configured(network string) string {
	if network == loopback {
		return `<CycloneDDS><Domain><General><Interfaces><NetworkInterface address="127.0.0.1" multicast="false"/></Interfaces><AllowMulticast>false</AllowMulticast></General>` +
			`<Discovery><ParticipantIndex>auto</ParticipantIndex><Peers><Peer Address="127.0.0.1"/></Peers></Discovery></Domain></CycloneDDS>`
	}
	return `<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="` + html.EscapeString(network) + `"/></Interfaces></General></Domain></CycloneDDS>`
}

// dds is a bus of Cyclone DDS.
type dds struct{ bus *C.Bus }

// The sizes of our structs are C's, or this does not compile.
var (
	_ [unsafe.Sizeof(lowCommand{}) - C.sizeof_unitree_hg_msg_dds__LowCmd_]struct{}
	_ [C.sizeof_unitree_hg_msg_dds__LowCmd_ - unsafe.Sizeof(lowCommand{})]struct{}
	_ [unsafe.Sizeof(lowState{}) - C.sizeof_unitree_hg_msg_dds__LowState_]struct{}
	_ [C.sizeof_unitree_hg_msg_dds__LowState_ - unsafe.Sizeof(lowState{})]struct{}
)

func newBus(domain uint32, network string, machine, reliable bool) (bus, error) {
	text := C.CString(configured(network))
	defer C.free(unsafe.Pointer(text))
	var message [200]C.char
	b := C.bus_new(C.uint32_t(domain), text, flag(machine), flag(reliable), &message[0], C.int(len(message)))
	if b == nil {
		return nil, errors.New(C.GoString(&message[0]))
	}
	return &dds{b}, nil
}

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

func (d *dds) met() bool { return C.bus_met(d.bus) != 0 }

func (d *dds) send(message any) error {
	return failure(C.bus_send(d.bus, pointer(message)))
}

func (d *dds) receive(message any) (bool, error) {
	n := C.bus_receive(d.bus, pointer(message), C.int64_t(100*time.Millisecond))
	return n > 0, failure(n)
}

func (d *dds) close() { C.bus_free(d.bus) }

// pointer is where a message lies.
func pointer(message any) unsafe.Pointer {
	switch m := message.(type) {
	case *lowCommand:
		return unsafe.Pointer(m)
	case *lowState:
		return unsafe.Pointer(m)
	}
	panic(fmt.Sprintf("a message of type %T", message))
}

// failure is an error of DDS, or nil.
func failure(n C.int) error {
	if n >= 0 {
		return nil
	}
	return errors.New(C.GoString(C.dds_strretcode(-n)))
}
