/*
 * lfs: files whose content is kept beside git (git-lfs pointer files, specification v1).
 *
 * A pointer is believed only under filter=lfs, as git-lfs does. Its object must be in the
 * repository's own store and have the bytes the pointer names: git itself checks neither, and a
 * checkout with a corrupt LFS object ends with status 0.
 */
#include "rollback/room.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/digest.h"
#include "runner/io/file.h"

#define POINTER_BYTES 1024 /* longer files are no pointers, says the specification */

/* Value of a line "key value" in text, NULL when there is none. */
static const char *line_value(const char *text, const char *key, size_t *n)
{
	size_t len = strlen(key);

	for (const char *line = text; line && *line;) {
		const char *end = strchr(line, '\n');

		if (strncmp(line, key, len) == 0 && end) {
			*n = (size_t)(end - line) - len;
			return line + len;
		}
		line = end ? end + 1 : NULL;
	}
	return NULL;
}

bool lfs_parse(const char *data, size_t n, struct lfs_pointer *out)
{
	static const char version[] = "version https://git-lfs.github.com/spec/v1\n";
	char text[POINTER_BYTES + 1];
	const char *oid, *size;
	size_t n_oid, n_size;

	if (n >= POINTER_BYTES || n < sizeof(version) || memchr(data, '\0', n))
		return false;
	memcpy(text, data, n);
	text[n] = '\0';
	if (!str_starts(text, version))
		return false;
	oid = line_value(text, "oid sha256:", &n_oid);
	size = line_value(text, "size ", &n_size);
	if (!oid || n_oid != 64 || sha256_from_hex(oid, n_oid, out->sha256) < 0 || !size ||
	    num_parse_int(size, n_size, &out->size_bytes) < 0 || out->size_bytes < 0)
		return false;
	sha256_hex(out->sha256, out->hex);
	return true;
}

static const char *store_path(struct verification *v, const struct entry *entry, struct arena *a)
{
	const char *hex = entry->lfs->hex;

	return arena_printf(a, "%slfs/objects/%.2s/%.2s/%s", git_repository_commondir(v->repo), hex,
			    hex + 2, hex);
}

const char *lfs_remedy(struct verification *v, const struct entry *entry, struct arena *a)
{
	const char *remote = v->source.remote ? v->source.remote : "origin";

	/* git-lfs fetches only what is not there, whatever it holds. */
	return arena_printf(a, "rm -f %s && git lfs fetch %s %s",
			    str_as_word(a, store_path(v, entry, a)), str_as_word(a, remote),
			    str_as_word(a, v->tag[0] == '-' ? v->ref : v->tag));
}

int lfs_open(struct verification *v, const struct entry *entry, struct step *s)
{
	const char *path = store_path(v, entry, s->a), *remedy = lfs_remedy(v, entry, s->a);
	const char *shown = str_escaped(s->a, entry->path);
	struct err e = {0};
	struct stat st;
	int fd;

	s->order = entry->order;
	if (stat(path, &st) < 0)
		return step_find(s, OUTCOME_UNDECIDED, strstr(remedy, "git lfs"),
				 "LFS object %s of \"%s\" is not here, only the pointer to it",
				 entry->lfs->hex, shown);
	if (st.st_size != entry->lfs->size_bytes)
		return step_find(s, OUTCOME_FAIL, remedy,
				 "LFS object %s of \"%s\" has %lld bytes, its pointer says %lld",
				 entry->lfs->hex, shown, (long long)st.st_size,
				 (long long)entry->lfs->size_bytes);
	fd = file_open(path, &st, &e);
	if (fd < 0)
		return step_find(s, OUTCOME_UNDECIDED, remedy, "%s", e.message);
	return fd;
}
