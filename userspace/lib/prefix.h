/* SPDX-License-Identifier: Apache-2.0 */
/* Address prefixes (allowed IPs) in text and in binary. */
#ifndef LIB_PREFIX_H
#define LIB_PREFIX_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum {
	/* "[+-]" + an IPv6 address + "/128" + the zero byte, rounded up */
	PREFIX_TEXT_SIZE = 56,
};

struct prefix {
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t cidr;	/* 0-32 or 0-128 */
	bool remove;	/* a change: take this prefix away from the peer */
	bool shared;	/* held beside others, with these: */
	uint16_t weight;
	uint32_t priority;
	union {
		struct in_addr ip4;
		struct in6_addr ip6;
		uint8_t bytes[16];
	};
};

/* A growing array; prefixes_free() releases it. */
struct prefixes {
	struct prefix *item;
	size_t count;
	size_t room;
};

/*
 * "ADDRESS[/LENGTH]"; without a length, the whole address. Bits beyond the
 * length are cleared, as the kernel would. No '+' or '-' here.
 */
int prefix_parse(struct prefix *ret, const char *text, struct error *err);

void prefix_format(char ret_text[PREFIX_TEXT_SIZE], const struct prefix *p);

bool prefix_equal(const struct prefix *a, const struct prefix *b);

/* Order for sorting: family, address, length. For qsort(). */
int prefix_compare(const void *a, const void *b);

/*
 * Append a comma-separated list; blanks around the entries are ignored, an
 * empty @text is an empty list, an empty entry is an error. An entry may begin
 * with '+' or '-': then it is a change to what the peer has, and
 * *@ret_incremental becomes true (it is not touched otherwise). On failure
 * @list is as it was.
 */
int prefixes_parse(struct prefixes *list, const char *text, bool *ret_incremental,
		   struct error *err);

/*
 * The same, but an entry may end with "@PRIORITY" or "@PRIORITY*WEIGHT": then it
 * is shared. The weight is 1 to 65535, and 1 if it isn't given.
 */
int prefixes_parse_shared(struct prefixes *list, const char *text, bool *ret_incremental,
			  struct error *err);

/* The end of such an entry, as "@5*2"; "" for a prefix that isn't shared. */
void prefix_format_share(char ret_text[PREFIX_TEXT_SIZE], const struct prefix *p);

int prefixes_add(struct prefixes *list, const struct prefix *p, struct error *err);
void prefixes_free(struct prefixes *list);

#endif
