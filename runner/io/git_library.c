#include "runner/io/git_library.h"

#include <assert.h>
#include <pthread.h>

#include "runner/base/err.h"
#include "runner/io/library.h"

/* Written once, before anybody reads it. */
static struct {
	pthread_once_t once;
	struct git_api api;
	struct err error; /* why it is not here */
} library = {.once = PTHREAD_ONCE_INIT};

static void load(void)
{
	const struct library_symbol symbols[] = {
#define GIT_SYMBOL(result, name, arguments) {"git_" #name, &library.api.name},
		GIT_FUNCTIONS(GIT_SYMBOL)
#undef GIT_SYMBOL
	};

	/* -1 shows in the error. */
	(void)library_load("libgit2.so." LIBGIT2_SOVERSION, "git", "libgit2-" LIBGIT2_SOVERSION,
			   symbols, sizeof(symbols) / sizeof(*symbols), &library.error);
}

int git_library(struct err *e)
{
	/* Fails only when misused. */
	(void)pthread_once(&library.once, load);
	if (library.error.class == ERR_NONE)
		return 0;
	if (e)
		*e = library.error;
	return -1;
}

const struct git_api *git_functions(void)
{
	(void)git_library(NULL); /* asked before, by whoever can say that it is missing */
	assert(library.error.class == ERR_NONE);
	return &library.api;
}
