/*
 * Damage to the bytes and the attributes of one file. What is not damaged stays as it was: whoever
 * flips a bit does not change the time, or a check of the age would be said to notice bits.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/arsenal/artifact.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/copy.h"
#include "runner/io/file.h"

#define NOBODY 65534

static int failed(const char *act, const char *path, struct err *e)
{
	return err_set(e, ERR_MEASURE, "could not %s \"%s\": %s", act, path, strerror(errno));
}

int bytes_open(struct scene *s, const char *path, struct bytes_held *out, struct err *e)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;

	*out = (struct bytes_held){.fd = -1, .path = path};
	if (scene_touch_file(s, path, e) < 0)
		return -1;
	if (lstat(path, &out->st) != 0 || chmod(path, 0600) != 0)
		return failed("change", path, e);
	out->fd = open(path, flags);
	return out->fd < 0 ? failed("open", path, e) : 0;
}

int bytes_close(struct bytes_held *h, struct err *e)
{
	const struct timespec times[] = {h->st.st_atim, h->st.st_mtim};
	int rc = fchmod(h->fd, h->st.st_mode & 07777) != 0 || futimens(h->fd, times) != 0
			 ? failed("change", h->path, e)
			 : 0;

	if (close(h->fd) != 0 && rc == 0)
		rc = failed("write", h->path, e);
	return rc;
}

int bytes_write_at(const struct bytes_held *h, const void *p, size_t n, int64_t offset,
		   struct err *e)
{
	if (lseek(h->fd, (off_t)offset, SEEK_SET) < 0 || file_write_all(h->fd, p, n) != 0)
		return failed("write", h->path, e);
	return 0;
}

int act_nothing(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	(void)s;
	(void)d;
	(void)dose;
	(void)e;
	return 0;
}

int act_missing(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	(void)dose;
	return scene_touch(s, d->path, e) < 0 ? -1 : copy_remove(d->path, e);
}

int act_torn(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	struct bytes_held h;

	(void)dose;
	if (bytes_open(s, d->path, &h, e) < 0)
		return -1;
	if (ftruncate(h.fd, (off_t)d->number) != 0) {
		(void)failed("cut", d->path, e);
		(void)bytes_close(&h, NULL); /* that it was not cut is said */
		return -1;
	}
	return bytes_close(&h, e);
}

int act_flipped(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	int64_t at = (int64_t)d->number;
	unsigned char byte;
	struct bytes_held h;
	int rc;

	(void)dose;
	if (bytes_open(s, d->path, &h, e) < 0)
		return -1;
	rc = file_read_at(h.fd, &byte, 1, (uint64_t)at) == 1 ? 0 : failed("read", d->path, e);
	if (rc == 0) {
		byte ^= 1;
		rc = bytes_write_at(&h, &byte, 1, at, e);
	}
	return bytes_close(&h, rc == 0 ? e : NULL) < 0 ? -1 : rc;
}

int act_appended(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	const char *text = d->text != NULL ? d->text : ".";
	struct bytes_held h;
	int rc;

	(void)dose;
	if (bytes_open(s, d->path, &h, e) < 0)
		return -1;
	rc = bytes_write_at(&h, text, strlen(text), h.st.st_size, e);
	return bytes_close(&h, rc == 0 ? e : NULL) < 0 ? -1 : rc;
}

int act_written_bytes(struct scene *s, const struct deed *d, size_t n, struct err *e)
{
	int fd, rc;

	if (scene_touch(s, d->path, e) < 0 || copy_remove(d->path, e) < 0)
		return -1;
	fd = open(d->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return failed("write", d->path, e);
	rc = file_write_all(fd, d->text, n) != 0 ? failed("write", d->path, e) : 0;
	if (close(fd) != 0 && rc == 0)
		rc = failed("write", d->path, e);
	return rc;
}

int act_written(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	(void)dose;
	return act_written_bytes(s, d, strlen(d->text), e);
}

int act_linked(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	(void)dose;
	if (scene_touch(s, d->path, e) < 0 || copy_remove(d->path, e) < 0)
		return -1;
	return symlink(d->text, d->path) != 0 ? failed("make the link", d->path, e) : 0;
}

int act_replaced(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	(void)dose;
	if (scene_touch(s, d->path, e) < 0 || copy_remove(d->path, e) < 0)
		return -1;
	return copy_entry(d->text, d->path, e);
}

static int set_time(const char *path, const struct timespec times[2], struct err *e)
{
	return utimensat(AT_FDCWD, path, times, 0) != 0 ? failed("change the time of", path, e) : 0;
}

int act_renewed(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	int64_t now_ms = clock_wall_ms(s->challenge->world->clock);
	const struct timespec now = {.tv_sec = (time_t)(now_ms / 1000)};
	const struct timespec times[] = {now, now};

	(void)dose;
	return scene_touch_file(s, d->path, e) < 0 ? -1 : set_time(d->path, times, e);
}

int act_aged(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	struct stat st;

	if (scene_touch_file(s, d->path, e) < 0)
		return -1;
	if (stat(d->path, &st) != 0)
		return failed("look at", d->path, e);

	const struct timespec times[] = {
		st.st_atim, {.tv_sec = st.st_mtim.tv_sec - (time_t)llround(d->number + dose)}};
	return set_time(d->path, times, e);
}

int act_mode(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	mode_t mode = (mode_t)d->number;
	struct stat st;

	(void)dose;
	if (scene_touch_file(s, d->path, e) < 0)
		return -1;
	if (chmod(d->path, mode) != 0 || stat(d->path, &st) != 0)
		return failed("change the mode of", d->path, e);
	if ((st.st_mode & 07777) == mode)
		return 0;
	return err_set(e, ERR_MEASURE, "the file system of \"%s\" does not keep the mode %04o",
		       s->challenge->scratch, (unsigned)mode);
}

int act_owner(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	struct stat st;
	uid_t uid = NOBODY;

	(void)dose;
	if (scene_touch_file(s, d->path, e) < 0)
		return -1;
	if (stat(d->path, &st) != 0)
		return failed("look at", d->path, e);
	if (st.st_uid == uid)
		uid = NOBODY - 1;
	return chown(d->path, uid, (gid_t)-1) != 0 ? failed("give away", d->path, e) : 0;
}

/* --- which of them --- */

static void add_flips(struct scene *s, const char *path, const char *object, int64_t size)
{
	static const char *const places[] = {"head", "middle", "tail"};
	const int64_t offsets[] = {0, size / 2, size - 1};

	for (size_t i = 0; i < 3; i++) {
		const struct deed d = {
			.act = act_flipped,
			.path = path,
			.number = (double)offsets[i],
			.words = arena_printf(s->arena, "one bit of byte %lld is another",
					      (long long)offsets[i]),
		};

		if (i > 0 && offsets[i] == offsets[i - 1])
			continue;
		(void)scene_add(s, "bit-flipped",
				object[0] != '\0'
					? arena_printf(s->arena, "%s, %s", object, places[i])
					: places[i],
				&d);
	}
}

void bytes_add(struct scene *s, const char *path, const char *object, unsigned which)
{
	struct stat st = {0};
	int64_t size = stat(path, &st) == 0 ? (int64_t)st.st_size : 0;

	if (which & BYTES_MISSING)
		(void)scene_add(s, "missing", object,
				&(struct deed){.act = act_missing,
					       .path = path,
					       .words = "the file is gone"});
	if ((which & BYTES_EMPTY) && size > 0)
		(void)scene_add(
			s, "empty", object,
			&(struct deed){.act = act_torn, .path = path, .words = "nothing is in it"});
	if ((which & BYTES_TORN_HALF) && size > 2)
		(void)scene_add(s, "torn-half", object,
				&(struct deed){.act = act_torn,
					       .path = path,
					       .number = (double)(size / 2),
					       .words = "its second half is gone"});
	if ((which & BYTES_TORN_BYTE) && size > 1)
		(void)scene_add(s, "torn-byte", object,
				&(struct deed){.act = act_torn,
					       .path = path,
					       .number = (double)(size - 1),
					       .words = "its last byte is gone"});
	if ((which & BYTES_FLIPPED) && size > 0)
		add_flips(s, path, object, size);
	if (which & BYTES_APPENDED)
		(void)scene_add(s, "byte-appended", object,
				&(struct deed){.act = act_appended,
					       .path = path,
					       .words = "a byte more stands at its end"});
}

void controls_add(struct scene *s, const char *beside, const char *touched)
{
	(void)scene_add(s, "identity", "",
			&(struct deed){.act = act_nothing, .words = "a private copy, unharmed"});
	(void)scene_add(s, "neighbour", "",
			&(struct deed){.act = act_written,
				       .path = arena_printf(s->arena, "%s.neighbour", beside),
				       .text = "unrelated\n",
				       .words = "another file lies beside it"});
	if (touched != NULL)
		(void)scene_add(s, "touched", "",
				&(struct deed){.act = act_renewed,
					       .path = touched,
					       .words = "it was read and changed just now, says "
							"the clock"});
}
