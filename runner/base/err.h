/*
 * err: one failure, with where, what, and what to do next.
 *
 * A fallible function returns 0 or -1 and takes a struct err * last. It is set once, where the fact
 * is known (err_set); callers up the stack add what they were doing (err_context), never replace.
 * The zero value means "no error". A struct err owns nothing: text is stored inside, cut at its
 * size with an ellipsis, control bytes escaped by the printer.
 *
 * Message form (style.md 19): `check "orders/fresh": could not open database "shop.db": permission
 * denied`. "could not" may work later; "cannot" never will.
 */
#ifndef ASSIZE_BASE_ERR_H
#define ASSIZE_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;

/* What a failure means for the exit status (02-definitions, Exit status). */
enum err_class {
	ERR_NONE = 0,
	ERR_MEASURE,	/* could not measure: undecided, exit 2 */
	ERR_USAGE,	/* command line: exit 3 */
	ERR_DEFINITION, /* definition: exit 3 */
	ERR_RECORD,	/* the record cannot be written or trusted: exit 4 */
	ERR_INTERNAL,	/* a bug, or the machine: exit 70 */
};

/* A place in a definition. file is borrowed and outlives the position; NULL = nowhere. */
struct pos {
	const char *file;
	uint32_t line; /* from 1; 0 = unknown */
	uint32_t col;  /* from 1, in bytes */
};

#define ERR_ELLIPSIS "\xE2\x80\xA6" /* ends a message or help that was longer */

struct err {
	enum err_class class;
	struct pos pos;
	char message[1024];
	char help[640];
};

/* Each returns -1 so that `return err_set(...)` reads well. e may be NULL. */
int err_set(struct err *e, enum err_class class, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int err_at(struct err *e, enum err_class class, struct pos pos, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Prepends "what: " to the message of an error that is set. */
int err_context(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What to do next; replaces nothing that is already there. */
int err_help(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Exit status a class stands for. */
int err_exit_status(enum err_class class);

/*
 * All errors of one pass, in order found, sorted by position when printed. Owns its items; text in
 * an arena given at init. At most DIAGS_MAX are kept: whoever walks input stops at diags_is_full(),
 * so that a file made of errors costs no more than a file with a thousand of them.
 */
#define DIAGS_MAX 1000

struct diags {
	struct arena *arena;
	struct err *items;
	size_t n; /* kept */
	size_t cap;
	size_t n_total; /* found; more than n once some were not kept */
};

void diags_init(struct diags *d, struct arena *a);
void diags_add(struct diags *d, const struct err *e);
int diags_at(struct diags *d, struct pos pos, const char *help, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
bool diags_is_full(const struct diags *d);
void diags_sort(struct diags *d);

/*
 * Renders "file:line:col: message", the source line with a caret, then "help: ...". source is the
 * text of e->pos.file or NULL when it is not at hand. Control bytes are escaped.
 */
void err_render(struct buf *out, const struct err *e, const char *source, size_t source_len);

#endif
