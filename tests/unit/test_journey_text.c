/*
 * What is captured and sent on is data: in a path it stays one name, in a body it stays exact.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "audits/journey.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"

static struct captured items[] = {
	{.name = "id", .text = "17 a/b"},  {.name = "none", .text = ""},
	{.name = "dot", .text = "."},	   {.name = "up", .text = ".."},
	{.name = "at", .text = "/x/../y"}, {.name = "big", .text = "1.8e19", .is_rounded = true},
	{.name = "file", .text = "a.txt"},
};
static const struct captures captures = {.items = items, .n = sizeof(items) / sizeof(items[0])};

/* What is placed, or "error: " and why not. */
static const char *placed(struct arena *a, const char *s, enum placing how)
{
	struct err e = {0};
	const char *text;
	struct buf b;

	buf_init(&b, 1000);
	if (captures_place(&captures, s, how, &b, &e) == 0)
		text = arena_strdup(a, b.data);
	else
		text = arena_printf(a, "error: %s", e.message);
	buf_release(&b);
	return text;
}

static void test_journey_text_keeps_a_name_in_a_path(void **state)
{
	static const struct {
		const char *path, *is;
	} cases[] = {
		{"/orders/{id}/items", "/orders/17%20a%2Fb/items"},
		{"/orders/{file}", "/orders/a.txt"},
		{"/orders/{dot}{file}", "/orders/.a.txt"},
		{"/orders/v{none}", "/orders/v"},
		{"/orders/{dot}{up}", "/orders/..."},
		{"/{+at}", "//x/../y"},
		{"/echo?in={up}&and={none}", "/echo?in=..&and="},
		{"/echo?in=/{up}", "/echo?in=/.."},
		{"/echo#{none}", "/echo#"},
		{"/{x-y}/.{dot}.", "error: \"x-y\" was not captured"},
		{"/a/.{dot}.", "/a/..."},
		{"/orders/{up}", "error: \"up\" is \"..\", which in a path leads elsewhere"},
		{"/orders/{up}/x", "error: \"up\" is \"..\", which in a path leads elsewhere"},
		{"/orders/{up}?x", "error: \"up\" is \"..\", which in a path leads elsewhere"},
		{"{dot}", "error: \"dot\" is \".\", which in a path leads elsewhere"},
		{"/orders/.{dot}", "error: \"dot\" is \".\", which in a path leads elsewhere"},
		{"/orders/{dot}./x", "error: \"dot\" is \".\", which in a path leads elsewhere"},
		{"/orders/{dot}{dot}", "error: \"dot\" is \".\", which in a path leads elsewhere"},
		{"/orders/{none}", "error: \"none\" is \"\", which in a path leads elsewhere"},
		{"/orders/{none}/x", "error: \"none\" is \"\", which in a path leads elsewhere"},
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(placed(a, cases[i].path, PLACE_ENCODED), cases[i].is);
	assert_string_equal(placed(a, "/orders/{up}/{none}", PLACE_RAW), "/orders/../");
	arena_free(a);
}

static void test_journey_text_sends_on_what_is_exact(void **state)
{
	static const char refused[] = "error: \"big\" cannot be sent on: it is an integer beyond "
				      "2^63, whose last digits are not kept";
	struct arena *a = arena_new();

	(void)state;
	assert_string_equal(placed(a, "id={big}", PLACE_RAW), refused);
	assert_string_equal(placed(a, "/{big}", PLACE_ENCODED), refused);
	assert_string_equal(placed(a, "/{big}", PLACE_SHOWN), "/1.8e19");
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journey_text_keeps_a_name_in_a_path),
		cmocka_unit_test(test_journey_text_sends_on_what_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
