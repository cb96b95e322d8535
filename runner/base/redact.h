/*
 * redact: secrets never leave.
 *
 * Holds the secret values of a run (from ${env:..} and ${file:..}) and replaces every occurrence in
 * outgoing text by REDACT_MASK, also when it is percent-encoded, escaped as JSON, HTML, XML or
 * str_escape() do, in base64 (of both alphabets, as HTTP Basic would carry it) or in hex. Every
 * text that goes to record, report, log or terminal passes redact_text() once, in the runner. Owns
 * copies of the secrets in its arena. Filled before threads
 * start, read-only afterwards.
 */
#ifndef ASSIZE_BASE_REDACT_H
#define ASSIZE_BASE_REDACT_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;
struct redactor;

#define REDACT_MASK "***"

struct redactor *redactor_new(struct arena *a);
/* "" is ignored. Of several lines each of some length is a secret of its own as well. */
void redactor_add(struct redactor *r, const char *secret);
/* The same, of a secret that is the value of an environment variable; name is borrowed. */
void redactor_add_variable(struct redactor *r, const char *secret, const char *name);
/* Those of another redactor as well: what is cut can be masked once only. */
void redactor_add_all(struct redactor *r, const struct redactor *from);
/*
 * Does a secret begin at s, spelled as it is? Its length, 0 = no; the longest when there are
 * several. *variable is the variable that holds it, NULL when none does.
 */
size_t redactor_find(const struct redactor *r, const char *s, const char **variable);
bool redactor_is_empty(const struct redactor *r);
/* s itself when nothing matches, else a masked copy in a. NULL gives NULL. */
const char *redact_text(const struct redactor *r, struct arena *a, const char *s);
/*
 * The same of a text that was cut at its end: what may be the beginning of a secret there is masked
 * as well, because nobody would recognise it later.
 */
const char *redact_cut(const struct redactor *r, struct arena *a, const char *s);
/*
 * The first most bytes of s[0..n), whole characters, masked like that, in a: for texts that are
 * shown in part. r NULL: there are no secrets.
 */
const char *redact_head(const struct redactor *r, struct arena *a, const char *s, size_t n,
			size_t most);
/* The same of any bytes, appended to out escaped: a NUL, which no secret has, is shown as one. */
void redact_show(const struct redactor *r, struct arena *a, const char *s, size_t n, size_t most,
		 struct buf *out);

#endif
