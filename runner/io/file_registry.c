/*
 * file_registry: POSIX locks belong to a process and an inode, and close() of any descriptor of
 * that inode drops them all. The registry is therefore one per process, whoever asks: the one
 * mutable object of this file, guarded by its lock. Identity is device and inode, so that a second
 * name of a database is recognised; the name it was registered under is kept for taking it out
 * again, since the file may have been replaced in between.
 *
 * SQLite also locks the -shm file of a WAL database; it is recognised by its name.
 */
#include "runner/io/file_registry.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"
#include "runner/io/file.h"

struct registered {
	struct registered *next;
	char *path;
	dev_t device;
	ino_t inode;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct registered *databases;

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
