/*
 * jcs: canonical JSON (RFC 8785) for what is hashed: one content, one text.
 *
 * A restricted form, so that no two programs can differ about it: names are ASCII and written in
 * ascending order (asserted), integers stay within 2^53 - 1 and are text beyond, and there are no
 * JSON floats at all: a real is the text C's %a prints ("0x1.8p+3", "-0x0p+0", "inf", "nan"), which
 * is exact by construction, costs a fiftieth of finding the shortest decimal, and is read back by
 * strtod, Python's float.fromhex and Go's strconv alike. Text that is no UTF-8 or longer than
 * JCS_MAX_TEXT bytes stands as its digest.
 *
 * The writer borrows a buffer made with BUF_UNBOUNDED; input is bounded by its callers.
 */
#ifndef ASSIZE_IO_JCS_H
#define ASSIZE_IO_JCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

#define JCS_MAX_TEXT	1024
#define JCS_MAX_INTEGER INT64_C(9007199254740991) /* 2^53 - 1 */
#define JCS_REAL_MAX	32

struct jcs {
	struct buf *out;
	const char *last; /* name written last; NULL = none in this object */
};

void jcs_begin(struct jcs *j, struct buf *out); /* '{' */
void jcs_end(struct jcs *j);

void jcs_put_int(struct jcs *j, const char *name, int64_t v);
void jcs_put_real(struct jcs *j, const char *name, double v);
void jcs_put_text(struct jcs *j, const char *name, const char *s, size_t n);
/* {"sha256":"...","size":n} whatever the text is: what may be pruned without breaking the hash. */
void jcs_put_digest(struct jcs *j, const char *name, const void *p, size_t n);
void jcs_put_hex(struct jcs *j, const char *name, const unsigned char *bytes, size_t n);
/* What a nested array or object is, written by the caller in its own canonical form. */
void jcs_put_name(struct jcs *j, const char *name);

/* A string with its quotes, as RFC 8785 section 3.2.2.2 has it; s is UTF-8. */
void jcs_string(struct buf *out, const char *s, size_t n);
/* As C's %a; all NaNs are one. The length. */
size_t jcs_real(double v, char out[static JCS_REAL_MAX]);
/* Decimal digits at `out`, at most 20 and no NUL; the length. */
size_t jcs_digits(int64_t v, char *out);

/*
 * The canonical form of any JSON text (RFC 8785, floats included), for comparing what others wrote
 * with what it should be. -1: not JSON, or a number or string that has no canonical form.
 */
int jcs_of_json(const char *text, size_t n, struct buf *out, struct err *e);

#endif
