/* SPDX-License-Identifier: Apache-2.0 */
/* A model in a file of its own, with one tenant "acme", network "prod" and subnet "web". */
#ifndef TESTS_CONTROLLER_FIXTURE_H
#define TESTS_CONTROLLER_FIXTURE_H

#include "manage.h"
#include "stream.h"

#include "unit.h"

struct fixture {
	struct model model;
	char directory[64];
	char store[96];
	struct trust_key *root; /* of every tenant */
	bool offline;		/* the root can't be had */
	struct error err;
	/* What the last change said when it was committed. */
	size_t streams;
	size_t cuts;
	bool permissions;
	uint64_t before, after;
	size_t entries;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Put @object at @path in a change of its own; the errno, 0 when it worked. */
int fixture_put(struct fixture *f, Mmesh__V1__Object *object);
int fixture_put_network(struct fixture *f, const char *path, const char *prefix);
int fixture_put_subnet(struct fixture *f, const char *path, const char *prefix);
/* A WireGuard client with a key made of @number. */
int fixture_put_client(struct fixture *f, const char *path, unsigned int number,
		       const char *address);
int fixture_delete(struct fixture *f, const char *kind, const char *path, bool recursive);

/* The stored object; ends the test when it isn't there. */
void fixture_get(struct fixture *f, enum kind kind, const char *path, struct object *ret);
bool fixture_has(struct fixture *f, enum kind kind, const char *path);

#endif
