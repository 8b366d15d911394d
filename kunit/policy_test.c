// SPDX-License-Identifier: GPL-2.0
/*
 * The generated netlink policies against a table written by hand: each
 * attribute in each operation at each length, and values at the borders.
 */
#include "test.h"

/* The table of operations names these; no policy calls them. */
#define mmesh_nl_dev_get_doit unused_doit
#define mmesh_nl_dev_set_doit unused_doit
#define mmesh_nl_peer_get_doit unused_doit
#define mmesh_nl_peer_add_doit unused_doit
#define mmesh_nl_peer_set_doit unused_doit
#define mmesh_nl_peer_del_doit unused_doit
#define mmesh_nl_stat_get_doit unused_doit
#define mmesh_nl_path_get_doit unused_doit
#define mmesh_nl_path_add_doit unused_doit
#define mmesh_nl_path_del_doit unused_doit
#define mmesh_nl_dev_get_dumpit unused_dumpit
#define mmesh_nl_peer_get_dumpit unused_dumpit
#define mmesh_nl_path_get_dumpit unused_dumpit
#define mmesh_nl_stat_get_dumpit unused_dumpit
#include "../kmod/netlink-gen.c"

int unused_doit(struct sk_buff *skb, struct genl_info *info)
{
	return -EOPNOTSUPP;
}

int unused_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return -EOPNOTSUPP;
}

enum kind {
	ABSENT,		/* not in this operation */
	NUMBER,		/* u32 from @min to @max */
	LONG,		/* u64 */
	BYTES,		/* exactly @max of them */
	NAME,		/* 1 to @max characters and a NUL */
	PRESENCE,	/* no payload */
	PREFIX,		/* nest, an allowed IP */
};

struct rule {
	unsigned int type;
	enum kind kind;
	u32 min;
	u32 max;
};

#define IFINDEX(t)	{ t, NUMBER, 1, S32_MAX }
#define IFNAME(t)	{ t, NAME, 0, 15 }
#define PUBLIC_KEY	{ MMESH_A_PEER_PUBLIC_KEY, BYTES, 0, 32 }

static const struct rule dev_get[] = {
	IFINDEX(MMESH_A_DEV_IFINDEX), IFNAME(MMESH_A_DEV_IFNAME),
	{ MMESH_A_DEV_SECRETS, PRESENCE }, {}
};

static const struct rule dev_set[] = {
	IFINDEX(MMESH_A_DEV_IFINDEX), IFNAME(MMESH_A_DEV_IFNAME),
	{ MMESH_A_DEV_PRIVATE_KEY, BYTES, 0, 32 },
	{ MMESH_A_DEV_LISTEN_PORT, NUMBER, 0, 65535 },
	{ MMESH_A_DEV_FWMARK, NUMBER, 0, U32_MAX },
	{ MMESH_A_DEV_FLAGS, NUMBER, 0, 1 },
	{ MMESH_A_DEV_NETWORK, BYTES, 0, 8 },
	{ MMESH_A_DEV_SUBNET, NUMBER, 0, 255 },
	{ MMESH_A_DEV_ROUTED_SUBNETS, NUMBER, 0, 1 },
	{ MMESH_A_DEV_PEER_MISS, NUMBER, 0, 1 },
	{ MMESH_A_DEV_RELAY, NUMBER, 0, 1 },
	{ MMESH_A_DEV_RELAY_CLIENTS, NUMBER, 1, 1048576 },
	{ MMESH_A_DEV_MEMBER_PREFIX, PREFIX }, {}
};

static const struct rule peer_get[] = {
	IFINDEX(MMESH_A_PEER_IFINDEX), IFNAME(MMESH_A_PEER_IFNAME),
	PUBLIC_KEY, { MMESH_A_PEER_SECRETS, PRESENCE }, {}
};

static const struct rule peer_set[] = {
	IFINDEX(MMESH_A_PEER_IFINDEX), IFNAME(MMESH_A_PEER_IFNAME),
	PUBLIC_KEY, { MMESH_A_PEER_PRESHARED_KEY, BYTES, 0, 32 },
	{ MMESH_A_PEER_FLAGS, NUMBER, 0, 3 },
	{ MMESH_A_PEER_ENDPOINT_ADDR4, BYTES, 0, 4 },
	{ MMESH_A_PEER_ENDPOINT_ADDR6, BYTES, 0, 16 },
	{ MMESH_A_PEER_ENDPOINT_PORT, NUMBER, 1, 65535 },
	{ MMESH_A_PEER_ENDPOINT_SCOPE, NUMBER, 0, U32_MAX },
	{ MMESH_A_PEER_PERSISTENT_KEEPALIVE, NUMBER, 0, 65535 },
	{ MMESH_A_PEER_SUITE, NUMBER, 0, 1 },
	{ MMESH_A_PEER_EXTENDED, NUMBER, 0, 1 },
	{ MMESH_A_PEER_VIA, BYTES, 0, 64 },
	{ MMESH_A_PEER_NETWORK, LONG },
	{ MMESH_A_PEER_RELAY_PERMIT, NUMBER, 0, 1 },
	{ MMESH_A_PEER_RELAY_TRUNK, NUMBER, 0, 1 },
	{ MMESH_A_PEER_LIMIT_PPS, LONG },
	{ MMESH_A_PEER_LIMIT_BPS, LONG },
	{ MMESH_A_PEER_ALLOWED_IPS, PREFIX },
	{ MMESH_A_PEER_SUBNET, NUMBER, 0, 255 }, {}
};

static const struct rule peer_del[] = {
	IFINDEX(MMESH_A_PEER_IFINDEX), IFNAME(MMESH_A_PEER_IFNAME), PUBLIC_KEY, {}
};

static const struct rule stat_get[] = {
	IFINDEX(MMESH_A_STATS_IFINDEX), IFNAME(MMESH_A_STATS_IFNAME), {}
};

static const struct rule path_any[] = {
	IFINDEX(MMESH_A_PATH_IFINDEX), IFNAME(MMESH_A_PATH_IFNAME),
	{ MMESH_A_PATH_PUBLIC_KEY, BYTES, 0, 32 },
	{ MMESH_A_PATH_ADDR4, BYTES, 0, 4 },
	{ MMESH_A_PATH_ADDR6, BYTES, 0, 16 },
	{ MMESH_A_PATH_PORT, NUMBER, 1, 65535 },
	{ MMESH_A_PATH_SCOPE, NUMBER, 0, U32_MAX }, {}
};

static const struct rule prefix_rules[] = {
	{ MMESH_A_ALLOWED_IP_ADDR4, BYTES, 0, 4 },
	{ MMESH_A_ALLOWED_IP_ADDR6, BYTES, 0, 16 },
	{ MMESH_A_ALLOWED_IP_CIDR, NUMBER, 0, 128 },
	{ MMESH_A_ALLOWED_IP_FLAGS, NUMBER, 0, 3 },
	{ MMESH_A_ALLOWED_IP_PRIORITY, NUMBER, 0, U32_MAX },
	{ MMESH_A_ALLOWED_IP_WEIGHT, NUMBER, 1, 65535 }, {}
};

/* Every operation that userspace may ask for, and whether it needs rights. */
static const struct op {
	u8 cmd;
	bool admin;
	const struct rule *rules;
	unsigned int without;	/* the one of them that it doesn't take */
} ops[] = {
	{ MMESH_CMD_DEV_GET, false, dev_get },
	{ MMESH_CMD_DEV_SET, true, dev_set },
	{ MMESH_CMD_PEER_GET, false, peer_get },
	{ MMESH_CMD_PEER_ADD, true, peer_set, MMESH_A_PEER_FLAGS },
	{ MMESH_CMD_PEER_SET, true, peer_set },
	{ MMESH_CMD_PEER_DEL, true, peer_del },
	{ MMESH_CMD_STAT_GET, false, stat_get },
	{ MMESH_CMD_PATH_GET, true, path_any },
	{ MMESH_CMD_PATH_ADD, true, path_any },
	{ MMESH_CMD_PATH_DEL, true, path_any },
};

static const struct genl_ops *find_op(u8 cmd)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mmesh_nl_ops); i++)
		if (mmesh_nl_ops[i].cmd == cmd)
			return &mmesh_nl_ops[i];
	return NULL;
}

static const struct rule *find_rule(const struct rule *rules, unsigned int type)
{
	static const struct rule absent = { .kind = ABSENT };

	for (; rules->kind; rules++)
		if (rules->type == type)
			return rules;
	return &absent;
}

/* What a message with one attribute meets: 0 or an error, and a text with it. */
struct verdict {
	int ret;
	bool text;
	bool place;	/* the offending attribute is named */
};

static struct verdict judge(const struct genl_ops *op, unsigned int type,
			    const void *data, unsigned int len)
{
	static struct nlattr *attrs[64];
	static u8 buf[512] __aligned(4);
	struct nlattr *attr = (struct nlattr *)buf;
	struct netlink_ext_ack extack = {};
	struct verdict verdict;

	if (WARN_ON(op->maxattr >= ARRAY_SIZE(attrs) || nla_total_size(len) > sizeof(buf)))
		return (struct verdict){ .ret = 1 };
	memset(buf, 0, sizeof(buf));
	attr->nla_type = type;
	attr->nla_len = nla_attr_size(len);
	if (len)
		memcpy(nla_data(attr), data, len);
	verdict.ret = nla_parse(attrs, op->maxattr, attr, nla_total_size(len), op->policy,
				&extack);
	verdict.text = extack._msg;
	verdict.place = extack.bad_attr == attr;
	return verdict;
}

/* An error says why, and where. */
static bool is_refused(struct verdict verdict)
{
	return verdict.ret < 0 && verdict.text && verdict.place;
}

static void expect_number(struct kunit *test, const struct genl_ops *op, const struct rule *rule)
{
	const u32 bad_values[] = { rule->min - 1, rule->max + 1, 0x80000000, U32_MAX };
	u32 value = rule->min;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, judge(op, rule->type, &value, sizeof(value)).ret, 0);
	value = rule->max;
	KUNIT_EXPECT_EQ(test, judge(op, rule->type, &value, sizeof(value)).ret, 0);
	for (i = 0; i < ARRAY_SIZE(bad_values); i++) {
		value = bad_values[i];
		if (value >= rule->min && value <= rule->max)
			continue;
		KUNIT_EXPECT_TRUE_MSG(test, is_refused(judge(op, rule->type, &value, 4)),
				      "cmd %u attribute %u value %u", op->cmd, rule->type, value);
	}
}

static void expect_name(struct kunit *test, const struct genl_ops *op, const struct rule *rule)
{
	char name[64];
	unsigned int len;

	for (len = 1; len < sizeof(name); len++) {
		struct verdict verdict;

		memset(name, 'x', sizeof(name));
		KUNIT_EXPECT_TRUE(test, is_refused(judge(op, rule->type, name, len)));
		name[len - 1] = 0;
		verdict = judge(op, rule->type, name, len);
		if (len <= rule->max + 1)
			KUNIT_EXPECT_EQ_MSG(test, verdict.ret, 0, "length %u", len);
		else
			KUNIT_EXPECT_TRUE_MSG(test, is_refused(verdict), "length %u", len);
	}
}

static bool fits(const struct rule *rule, unsigned int len)
{
	switch (rule->kind) {
	case NUMBER:
		return len == 4;
	case LONG:
		return len == 8;
	case BYTES:
		return len == rule->max;
	case PRESENCE:
		return len == 0;
	default:
		return false;
	}
}

/* One attribute in one operation at each length. */
static void expect_lengths(struct kunit *test, const struct genl_ops *op, unsigned int type,
			   const struct rule *rule)
{
	u8 data[80];
	u32 one = max(rule->min, min(rule->max, 1U));
	unsigned int len;

	memset(data, 0xa5, sizeof(data));
	memcpy(data, &one, sizeof(one));
	for (len = 0; len < sizeof(data); len++) {
		struct verdict verdict = judge(op, type, data, len);

		if (fits(rule, len))
			KUNIT_EXPECT_EQ_MSG(test, verdict.ret, 0, "cmd %u attribute %u length %u",
					    op->cmd, type, len);
		else
			KUNIT_EXPECT_TRUE_MSG(test, is_refused(verdict),
					      "cmd %u attribute %u length %u", op->cmd, type, len);
	}
	/* Only nests may say that they are nests, and none is in other order. */
	len = rule->kind == NUMBER ? 4 : rule->kind == LONG ? 8 :
	      rule->kind == BYTES ? rule->max : 0;
	KUNIT_EXPECT_TRUE(test, is_refused(judge(op, type | NLA_F_NESTED, data, len)));
}

static void policy_each_attribute(struct kunit *test)
{
	unsigned int i, type;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		const struct genl_ops *op = find_op(ops[i].cmd);

		KUNIT_ASSERT_NOT_NULL(test, op);
		for (type = 0; type < 40; type++) {
			const struct rule *rule;

			rule = find_rule(ops[i].rules, type == ops[i].without ? 0 : type);

			if (rule->kind != NAME && rule->kind != PREFIX)
				expect_lengths(test, op, type, rule);
			if (rule->kind == NUMBER)
				expect_number(test, op, rule);
			else if (rule->kind == NAME)
				expect_name(test, op, rule);
		}
	}
}

/* Parse a nest of @len bytes as an allowed IP of a peer-add. */
static struct verdict judge_nest(const void *data, unsigned int len)
{
	return judge(find_op(MMESH_CMD_PEER_ADD), MMESH_A_PEER_ALLOWED_IPS | NLA_F_NESTED,
		     data, len);
}

static void policy_nest(struct kunit *test)
{
	const struct genl_ops inner = {
		.policy = mmesh_allowed_ip_nl_policy,
		.maxattr = MMESH_A_ALLOWED_IP_MAX,
	};
	struct nlattr attr = { .nla_type = MMESH_A_ALLOWED_IP_CIDR, .nla_len = NLA_HDRLEN };
	struct {
		struct nlattr attr;
		u32 value;
	} cidr = { { NLA_HDRLEN + 4, MMESH_A_ALLOWED_IP_CIDR }, 128 };
	unsigned int type;

	KUNIT_ASSERT_EQ(test, ARRAY_SIZE(mmesh_allowed_ip_nl_policy), MMESH_A_ALLOWED_IP_MAX + 1);
	for (type = 0; type < 20; type++) {
		const struct rule *rule = find_rule(prefix_rules, type);

		expect_lengths(test, &inner, type, rule);
		if (rule->kind == NUMBER)
			expect_number(test, &inner, rule);
	}

	/* The outer policy looks into it. */
	KUNIT_EXPECT_EQ(test, judge_nest(&cidr, sizeof(cidr)).ret, 0);
	cidr.value = 129;
	KUNIT_EXPECT_LT(test, judge_nest(&cidr, sizeof(cidr)).ret, 0);
	cidr.value = 128;
	cidr.attr.nla_type = MMESH_A_ALLOWED_IP_MAX + 1;
	KUNIT_EXPECT_LT(test, judge_nest(&cidr, sizeof(cidr)).ret, 0);
	cidr.attr.nla_type = MMESH_A_ALLOWED_IP_CIDR;
	/* Not marked as a nest. */
	KUNIT_EXPECT_TRUE(test, is_refused(judge(find_op(MMESH_CMD_PEER_ADD),
						 MMESH_A_PEER_ALLOWED_IPS, &cidr, sizeof(cidr))));
	/* Shorter than a header, longer than the nest, with a tail. */
	for (type = 1; type < NLA_HDRLEN; type++)
		KUNIT_EXPECT_LT(test, judge_nest(&cidr, type).ret, 0);
	cidr.attr.nla_len = sizeof(cidr) + 1;
	KUNIT_EXPECT_LT(test, judge_nest(&cidr, sizeof(cidr)).ret, 0);
	KUNIT_EXPECT_LT(test, judge_nest(&attr, sizeof(attr)).ret, 0);
}

static void policy_ops(struct kunit *test)
{
	unsigned int i;

	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(mmesh_nl_ops), ARRAY_SIZE(ops));
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		const struct genl_ops *op = find_op(ops[i].cmd);

		KUNIT_ASSERT_NOT_NULL(test, op);
		KUNIT_EXPECT_NOT_NULL(test, op->policy);
		KUNIT_EXPECT_NOT_NULL(test, op->doit);
		KUNIT_EXPECT_EQ(test, !!(op->flags & (GENL_UNS_ADMIN_PERM | GENL_ADMIN_PERM)),
				ops[i].admin);
		/* Strict: no operation opts out. */
		KUNIT_EXPECT_EQ(test, op->validate, 0);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(policy_each_attribute),
	KUNIT_CASE(policy_nest),
	KUNIT_CASE(policy_ops),
	{}
};

static struct kunit_suite suite = {
	.name = "policy",
	.test_cases = cases,
};

kunit_test_suite(suite);
