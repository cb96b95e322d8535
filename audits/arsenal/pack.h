/*
 * arsenal_pack: an archive packed anew, with one thing about it changed.
 *
 * The members of any archive the door reads go into a plain tar (POSIX.1-1988 ustar, GNU's long
 * names), in their order: a member that is damaged so has a sound archive around it, and only what
 * looks at members can notice. Sparse files lose their holes, times become 0, hard links that come
 * with their content (cpio) are refused.
 */
#ifndef ASSIZE_AUDITS_ARSENAL_PACK_H
#define ASSIZE_AUDITS_ARSENAL_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/io/archive.h"

struct arena;
struct err;

/* What is in an archive. */
struct packed {
	const char *path; /* archive_path() of the name */
	const char *name;
	enum member_type type;
	unsigned mode;
	int64_t size; /* of its content */
	bool is_text; /* it begins as text does */
};

struct pack_list {
	struct packed *items;
	size_t n, cap;
	int64_t bytes; /* that a tar of them takes, about */
};

/* One more member, behind the others. */
struct pack_added {
	const char *name, *link, *content; /* link, content: NULL = none */
	enum member_type type;
	unsigned mode;
};

/* What is another way; paths as archive_path() gives them, NULL = nothing. */
struct pack_edit {
	const char *lost;    /* a glob: members whose path it matches; with / at its end below it */
	size_t kept;	     /* only so many members; 0 = all */
	const char *moved;   /* goes behind the others */
	const char *changed; /* one bit of its first byte */
	const char *planted_in; /* gets text behind its content */
	const char *text;
	const char *linked, *link; /* becomes a symbolic link */
	const char *attributed;	   /* gets a mode, or with mode 07777 an owner */
	unsigned mode;
	struct pack_added added; /* name NULL = none */
};

#define PACK_OWNER 07777

/* Of 4 GiB unpacked at most. */
int pack_read(struct arena *a, const char *path, int64_t deadline_ms, struct pack_list *out,
	      struct err *e);
/* to is replaced, or made. */
int pack_tar(const char *from, const char *to, const struct pack_edit *edit, int64_t deadline_ms,
	     struct err *e);
/* The bytes as gzip packs them. */
int pack_gzip(const char *to, const void *p, size_t n, struct err *e);
/* A tar.gz of one member: so many zeros. */
int pack_zeros(const char *to, size_t n, struct err *e);

#endif
