/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf-c's messages in libgrpc's buffers. */
#ifndef LIBRPC_MESSAGE_H
#define LIBRPC_MESSAGE_H

#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>

/* The caller destroys it. *@ret_len (may be NULL) gets its length. */
grpc_byte_buffer *message_pack(const ProtobufCMessage *message, size_t *ret_len);

/* NULL: it is not of @type, or there is no memory. */
ProtobufCMessage *message_unpack(const ProtobufCMessageDescriptor *type, grpc_byte_buffer *bytes);

#endif
