/*
 * oci_tar: where the members of an uncompressed tar lie, for image layouts kept in one file.
 *
 * A layout needs its members in the order in which documents lead to them, so the headers are read
 * once and the members where they lie. Only what tools write around a layout is understood: files
 * and folders with names that fit the header (POSIX.1-1988 ustar). Long names, pax records that
 * move a name or a size, links that stand for files and names twice are refused: two readers would
 * see two images.
 */
#ifndef ASSIZE_AUDITS_OCI_TAR_H
#define ASSIZE_AUDITS_OCI_TAR_H

#include <stdbool.h>
#include <stdint.h>

#include "runner/base/map.h"

struct arena;
struct err;

#define OCI_TAR_MAX_MEMBERS 100000

struct oci_member {
	int64_t offset, size;
	bool is_file; /* else a link or a device */
};

/* Names without "./" to struct oci_member; folders are left out. size is that of the file. */
int oci_tar_read(struct arena *a, int fd, int64_t size, struct map *out, struct err *e);

#endif
