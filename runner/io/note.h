/*
 * note: signed notes (C2SP signed-note), the envelope of checkpoints: text, an empty line, and one
 * line for each signature, "\u2014 NAME BASE64", of which the first four bytes are the key's id.
 *
 * A key is known by a line: "NAME+ID+BASE64", where the bytes are the algorithm and the public key.
 * Known are Ed25519 (1), and cosignatures of witnesses (4, C2SP tlog-cosignature), which sign a
 * time beside the text. Whatever else signs a note is left alone, as the specification asks.
 *
 * golang.org/x/mod/sumdb/note reads what is written here, and the other way round.
 */
#ifndef ASSIZE_IO_NOTE_H
#define ASSIZE_IO_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/io/sign.h"

struct arena;
struct err;

#define NOTE_MAX_BYTES	    1000000
#define NOTE_MAX_SIGNATURES 100
#define NOTE_ED25519	    1
#define NOTE_COSIGNATURE    4

struct note_signature {
	const char *name;
	uint32_t id;
	const unsigned char *bytes; /* behind the id */
	size_t n;
};

struct note {
	const char *text; /* with its last newline */
	size_t n;
	struct note_signature *signatures;
	size_t n_signatures;
};

struct note_key {
	const char *name;
	uint32_t id;
	int algorithm;
	unsigned char public[SIGN_PUBLIC_BYTES];
};

/* Text in a. ERR_MEASURE: why it is no note. */
int note_parse(struct arena *a, const char *text, size_t n, struct note *out, struct err *e);

/* The key of a line, or of its parts. */
int note_key_parse(struct arena *a, const char *line, struct note_key *out, struct err *e);
struct note_key note_key_of(const char *name, const unsigned char public[static SIGN_PUBLIC_BYTES]);
const char *note_key_line(struct arena *a, const struct note_key *k);
/* Not empty, no space, no control character, no plus. */
bool note_is_name(const char *name);

/* Is the note signed by k? *time_s: when a witness saw it, 0 of other keys; may be NULL. */
bool note_is_signed(const struct note *note, const struct note_key *k, int64_t *time_s);

/* The text, which ends with a newline, as a note signed by key under the name. */
int note_sign(struct arena *a, const char *text, const char *name, const struct sign_key *key,
	      const char **out, struct err *e);
/* The same note with one more signature. */
int note_add_signature(struct arena *a, const char *note, const char *name,
		       const struct sign_key *key, const char **out, struct err *e);

#endif
