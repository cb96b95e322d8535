/* archive_library: libarchive, loaded when the first archive is opened. */
#include "runner/io/archive_library.h"

#include <pthread.h>

#include "runner/base/err.h"
#include "runner/io/library.h"

/* Written once, before anybody reads it. */
static struct {
	pthread_once_t once;
	struct archive_api api;
	struct err error; /* why it is not here */
} library = {.once = PTHREAD_ONCE_INIT};

static void load(void)
{
	const struct library_symbol symbols[] = {
#define ARCHIVE_SYMBOL(result, name, arguments) {#name, &library.api.name},
		ARCHIVE_FUNCTIONS(ARCHIVE_SYMBOL)
#undef ARCHIVE_SYMBOL
	};

	/* -1 shows in the error. */
	(void)library_load("libarchive.so.13", "archive", "libarchive13", symbols,
			   sizeof(symbols) / sizeof(*symbols), &library.error);
}

const struct archive_api *archive_library(struct err *e)
{
	/* Fails only when misused. */
	(void)pthread_once(&library.once, load);
	if (library.error.class == ERR_NONE)
		return &library.api;
	if (e)
		*e = library.error;
	return NULL;
}
