/* SPDX-License-Identifier: Apache-2.0 */
/* Packets: into the devices, out of them, and the tap between two nodes. */
#ifndef PROPERTY_WIRE_H
#define PROPERTY_WIRE_H

#include "topology.h"

void wire_open(const char *birth);
/* Port of the tap in the namespace of the sockets. */
uint16_t wire_tap_port(void);
/* What the tap gets goes between these two; forgets what it has seen. */
void wire_tap(int from, int to);

/* Hand packet number @id to its sender's device. */
void wire_send(const struct topology *t, const struct packet *p, uint32_t id);
/* The next packet that was delivered: its number, and by which node's device.
 * False: none is there. Keeps the tap going.
 */
bool wire_receive(uint32_t *ret_id, int *ret_node);
/* Until something happens, or some milliseconds. */
void wire_wait(void);

/* A record, or initiation, that the tap saw on its way; false: none. */
bool wire_has_record(void);
bool wire_has_initiation(void);
/* Send it again to @node; @spoil changes a byte of it. */
void wire_send_record(unsigned int node, bool spoil);
void wire_send_initiation(unsigned int node);

#endif
