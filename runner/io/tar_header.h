/*
 * tar_header: what every header of a tar has, whatever wrote it: a sum of its bytes, numbers in
 * octal. Headers before POSIX.1-1988 have no other mark, nor has the label of a GNU volume.
 */
#ifndef ASSIZE_IO_TAR_HEADER_H
#define ASSIZE_IO_TAR_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAR_BLOCK      512
#define TAR_SIZE_AT    124
#define TAR_SIZE_BYTES 12
#define TAR_TYPE_AT    156

/* Octal digits between spaces and NUL, or the binary form, whose first bit is set. -1: neither. */
int64_t tar_number(const unsigned char *p, size_t n);
/* Is the sum of a block the one it says? Old programs added signed bytes. */
bool tar_is_header(const unsigned char *block);
bool tar_is_end(const unsigned char *block); /* zeros */

#endif
