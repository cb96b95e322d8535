/*
 * random: bytes nobody can guess, from the kernel (getrandom(2)).
 */
#ifndef ASSIZE_IO_RANDOM_H
#define ASSIZE_IO_RANDOM_H

#include <stddef.h>

struct arena;
struct err;

/* n_bytes of them as lower case hex digits; at most 64. */
int random_hex(struct arena *a, size_t n_bytes, const char **out, struct err *e);

#endif
