/*
 * manifest: SHA256SUMS files as sha256sum(1) and BSD sha256(1) write them.
 *
 *	hex  name	hex *name	hex name	SHA256 (name) = hex
 *
 * with a leading backslash where \\, \n and \r in the name are escaped. Comments (#) and empty
 *lines are skipped. Strict where leniency would lose something: anything else is an error with its
 *line number, so are CR LF ends, a name twice, a name that leaves the root, and a list of nothing.
 *
 * Entries live in the arena given.
 */
#ifndef ASSIZE_AUDITS_MANIFEST_H
#define ASSIZE_AUDITS_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/map.h"

struct arena;
struct err;

#define MANIFEST_MAX_BYTES (64 * 1024 * 1024) /* nobody reads a larger one */

struct manifest_entry {
	const char *name; /* relative, without "." and empty parts */
	unsigned char digest[32];
	unsigned line;
	bool is_seen; /* for the caller */
};

struct manifest {
	struct map by_name; /* struct manifest_entry *, in the order of the file */
};

int manifest_parse(struct arena *a, const char *text, size_t n, struct manifest *out,
		   struct err *e);

#endif
