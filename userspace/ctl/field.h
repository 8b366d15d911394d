/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One field of an object that the controller manages: its word on the command
 * line, how its value is written, and where it is in the message. A word's '-' is
 * '_' in messages and in JSON.
 */
#ifndef CTL_FIELD_H
#define CTL_FIELD_H

#include <protobuf-c/protobuf-c.h>

#include "error.h"
#include "printer.h"

enum field_type {
	FIELD_NAME,	 /* string */
	FIELD_PREFIX,	 /* string: ADDRESS/LENGTH */
	FIELD_SWITCH,	 /* bool: on, off */
	FIELD_NUMBER,	 /* uint32 */
	FIELD_ID,	 /* uint64, in hexadecimal; a string in JSON */
	FIELD_TIME,	 /* int64: RFC 3339, or a duration from now such as 90s, 15m, 1h, 2d, 1w */
	FIELD_NAMES,	 /* repeated string: comma-separated; "none" is the empty list */
	FIELD_ADDRESSES, /* the same, IPv4 or IPv6 addresses */
	FIELD_ROUTES,	 /* repeated Route: PREFIX[@PRIORITY[*WEIGHT]], comma-separated */
	FIELD_CHOICE,	 /* enum; the words are the values' last parts in lower case */
	FIELD_KEY,	 /* bytes: a public key in base64 */
	FIELD_PATHS,	 /* repeated PeerPath, output only */
};

enum field_flags {
	FIELD_IN = 1,	  /* may be given; all others only come back */
	FIELD_COLUMN = 2, /* in the table of "list" */
	FIELD_DETAIL = 4, /* in text only with -d */
};

struct field {
	const char *word;
	const char *label; /* in blocks */
	enum field_type type;
	unsigned int flags;
	uint32_t max;	   /* of a number */
	const char *value; /* in help: "ADDRESS/LENGTH" */
	const char *member; /* of the message, when the word isn't its name */
};

/* Names of fields are short. */
enum { FIELD_NAME_SIZE = 48 };

/* The word as JSON has it, and messages unless there is a member. */
void field_name(char ret[FIELD_NAME_SIZE], const struct field *field);

/*
 * Read @text into @msg, which was allocated like an unpacked message; what was
 * there is freed. @now is what durations count from. Returns 0, -EINVAL with the
 * reason (without the field's name), -ENOMEM.
 */
int field_parse(const struct field *field, ProtobufCMessage *msg, const char *text, int64_t now,
		struct error *err);

/* True when the message has nothing there, as if it had never been set. */
bool field_is_default(const struct field *field, const ProtobufCMessage *msg);

/*
 * As field_parse() reads it, or "" for what is not set; to be freed. NULL: out of
 * memory.
 */
char *field_text(const struct field *field, const ProtobufCMessage *msg);

/* Put it into a document, as its type wants. */
void field_print(const struct field *field, const ProtobufCMessage *msg, struct printer *p);

/* "on", "1h" and so on for an error or help; "a word" at worst. */
const char *field_expected(const struct field *field);

/* 1 to 63 lower-case letters, digits and inner '-'. */
bool field_is_name(const char *text, size_t len);

/* A moment: RFC 3339 in UTC, or a duration from @now. */
int moment_parse(int64_t *ret, const char *text, int64_t now, struct error *err);
/* "90s", "15m", "1h", "2d", "1w" in seconds; a bare number is seconds. */
int duration_parse(uint64_t *ret, const char *text, struct error *err);

#endif
