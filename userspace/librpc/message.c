// SPDX-License-Identifier: Apache-2.0
#include "message.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>

grpc_byte_buffer *message_pack(const ProtobufCMessage *message, size_t *ret_len)
{
	size_t len = protobuf_c_message_get_packed_size(message);
	grpc_slice slice = grpc_slice_malloc(len);
	grpc_byte_buffer *bytes;

	(void)protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
	bytes = grpc_raw_byte_buffer_create(&slice, 1);
	grpc_slice_unref(slice);
	if (ret_len)
		*ret_len = len;
	return bytes;
}

ProtobufCMessage *message_unpack(const ProtobufCMessageDescriptor *type, grpc_byte_buffer *bytes)
{
	grpc_byte_buffer_reader reader;
	ProtobufCMessage *message;
	grpc_slice slice;

	if (!bytes || !grpc_byte_buffer_reader_init(&reader, bytes))
		return NULL;
	slice = grpc_byte_buffer_reader_readall(&reader);
	message = protobuf_c_message_unpack(type, NULL, GRPC_SLICE_LENGTH(slice),
					    GRPC_SLICE_START_PTR(slice));
	grpc_slice_unref(slice);
	grpc_byte_buffer_reader_destroy(&reader);
	return message;
}
