/*
 * RTLD_LOCAL keeps the clients apart, RTLD_NOW finds what is missing here and not in mid-query. A
 * library is never unloaded: it may have left handlers behind (OpenSSL's at exit).
 */
#include "runner/io/library.h"

#include <dlfcn.h>
#include <string.h>

#include "runner/base/err.h"

int library_load(const char *soname, const char *what, const char *package,
		 const struct library_symbol *symbols, size_t n, struct err *e)
{
	void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

	if (!library) {
		(void)err_set(e, ERR_MEASURE, "could not load the %s library: %s", what, dlerror());
		return err_help(e, "install %s", package);
	}
	for (size_t i = 0; i < n; i++) {
		void *symbol = dlsym(library, symbols[i].name);

		if (!symbol) {
			(void)err_set(e, ERR_MEASURE,
				      "cannot use the %s library %s: it has no %s()", what, soname,
				      symbols[i].name);
			return err_help(e, "install a newer %s", package);
		}
		/* ISO C has no conversion between the two; POSIX promises that they fit. */
		memcpy(symbols[i].function, &symbol, sizeof(symbol));
	}
	return 0;
}
