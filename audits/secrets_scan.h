/*
 * secrets_scan: secrets in a stream of bytes, found by their shape.
 *
 * Content comes in pieces of any size; a secret that lies across two of them is found as well.
 * Rules begin with fixed characters, so most bytes cost one look into a table. What a rule finds
 * must also stand a test: the checksum where a token has one (GitHub, npm), the disorder of its
 * characters elsewhere, a body behind the head of a private key. Own patterns see one line at a
 * time, at most 64 KiB of it; bytes that are no UTF-8 are question marks to them. What begins with
 * the byte order mark of UTF-16 is looked at as such, too.
 *
 * A secret never leaves this file: what is told of it is its first four characters, its length and
 * the beginning of its SHA-256, by which it can be allowed.
 */
#ifndef ASSIZE_AUDITS_SECRETS_SCAN_H
#define ASSIZE_AUDITS_SECRETS_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/buf.h"
#include "runner/base/utf16.h"

struct err;
struct pattern;

#define SECRET_WINDOW	   8192 /* bytes a rule can look ahead */
#define SECRET_FINGERPRINT 17	/* 16 hexadecimal digits and NUL */

/* Borrowed until the callback returns: content can be made of nothing but findings. */
struct secret_finding {
	const char *rule;  /* "GitHub token" */
	const char *shown; /* masked */
	const char *fingerprint;
	int64_t line; /* from 1; 0 = the name of the file */
};

struct secret_pattern {
	const char *name;
	const struct pattern *pattern;
};

struct secret_scan {
	const struct secret_pattern *patterns;
	size_t n_patterns;
	void *context;
	void (*found)(void *context, const struct secret_finding *f);
	/* private */
	unsigned char *window; /* 2 * SECRET_WINDOW: one byte seen, then what is to be looked at */
	size_t len, next;      /* next: the first that no rule has looked at */
	int64_t line, pattern_line;
	struct buf text; /* the line at hand, for patterns; a CR at its end is part of it */
	bool is_behind_cr;
	unsigned char head[UTF16_BOM_BYTES];
	size_t n_head;
	bool is_wide; /* it begins with a byte order mark of UTF-16 */
	struct utf16 utf16;
	struct buf narrowed;
	struct secret_scan *wide; /* owned: of such content as UTF-8; NULL until there is one */
};

void secret_scan_init(struct secret_scan *s); /* after patterns and found are set */
void secret_scan_release(struct secret_scan *s);

/* A file begins: its name, any bytes, may be a finding by itself. */
void secret_scan_begin(struct secret_scan *s, const char *name);
int secret_scan_add(struct secret_scan *s, const void *p, size_t n, struct err *e);
int secret_scan_end(struct secret_scan *s, struct err *e);

#endif
