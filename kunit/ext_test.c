// SPDX-License-Identifier: GPL-2.0
#include "../kmod/path.h"

/* Not what is tested here. */
#define mmesh_paths_init(paths, peer) ((void)(paths), (void)(peer))
#define mmesh_paths_free(paths) ((void)(paths))
#include "../kmod/ext.c"
#include "test.h"
#include "vectors-ext.h"

enum {
	BODY = sizeof(ext_vector.control_body),
	MESSAGE = sizeof(ext_vector.control_message),
	INDEX = 0xa1b2c3d4,
};

/* One end of a session. */
static struct mmesh_session_ext *end_of(struct kunit *test, bool initiator)
{
	struct mmesh_session_ext *ext;

	ext = kunit_kzalloc(test, sizeof(*ext), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ext);
	spin_lock_init(&ext->lock);
	mmesh_session_ext_derive(ext, ext_vector.secret, initiator);
	return ext;
}

static void seal(struct mmesh_session_ext *ext, u8 *buf)
{
	u8 *text = buf + sizeof(struct mmesh_msg_data);

	memset(buf, 0, MESSAGE);
	text[0] = MMESH_CONTROL_CHANNEL_OPEN;
	put_unaligned_le16(BODY, text + 2);
	memcpy(text + 4, ext_vector.control_body, BODY);
	mmesh_session_seal_control(ext, buf, MESSAGE - MMESH_RECORD_OVERHEAD,
				   cpu_to_le32(INDEX));
}

static void ext_keys(struct kunit *test)
{
	struct mmesh_session_ext *i = end_of(test, true), *r = end_of(test, false);
	u8 leg[16];

	KUNIT_EXPECT_MEMEQ(test, i->control_send, ext_vector.control_i_to_r, 32);
	KUNIT_EXPECT_MEMEQ(test, r->control_receive, ext_vector.control_i_to_r, 32);
	KUNIT_EXPECT_MEMEQ(test, r->control_send, ext_vector.control_r_to_i, 32);
	KUNIT_EXPECT_MEMEQ(test, i->control_receive, ext_vector.control_r_to_i, 32);
	put_unaligned_le64(i->leg_send.key[0], leg);
	put_unaligned_le64(i->leg_send.key[1], leg + 8);
	KUNIT_EXPECT_MEMEQ(test, leg, ext_vector.leg_i_to_r, 16);
	KUNIT_EXPECT_MEMEQ(test, &i->leg_send, &r->leg_receive, sizeof(siphash_key_t));
	put_unaligned_le64(r->leg_send.key[0], leg);
	put_unaligned_le64(r->leg_send.key[1], leg + 8);
	KUNIT_EXPECT_MEMEQ(test, leg, ext_vector.leg_r_to_i, 16);
	KUNIT_EXPECT_MEMEQ(test, &r->leg_send, &i->leg_receive, sizeof(siphash_key_t));
}

static void ext_control(struct kunit *test)
{
	struct mmesh_session_ext *i = end_of(test, true), *r = end_of(test, false);
	u8 *buf = kunit_kzalloc(test, MESSAGE, GFP_KERNEL);
	u8 *copy = kunit_kzalloc(test, MESSAGE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	seal(i, buf);
	KUNIT_EXPECT_MEMEQ(test, buf, ext_vector.control_message, MESSAGE);
	memcpy(copy, buf, MESSAGE);
	KUNIT_EXPECT_EQ(test, mmesh_session_open_control(r, copy, MESSAGE), 0);
	KUNIT_EXPECT_MEMEQ(test, copy + 20, ext_vector.control_body, BODY);
	/* Once more. */
	memcpy(copy, buf, MESSAGE);
	KUNIT_EXPECT_EQ(test, mmesh_session_open_control(r, copy, MESSAGE), -EALREADY);
	/* Reflected to where it came from. */
	memcpy(copy, buf, MESSAGE);
	KUNIT_EXPECT_EQ(test, mmesh_session_open_control(i, copy, MESSAGE), -EBADMSG);
}

/* A forged message does not move the window. */
static void ext_control_forged(struct kunit *test)
{
	struct mmesh_session_ext *i = end_of(test, true), *r = end_of(test, false);
	u8 *buf = kunit_kzalloc(test, MESSAGE, GFP_KERNEL);
	u8 *copy = kunit_kzalloc(test, MESSAGE, GFP_KERNEL);
	size_t at;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	seal(i, buf);
	/* All but type and index, which choose the key. */
	for (at = offsetof(struct mmesh_msg_data, counter); at < MESSAGE; at++) {
		memcpy(copy, buf, MESSAGE);
		copy[at] ^= 0x40;
		KUNIT_EXPECT_EQ(test, mmesh_session_open_control(r, copy, MESSAGE),
				-EBADMSG);
	}
	memcpy(copy, buf, MESSAGE);
	KUNIT_EXPECT_EQ(test, mmesh_session_open_control(r, copy, MESSAGE), 0);
}

static void ext_leg(struct kunit *test)
{
	struct mmesh_session_ext *i = end_of(test, true), *r = end_of(test, false);
	const struct mmesh_leg_header header = {
		.index = cpu_to_le32(0x11223344),
		.channel = 0x01000007,
		.len = sizeof(ext_vector.leg_inner),
	};
	const size_t covered = MMESH_LEG_LEN + MMESH_LEG_COVERED;
	struct mmesh_leg_header read;
	u8 *buf = kunit_kzalloc(test, 256, GFP_KERNEL);
	size_t at;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	memcpy(buf + MMESH_LEG_LEN, ext_vector.leg_inner, header.len);
	mmesh_leg_write(r, buf, &header);
	KUNIT_EXPECT_MEMEQ(test, buf, ext_vector.leg_header, MMESH_LEG_LEN);
	KUNIT_EXPECT_TRUE(test, mmesh_leg_verify(i, buf, &read));
	KUNIT_EXPECT_TRUE(test, read.index == header.index);
	KUNIT_EXPECT_EQ(test, read.counter, header.counter);
	KUNIT_EXPECT_EQ(test, read.channel, header.channel);
	KUNIT_EXPECT_EQ(test, read.len, header.len);
	KUNIT_EXPECT_EQ(test, read.flags, header.flags);
	/* Reflected to where it came from. */
	KUNIT_EXPECT_FALSE(test, mmesh_leg_verify(r, buf, &read));
	/* Type and index before it choose the key. */
	for (at = offsetof(struct mmesh_msg_relay, counter); at < covered; at++) {
		buf[at] ^= 0x10;
		KUNIT_EXPECT_FALSE(test, mmesh_leg_verify(i, buf, &read));
		buf[at] ^= 0x10;
	}
	/* What lies behind is the end-to-end session's business. */
	buf[covered] ^= 0x10;
	KUNIT_EXPECT_TRUE(test, mmesh_leg_verify(i, buf, &read));
}

static struct kunit_case ext_cases[] = {
	KUNIT_CASE(ext_keys),
	KUNIT_CASE(ext_control),
	KUNIT_CASE(ext_control_forged),
	KUNIT_CASE(ext_leg),
	{}
};

static struct kunit_suite ext_suite = {
	.name = "ext",
	.test_cases = ext_cases,
};

kunit_test_suite(ext_suite);
