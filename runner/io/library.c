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

	if (!library)
		return err_set(e, ERR_MEASURE, "could not load the %s library (install %s): %s",
			       what, package, dlerror());
	for (size_t i = 0; i < n; i++) {
		void *symbol = dlsym(library, symbols[i].name);

		if (!symbol)
			return err_set(
				e, ERR_MEASURE,
				"cannot use the %s library %s, it has no %s() (install a newer %s)",
				what, soname, symbols[i].name, package);
		/* ISO C has no conversion between the two; POSIX promises that they fit. */
		memcpy(symbols[i].function, &symbol, sizeof(symbol));
	}
	return 0;
}
