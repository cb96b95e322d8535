/*
 * zip_layout: does the table of contents of a zip file say what its members say of themselves?
 *
 * A zip says everything twice: in the header in front of each member, read by programs that stream,
 * and in the central directory at the end, read by all others. Where the two disagree, two programs
 * unpack two different things; where bytes belong to neither, something can hide. This is compared
 * here, structure only, without unpacking anything. (APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.)
 *
 * What makes the file no single readable zip is an error: no end record, a part of several volumes,
 * a table that lies outside the file. Everything is bounded by the size of the file.
 */
#ifndef ASSIZE_AUDITS_ZIP_LAYOUT_H
#define ASSIZE_AUDITS_ZIP_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct err;

struct zip_sink {
	void *context;
	/*
	 * name: as stored, "" for the file itself; text lives in the arena, and shows the
	 * beginning of what is longer than any name.
	 */
	void (*found)(void *context, const char *name, const char *text);
	void (*gap)(void *context, const char *text); /* bytes that belong to nothing */
	int64_t max_members;			      /* more of them are an error */
};

bool zip_layout_is_zip(int fd); /* by how it begins */

int zip_layout_check(struct arena *a, int fd, int64_t size, const struct zip_sink *sink,
		     struct err *e);

#endif
