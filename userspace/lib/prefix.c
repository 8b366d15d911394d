// SPDX-License-Identifier: Apache-2.0
#include "prefix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "number.h"

static unsigned int max_length(uint8_t family)
{
	return family == AF_INET ? 32 : 128;
}

static void clear_host_bits(struct prefix *p)
{
	size_t len = max_length(p->family) / 8;

	for (size_t i = 0; i < len; i++) {
		size_t first_bit = i * 8;

		if (p->cidr <= first_bit)
			p->bytes[i] = 0;
		else if (p->cidr < first_bit + 8)
			p->bytes[i] &= (uint8_t)(0xff << (first_bit + 8 - p->cidr));
	}
}

static int parse_address(struct prefix *p, const char *text, struct error *err)
{
	if (inet_pton(AF_INET, text, &p->ip4) == 1)
		p->family = AF_INET;
	else if (inet_pton(AF_INET6, text, &p->ip6) == 1)
		p->family = AF_INET6;
	else
		return error_set(err, EINVAL, "\"%s\" is not an IPv4 or IPv6 address", text);
	return 0;
}

int prefix_parse(struct prefix *ret, const char *text, struct error *err)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	struct prefix p = { 0 };
	uint64_t cidr;
	int r;

	if (len >= sizeof(address))
		return error_set(err, EINVAL, "\"%s\" is too long for an address", text);
	memcpy(address, text, len);
	address[len] = '\0';
	r = parse_address(&p, address, err);
	if (r < 0)
		return r;
	p.cidr = (uint8_t)max_length(p.family);
	if (slash) {
		if (number_parse(&cidr, slash + 1, p.cidr, NULL) < 0)
			return error_set(err, EINVAL,
					 "\"%s\": the prefix length of an IPv%c address is a "
					 "number from 0 to %u",
					 text, p.family == AF_INET ? '4' : '6', p.cidr);
		p.cidr = (uint8_t)cidr;
	}
	clear_host_bits(&p);
	*ret = p;
	return 0;
}

void prefix_format(char ret_text[PREFIX_TEXT_SIZE], const struct prefix *p)
{
	char address[INET6_ADDRSTRLEN];

	if (!inet_ntop(p->family, p->bytes, address, sizeof(address)))
		strcpy(address, "?");
	(void)snprintf(ret_text, PREFIX_TEXT_SIZE, "%s/%u", address, p->cidr);
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return !prefix_compare(a, b);
}

int prefix_compare(const void *a, const void *b)
{
	const struct prefix *pa = a, *pb = b;
	int r;

	if (pa->family != pb->family)
		return pa->family < pb->family ? -1 : 1;
	r = memcmp(pa->bytes, pb->bytes, max_length(pa->family) / 8);
	if (r)
		return r;
	return (pa->cidr > pb->cidr) - (pa->cidr < pb->cidr);
}

int prefixes_add(struct prefixes *list, const struct prefix *p, struct error *err)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 4;
		struct prefix *item = reallocarray(list->item, room, sizeof(*item));

		if (!item)
			return error_oom(err);
		list->item = item;
		list->room = room;
	}
	list->item[list->count++] = *p;
	return 0;
}

/* Without blanks at either end; works in place. */
static char *strip(char *s)
{
	size_t len;

	s += strspn(s, " \t\r\n\v\f");
	len = strlen(s);
	while (len && strchr(" \t\r\n\v\f", s[len - 1]))
		s[--len] = '\0';
	return s;
}

/* "PRIORITY[*WEIGHT]"; works in place. */
static int parse_share(struct prefix *p, char *text, struct error *err)
{
	char *star = strchr(text, '*');
	uint64_t priority, weight = 1;

	if (star)
		*star++ = '\0';
	if (number_parse(&priority, text, UINT32_MAX, NULL) < 0)
		return error_set(err, EINVAL,
				 "\"%s\" is not a priority (0 to 4294967295, the lowest is the best)",
				 text);
	if (star && (number_parse(&weight, star, UINT16_MAX, NULL) < 0 || !weight))
		return error_set(err, EINVAL, "\"%s\" is not a weight (1 to 65535)", star);
	p->shared = true;
	p->priority = (uint32_t)priority;
	p->weight = (uint16_t)weight;
	return 0;
}

static int parse_entry(struct prefixes *list, char *entry, bool may_share, bool *incremental,
		       struct error *err)
{
	char *share = may_share ? strchr(entry, '@') : NULL;
	struct prefix p;
	char sign = 0;
	int r;

	if (share)
		*share++ = '\0';

	entry = strip(entry);
	if (*entry == '+' || *entry == '-')
		sign = *entry++;
	if (!*entry)
		return error_set(err, EINVAL, "there is an empty entry in the list of prefixes");
	r = prefix_parse(&p, entry, err);
	if (r < 0)
		return r;
	if (share) {
		r = parse_share(&p, strip(share), err);
		if (r < 0)
			return r;
	}
	p.remove = sign == '-';
	if (p.remove && p.shared)
		return error_set(err, EINVAL, "\"-%s@…\": a prefix is taken away without a priority",
				 entry);
	if (sign)
		*incremental = true;
	return prefixes_add(list, &p, err);
}

static int parse_list(struct prefixes *list, const char *text, bool may_share,
		      bool *ret_incremental, struct error *err)
{
	_cleanup_free_ char *copy = strdup(text);
	size_t old_count = list->count;
	bool incremental = false;
	char *rest, *entry;
	int r;

	if (!copy)
		return error_oom(err);
	rest = strip(copy);
	if (!*rest)
		return 0;
	while ((entry = strsep(&rest, ","))) {
		r = parse_entry(list, entry, may_share, &incremental, err);
		if (r < 0) {
			list->count = old_count;
			return r;
		}
	}
	if (incremental)
		*ret_incremental = true;
	return 0;
}

int prefixes_parse(struct prefixes *list, const char *text, bool *ret_incremental,
		   struct error *err)
{
	return parse_list(list, text, false, ret_incremental, err);
}

int prefixes_parse_shared(struct prefixes *list, const char *text, bool *ret_incremental,
			  struct error *err)
{
	return parse_list(list, text, true, ret_incremental, err);
}

void prefix_format_share(char ret_text[PREFIX_TEXT_SIZE], const struct prefix *p)
{
	*ret_text = '\0';
	if (p->shared && p->weight == 1)
		(void)snprintf(ret_text, PREFIX_TEXT_SIZE, "@%u", p->priority);
	else if (p->shared)
		(void)snprintf(ret_text, PREFIX_TEXT_SIZE, "@%u*%u", p->priority, p->weight);
}

void prefixes_free(struct prefixes *list)
{
	free(list->item);
	*list = (struct prefixes){ 0 };
}
