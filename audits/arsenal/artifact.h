/*
 * arsenal_artifact: what the arsenals of the artifact kinds share; private to this room.
 *
 * What a check looks at is copied into the challenge's private directory, and the check into one
 * whose paths lead there: a scene. A strike damages the copy, has the check's own probe look at it,
 * and mends the copy from what is real, which is only ever read. All that the check reads besides
 * (digest lists, keys) stays the real thing unless the attack is about it.
 *
 * A kind says what it stages (open) and which deeds make sense of what the check expects (survey);
 * striking, mending and telling is done here. Everything lives in the arena of the challenge.
 */
#ifndef ASSIZE_AUDITS_ARSENAL_ARTIFACT_H
#define ASSIZE_AUDITS_ARSENAL_ARTIFACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "runner/model/challenge.h"
#include "runner/model/kind.h"

struct deed;
struct named_expectation;
struct scene;

/* Something real and its private copy. */
struct staged {
	const char *real, *path;
	struct stat st; /* of what is real, when it was copied */
};

/* What a strike changes, and how it was before. */
struct touched {
	const char *path;
	bool was_there;
	struct stat st;
};

struct scene {
	struct challenge *challenge;
	struct arena *arena;
	const struct attack_row *rows;
	struct check *check; /* the one that looks at the copies */
	const void *spec;    /* its spec as it is between strikes */
	struct staged *staged;
	size_t n_staged, cap_staged;
	struct touched *touched; /* of the strike at hand */
	size_t n_touched, cap_touched;
	const char *broken; /* why nothing can be told any more; NULL = all is well */
	int64_t bytes;	    /* copied */
	bool is_hollow;	    /* nobody reads what is in files: copies of them are holes */
	bool has_times;	    /* values in seconds are of this very probe: no two are the same */
	const void *more;   /* the kind's own */
};

/* A way of damaging: attack.state. Its act calls scene_touch() before it changes anything. */
struct deed {
	/* 0; -1 = it could not be done, e says why. */
	int (*act)(struct scene *s, const struct deed *d, double dose, struct err *e);
	const char *words; /* "the file is gone" */
	/* Instead of words, where there is a dose. */
	const char *(*tell)(struct arena *a, const struct deed *d, double dose);
	/* What act needs. */
	const char *path, *text;
	double number;
	const void *more;
};

/* --- the scene --- */

/* Puts a new scene into c->state. */
struct scene *scene_new(struct challenge *c, const struct attack_row *rows);
/*
 * Copies what the real path leads to, if anything, under its own name into a folder of its own. The
 * result is where the copy is, or would be. -1: no room, unreadable, too large.
 */
int scene_stage(struct scene *s, const char *real, const char **path, struct err *e);
/* Is there so much room for what is made of something real? */
int scene_check_room(struct scene *s, int64_t needed, const char *real, struct err *e);
/* A copy that was made otherwise; st NULL = nobody minds when what is real changes. */
void scene_stand_in(struct scene *s, const char *real, const char *copy, const struct stat *st);
/* scene_stage() of what the check's key leads to, and points the key there. */
int scene_stage_key(struct scene *s, const char *key, struct err *e);
/* The same of a file: no folder is copied for a check that cannot look at one. */
int scene_stage_file(struct scene *s, const char *key, struct err *e);
void scene_point(struct scene *s, const char *key, const char *path);
/* At the end of open(): what is pointed elsewhere from now on is so for one strike. */
void scene_seal(struct scene *s);
/* -1: it is not below the private copy, and must not be changed. */
int scene_touch(struct scene *s, const char *path, struct err *e);
/* The same of what is changed in its place: no link. */
int scene_touch_file(struct scene *s, const char *path, struct err *e);
/* The field that belongs to a key in a check's spec. */
void *artifact_field(const struct check *c, const char *key);
const char *artifact_path(const struct check *c, const char *key);

/* --- what the check expects --- */

/* NULL = nothing, a warning apart. */
const struct named_expectation *artifact_expects(const struct check *c, const char *value);
/* Would the check complain of this measurement? Then it claims what leads there. */
bool artifact_minds(struct arena *a, const struct check *c, const struct measurement *m);
bool artifact_minds_int(struct arena *a, const struct check *c, const char *value, int64_t v);
bool artifact_minds_real(struct arena *a, const struct check *c, const char *value, double v);

/* --- attacks --- */

/* d is copied. name is one of the scene's rows. */
struct attack *scene_add(struct scene *s, const char *name, const char *object,
			 const struct deed *d);
void attack_settle(struct attack *a, enum attack_outcome outcome, const char *reason);

/* The two parts of an arsenal that all of them have. */
int artifact_strike(struct challenge *c, const struct attack *a, double dose, struct probe *p,
		    struct err *e);
const char *artifact_words(const struct challenge *c, const struct attack *a, double dose);

/* What the scene's check measures, told of what is real. 0 and -1 as audit_kind.probe. */
int scene_ask(const struct scene *s, struct probe *p, struct err *e);

/* Rows that several have; the first is the proof. */
#define ROW_IDENTITY                                                                               \
	{                                                                                          \
		.name = "identity", .help = "a private copy, unharmed", .is_control = true,        \
		.is_proof = true                                                                   \
	}
#define ROW_NEIGHBOUR                                                                              \
	{                                                                                          \
		.name = "neighbour", .help = "another file beside it", .is_control = true          \
	}
#define ROW_TOUCHED                                                                                \
	{                                                                                          \
		.name = "touched", .help = "it was changed and read just now, says the clock",     \
		.is_control = true                                                                 \
	}
#define ROWS_OF_BYTES                                                                              \
	{.name = "missing", .help = "it is gone"}, {.name = "empty", .help = "nothing is in it"},  \
		{.name = "torn-half", .help = "its second half is gone"},                          \
		{.name = "torn-byte", .help = "its last byte is gone"},                            \
		{.name = "bit-flipped",                                                            \
		 .help = "one bit is another, at its head, middle or tail"},                       \
	{                                                                                          \
		.name = "byte-appended", .help = "a byte more stands at its end"                   \
	}

/* --- acts (bytes.c); path says of what --- */

int act_nothing(struct scene *s, const struct deed *d, double dose, struct err *e);
int act_missing(struct scene *s, const struct deed *d, double dose, struct err *e);
/* number: how many bytes are left. */
int act_torn(struct scene *s, const struct deed *d, double dose, struct err *e);
/* number: of which byte. */
int act_flipped(struct scene *s, const struct deed *d, double dose, struct err *e);
/* text goes behind the end, a dot if NULL. */
int act_appended(struct scene *s, const struct deed *d, double dose, struct err *e);
/* text is all that is in it now. */
int act_written(struct scene *s, const struct deed *d, double dose, struct err *e);
/* The same of so many bytes. */
int act_written_bytes(struct scene *s, const struct deed *d, size_t n, struct err *e);
/* A symbolic link that leads to text is in its place. */
int act_linked(struct scene *s, const struct deed *d, double dose, struct err *e);
/* The other file text is in its place. */
int act_replaced(struct scene *s, const struct deed *d, double dose, struct err *e);
/* Read and changed just now. */
int act_renewed(struct scene *s, const struct deed *d, double dose, struct err *e);
/* Changed number + dose seconds before it was. */
int act_aged(struct scene *s, const struct deed *d, double dose, struct err *e);
/* The permissions are number. */
int act_mode(struct scene *s, const struct deed *d, double dose, struct err *e);
int act_owner(struct scene *s, const struct deed *d, double dose, struct err *e);

/*
 * Opens the copy to be damaged, whatever its mode; bytes_close() gives it mode and time back. The
 * path is touched.
 */
struct bytes_held {
	int fd;
	struct stat st;
	const char *path;
};
int bytes_open(struct scene *s, const char *path, struct bytes_held *out, struct err *e);
int bytes_close(struct bytes_held *h, struct err *e);
/* All n bytes at a place. */
int bytes_write_at(const struct bytes_held *h, const void *p, size_t n, int64_t offset,
		   struct err *e);

enum bytes_attack {
	BYTES_MISSING = 1 << 0,
	BYTES_EMPTY = 1 << 1,
	BYTES_TORN_HALF = 1 << 2,
	BYTES_TORN_BYTE = 1 << 3,
	BYTES_FLIPPED = 1 << 4,
	BYTES_APPENDED = 1 << 5,
	BYTES_ALL = (1 << 6) - 1,
};

/* Those of them that make sense of a file of this size, all of one object. */
void bytes_add(struct scene *s, const char *path, const char *object, unsigned which);
/* identity; neighbour; touched, if there is something whose time does not matter. */
void controls_add(struct scene *s, const char *beside, const char *touched);

#endif
