//go:build cyclone

#include "dds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dds/dds.h"
#include "unitree.c" // made by idlc of unitree.idl

struct Bus {
  dds_entity_t domain, participant, writer, reader, waitset;
  size_t size; // of what is read
};

static dds_entity_t end_of(Bus *b, const char *topic, const dds_topic_descriptor_t *type, int writes, int reliable) {
  dds_entity_t t = dds_create_topic(b->participant, type, topic, NULL, NULL);
  if (t < 0) return t;
  dds_qos_t *q = dds_create_qos();
  dds_qset_history(q, DDS_HISTORY_KEEP_LAST, 1);
  // A reader that asks for less than a writer offers is given it: by default as in
  // Unitree's programs.
  if (reliable || writes) dds_qset_reliability(q, DDS_RELIABILITY_RELIABLE, DDS_MSECS(100));
  dds_entity_t e = writes ? dds_create_writer(b->participant, t, q, NULL) : dds_create_reader(b->participant, t, q, NULL);
  dds_delete_qos(q);
  return e;
}

Bus *bus_new(uint32_t domain, const char *configuration, int machine, int reliable, char *message, int size) {
  Bus *b = calloc(1, sizeof *b);
  if (!b) {
    snprintf(message, size, "no memory");
    return NULL;
  }
  const char *what = "begin the domain as it is configured (Cyclone has said why)";
  int bad = b->domain = dds_create_domain(domain, configuration);
  if (bad >= 0) {
    what = "join it";
    bad = b->participant = dds_create_participant(domain, NULL, NULL);
  }
  if (bad >= 0) {
    what = "write";
    bad = b->writer = machine ? end_of(b, "rt/lowstate", &unitree_hg_msg_dds__LowState__desc, 1, reliable)
                              : end_of(b, "rt/lowcmd", &unitree_hg_msg_dds__LowCmd__desc, 1, reliable);
  }
  if (bad >= 0) {
    what = "read";
    bad = b->reader = machine ? end_of(b, "rt/lowcmd", &unitree_hg_msg_dds__LowCmd__desc, 0, reliable)
                              : end_of(b, "rt/lowstate", &unitree_hg_msg_dds__LowState__desc, 0, reliable);
    b->size = machine ? sizeof(unitree_hg_msg_dds__LowCmd_) : sizeof(unitree_hg_msg_dds__LowState_);
  }
  if (bad >= 0) {
    what = "wait";
    bad = dds_set_status_mask(b->reader, DDS_DATA_AVAILABLE_STATUS);
    if (bad >= 0) bad = b->waitset = dds_create_waitset(b->participant);
    if (bad >= 0) bad = dds_waitset_attach(b->waitset, b->reader, 0);
  }
  if (bad < 0) {
    snprintf(message, size, "%s: %s", what, dds_strretcode(-bad));
    bus_free(b);
    return NULL;
  }
  return b;
}

int bus_met(Bus *b) {
  dds_publication_matched_status_t readers;
  dds_subscription_matched_status_t writers;
  return dds_get_publication_matched_status(b->writer, &readers) == 0 && readers.current_count > 0 &&
         dds_get_subscription_matched_status(b->reader, &writers) == 0 && writers.current_count > 0;
}

int bus_send(Bus *b, const void *message) { return dds_write(b->writer, message); }

int bus_receive(Bus *b, void *message, int64_t ns) {
  void *sample = NULL; // the middleware's own
  dds_sample_info_t info;
  int n = dds_take(b->reader, &sample, &info, 1, 1);
  if (n == 0) {
    n = dds_waitset_wait(b->waitset, NULL, 0, ns);
    if (n > 0) n = dds_take(b->reader, &sample, &info, 1, 1);
  }
  if (n <= 0) return n;
  int valid = info.valid_data; // otherwise a writer has left
  if (valid) memcpy(message, sample, b->size);
  dds_return_loan(b->reader, &sample, n);
  return valid;
}

void bus_free(Bus *b) {
  if (b->participant > 0) dds_delete(b->participant);
  if (b->domain > 0) dds_delete(b->domain);
  free(b);
}
