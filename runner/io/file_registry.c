/*
 * file_registry: POSIX locks belong to a process and an inode, and close() of any descriptor of
 * that inode drops them all. The registry is therefore one per process, whoever asks:
 * mutable, and guarded by its lock. Identity is device and inode, so that a second
 * name of a database is recognised; the name it was registered under is kept for taking it out
 * again, since the file may have been replaced in between.
 *
 * Beside it, under the same lock: the few files this process is going to write over, each with
 * whether it was read since, and whether it begins as a definition. What is read is not remembered,
 * for it has no bound.
 *
 * SQLite also locks the -shm file of a WAL database; it is recognised by its name.
 */
#include "runner/io/file_registry.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/io/file_kept.h"

struct registered {
	struct registered *next;
	char *path;
	dev_t device;
	ino_t inode;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct registered *databases;
static struct output {
	struct output *next;
	char *path;
	dev_t device;
	ino_t inode;
	bool was_read, is_definition;
} * outputs;

void file_register_database(const char *path)
{
	struct stat st;

	/* Nothing there: nothing can be opened by another name either. */
	if (stat(path, &st) < 0)
		return;

	struct registered *r = xmalloc(sizeof(*r));
	r->path = xstrdup(path);
	r->device = st.st_dev;
	r->inode = st.st_ino;
	(void)pthread_mutex_lock(&lock); /* a plain mutex cannot fail */
	r->next = databases;
	databases = r;
	(void)pthread_mutex_unlock(&lock);
}

void file_unregister_database(const char *path)
{
	struct registered *found = NULL;

	(void)pthread_mutex_lock(&lock);
	for (struct registered **p = &databases; *p; p = &(*p)->next) {
		if (strcmp((*p)->path, path) == 0) {
			found = *p;
			*p = found->next;
			break;
		}
	}
	(void)pthread_mutex_unlock(&lock);
	if (found) {
		free(found->path);
		free(found);
	}
}

static bool has_identity(const struct stat *st)
{
	bool is_found = false;

	(void)pthread_mutex_lock(&lock);
	for (const struct registered *r = databases; r && !is_found; r = r->next)
		is_found = r->device == st->st_dev && r->inode == st->st_ino;
	(void)pthread_mutex_unlock(&lock);
	return is_found;
}

bool file_is_registered(int dir, const char *path, const struct stat *st)
{
	static const char suffix[] = "-shm";
	struct stat database;

	if (has_identity(st))
		return true;
	if (!str_ends(path, suffix))
		return false;

	char *base = xstrdup(path);
	base[strlen(base) - (sizeof(suffix) - 1)] = '\0';
	bool is_found = fstatat(dir, base, &database, 0) == 0 && has_identity(&database);
	free(base);
	return is_found;
}

static int refuse(const struct output *o, struct err *e)
{
	(void)err_set(e, ERR_USAGE,
		      o->was_read ? "cannot write \"%s\": this command reads it"
				  : "cannot write \"%s\": it is a definition",
		      o->path);
	return o->was_read ? err_help(e, "what it holds would be gone; name another file")
			   : err_help(e, "name another file; one that may go is removed first");
}

void file_guard_output(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return;

	struct output *o = xmalloc(sizeof(*o));
	o->path = xstrdup(path);
	o->device = st.st_dev;
	o->inode = st.st_ino;
	o->was_read = false;
	o->is_definition = file_begins_as_definition(path);
	(void)pthread_mutex_lock(&lock); /* a plain mutex cannot fail */
	o->next = outputs;
	outputs = o;
	(void)pthread_mutex_unlock(&lock);
}

void file_registry_note(const struct stat *st)
{
	(void)pthread_mutex_lock(&lock);
	for (struct output *o = outputs; o; o = o->next)
		o->was_read = o->was_read || (o->device == st->st_dev && o->inode == st->st_ino);
	(void)pthread_mutex_unlock(&lock);
}

void file_note_read(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0)
		file_registry_note(&st);
}

int file_registry_refuse(const struct stat *st, struct err *e)
{
	int rc = 0;

	(void)pthread_mutex_lock(&lock);
	for (const struct output *o = outputs; o && rc == 0; o = o->next)
		if ((o->was_read || o->is_definition) && o->device == st->st_dev &&
		    o->inode == st->st_ino)
			rc = refuse(o, e);
	(void)pthread_mutex_unlock(&lock);
	return rc;
}

bool file_is_left(const char *path)
{
	bool is_found = false;
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	(void)pthread_mutex_lock(&lock);
	for (const struct output *o = outputs; o && !is_found; o = o->next)
		is_found = strcmp(o->path, path) == 0 && !o->was_read && o->device == st.st_dev &&
			   o->inode == st.st_ino;
	(void)pthread_mutex_unlock(&lock);
	return is_found;
}

int file_check_guarded(struct err *e)
{
	int rc = 0;

	(void)pthread_mutex_lock(&lock);
	for (const struct output *o = outputs; o && rc == 0; o = o->next)
		if (o->was_read || o->is_definition)
			rc = refuse(o, e);
	(void)pthread_mutex_unlock(&lock);
	return rc;
}
