/*
 * arsenal_log: what the files of the arsenal of logs share; private to arsenal_log*.c.
 *
 * log_copy.c takes from the real log what the copy is made of, log.c does with it
 * what becomes of logs.
 */
#ifndef ASSIZE_AUDITS_ARSENAL_LOG_H
#define ASSIZE_AUDITS_ARSENAL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct check;
struct err;
struct pattern;
struct scene;

struct logged {
	const char *live; /* the copy */
	const char *base; /* what it holds at the first look */
	size_t n_base;
	const char *lines; /* harmless ones, which come by the second */
	size_t n_lines;
	const char *quiet; /* one that matches nothing; NULL = there is none */
	int64_t since_ms;  /* between the looks */
};

struct watched {
	const char *name; /* "" = the only one */
	const char *text;
	const struct pattern *pattern;
};

size_t logged_patterns(const struct check *c, struct arena *a, struct watched **out);
bool logged_matches(const struct check *c, struct arena *a, const char *line, size_t n);

/* All but live; real: the log it is of. An error when nothing harmless can be written to it. */
int logged_read(struct scene *s, struct logged *out, const char **real, struct err *e);

#endif
