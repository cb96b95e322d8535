/* progress: what is said of work under way, and when nothing is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runner/base/arena.h"
#include "runner/model/progress.h"

#define MIB (INT64_C(1) << 20)

static void test_progress_in_words(void **state)
{
	struct arena *a = arena_new();
	struct progress p = {.what = NULL};

	(void)state;
	assert_null(progress_words(a, &p, 5000));
	progress_begin(&p, "v1 closure", 1000);
	assert_string_equal(progress_words(a, &p, 1000), "v1 closure");
	atomic_store(&p.total, 400);
	assert_string_equal(progress_words(a, &p, 1000), "v1 closure 0/400");
	atomic_store(&p.done, 100);
	assert_string_equal(progress_words(a, &p, 3999), "v1 closure 100/400");
	assert_string_equal(progress_words(a, &p, 5000), "v1 closure 100/400, 12 s left");
	/* bytes tell the pace better than things, which differ in size */
	atomic_store(&p.bytes, 8 * MIB);
	atomic_store(&p.total_bytes, 16 * MIB);
	assert_string_equal(progress_words(a, &p, 5000),
			    "v1 closure 100/400, 8 MiB of 16 MiB, 4 s left");
	/* never more than all, and at the end no time is left */
	atomic_store(&p.done, 500);
	atomic_store(&p.bytes, 17 * MIB);
	assert_string_equal(progress_words(a, &p, 5000), "v1 closure 400/400, 16 MiB of 16 MiB");
	progress_begin(&p, "v1 compare", 6000);
	assert_string_equal(progress_words(a, &p, 6000), "v1 compare");
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_progress_in_words)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
