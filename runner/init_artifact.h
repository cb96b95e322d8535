/*
 * init_artifact: what the parts of the source of artifacts share; private to them.
 *
 * An artifact is a file or a folder. Each part looks at it, and where it finds something of its own
 * (an archive, a program, a signature beside) drafts one check named like the part and writes what
 * came of it. init_artifact.c has the source and what is true of every file.
 */
#ifndef ASSIZE_RUNNER_INIT_ARTIFACT_H
#define ASSIZE_RUNNER_INIT_ARTIFACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/init.h"

struct artifact;

struct artifact_part {
	const char *id; /* of its check in the draft */
	bool is_of_folders, is_of_files;
	/* MUST: 1 when there is something, 0 when not; t->parts[..].state is the part's. */
	int (*look)(struct artifact *t, void **state, struct err *e);
	/* MUST: its line of the draft behind "- { id: x, "; nothing, when it asks nothing. */
	void (*put_draft)(const struct artifact *t, const void *state, struct buf *out);
	/* MUST. */
	int (*put)(struct init_writer *w, struct artifact *t, void *state, struct err *e);
	/* MAY be NULL: see struct init_source. */
	int (*finish)(struct artifact *t, void *state, struct err *e);
};

#define ARTIFACT_HEAD 512 /* bytes */

struct artifact {
	struct init *in;
	struct arena *arena;
	struct init_subject *subject;
	const char *absolute; /* path */
	const char *path;     /* as the definition has it */
	bool is_folder;
	int64_t size;
	unsigned char head[ARTIFACT_HEAD];
	size_t n_head;
};

/* A text file beside the artifact, never replaced: is its place free? Says what to do if not. */
int artifact_check_free(const struct artifact *t, const char *path, struct err *e);
/* The value of a part's own check; NULL when it has none. */
const struct result *artifact_value(const struct artifact *t, const char *id, const char *series,
				    const char **reason);
/* "error: PATH: REASON", when a value without which there is no baseline is none. */
int artifact_unmeasured(const struct artifact *t, const char *reason, struct err *e);
/* "between 1 KiB and 4 KiB" and "between 2 and 8": half of it to twice as much. */
void artifact_put_range(struct buf *out, const struct result *r, bool is_size);

/* "digest  name", as sha256sum writes it; a name that needs it is escaped. */
void artifact_put_digest(struct buf *out, const unsigned char digest[static 32], const char *name);

extern const struct artifact_part artifact_archive, artifact_elf, artifact_sbom, artifact_signature,
	artifact_folder;

#endif
