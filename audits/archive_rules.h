/*
 * archive_rules: what is wrong with the members of an archive, given all of them.
 *
 * Pure but for the clock: names can be made to take long. Members are added in the order of the
 * archive, then judged together, because what a link does to a member does not depend on which
 * comes first: extraction programs differ in that, and whoever made the archive chose the order.
 *
 * Names are compared without "./", empty parts and a slash at the end; a leading slash is a finding
 * and then dropped as tar does. Everything lives in the arena given; texts are escaped.
 */
#ifndef ASSIZE_AUDITS_ARCHIVE_RULES_H
#define ASSIZE_AUDITS_ARCHIVE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/map.h"
#include "runner/base/pairs.h"
#include "runner/io/archive.h"

struct arena;
struct err;

/* Worst first: the order of evidence. */
enum archive_rule {
	RULE_UNSAFE, /* unpacking it would do harm, or two programs would unpack different things */
	RULE_DIFFERENT,
	RULE_MISSING,
	RULE_FORBIDDEN,
	RULE_UNLISTED,
	RULE_ATTRIBUTES,
	N_ARCHIVE_RULES,
};

enum archive_links { LINKS_INSIDE, LINKS_NONE, LINKS_ANY };

enum archive_allowance {
	ALLOW_CASE = 1 << 0,	   /* names that differ only in case */
	ALLOW_DEVICES = 1 << 1,	   /* devices, named pipes, sockets */
	ALLOW_DUPLICATES = 1 << 2, /* the same name twice */
	ALLOW_GAPS = 1 << 3,	   /* bytes that belong to nothing */
	ALLOW_SETUID = 1 << 4,	   /* setuid and setgid bits */
};

struct archive_list_entry {
	unsigned char digest[32];
	bool is_seen;
};

struct archive_wants {
	struct texts required, forbidden; /* globs; a required one that ends in / is a folder */
	const struct map *digests;	  /* struct archive_list_entry by name; NULL = none */
	bool is_exact;			  /* files that are not in digests are findings */
	struct pairs modes;		  /* glob to octal mode; the first that matches counts */
	const char *user, *group;	  /* names or numbers; NULL = any */
	enum archive_links links;
	unsigned allowed; /* enum archive_allowance */
};

struct archive_item {
	const char *name; /* as stored */
	const char *path; /* normalised */
	const char *link; /* NULL = none */
	enum member_type type;
	unsigned mode;
	int64_t uid, gid;
	const char *user, *group;
	size_t place; /* in the archive */
	bool has_content, is_repeated;
	unsigned char digest[32]; /* of files, and of hard links that came with content */
};

struct archive_finding {
	enum archive_rule rule;
	const char *name; /* escaped; "" = the archive itself */
	const char *text;
};

struct archive_review {
	struct arena *arena;
	const struct archive_wants *wants;
	struct archive_item **items;
	size_t n_items, cap_items;
	struct map by_path, by_folded; /* struct archive_item *, the first of each path */
	struct map spelled; /* folded name of a member or a folder on its way -> as it is written */
	struct archive_finding *findings;
	size_t n_findings, cap_findings;
	int64_t counts[N_ARCHIVE_RULES];
	bool *is_mode_met; /* of each of wants->modes: there is a member it is asked of */
};

void archive_review_init(struct archive_review *r, struct arena *a,
			 const struct archive_wants *wants);
/* Copies what m points to. The digest is the caller's to fill in. */
struct archive_item *archive_review_add(struct archive_review *r, const struct archive_member *m);
/* name is escaped here. */
void archive_review_found(struct archive_review *r, enum archive_rule rule, const char *name,
			  const char *text);
/* Once all members were added. Sorts the findings. -1: not done by then. */
int archive_review_judge(struct archive_review *r, int64_t deadline_ms, struct err *e);

/* Of a name in a definition: it ends with a slash. */
bool archive_asks_folder(const char *name);

/* The archive's way to write a name, for comparisons: without "./", empty parts, slashes at ends.
 */
const char *archive_path(struct arena *a, const char *name);

#endif
