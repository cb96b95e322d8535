/*
 * library_version: which version of a library is in use, and which one this program was built with.
 *
 * Each door to a library tells those of its own; text in the arena it was given, or static.
 */
#ifndef ASSIZE_BASE_LIBRARY_VERSION_H
#define ASSIZE_BASE_LIBRARY_VERSION_H

struct library_version {
	const char *in_use;
	const char *built; /* NULL = its headers do not tell */
	const char *more;  /* what else is to be known of it; NULL = nothing */
};

#endif
