// What a bridge needs of DDS: one topic that it writes, one that it reads.

#ifndef SAMOVAR_DDS_H
#define SAMOVAR_DDS_H

#include <stdint.h>
#include "unitree.h"

typedef struct Bus Bus;

// bus_new joins a domain as a machine, which writes states, or as its controller. With a
// configuration it begins the domain by it. reliable: what is lost is sent again. NULL
// means an error, said in message.
Bus *bus_new(uint32_t domain, const char *configuration, int machine, int reliable, char *message, int size);

// bus_met returns whether the topic that is written has a reader and the other a writer.
int bus_met(Bus *);

// bus_send writes a message; negative is an error of DDS.
int bus_send(Bus *, const void *message);

// bus_receive waits for a message; 1: there is one, 0: none in so many ns, negative: an
// error of DDS.
int bus_receive(Bus *, void *message, int64_t ns);

void bus_free(Bus *);

#endif
