/* test_migrations: checksums against published vectors, and what is read of Python and of names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audits/migrations.h"
#include "runner/base/arena.h"
#include "runner/io/digest.h"

/* Flyway's is the CRC-32 of the lines without their ends; "123456789" is the catalogue's check. */
static void test_migrations_crc_ignores_line_ends(void **state)
{
	static const char *const texts[] = {
		"123456789",
		"12345\n6789\n",
		"12345\r\n6789",
		"12345\r6789\n\n",
		("\xEF\xBB\xBF"
		 "123456789"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(migrations_flyway_crc(texts[i], strlen(texts[i])), -873187034);
	assert_int_equal(migrations_flyway_crc("", 0), 0);
	assert_int_equal(migrations_flyway_crc("a", 1), -390611389);
}

/* Zero keys, c = 1, d = 3; made with an implementation that gives refinery's own test values. */
static void test_migrations_siphash_knows_every_tail(void **state)
{
	(void)state;
	assert_true(migrations_siphash13("", 0) == UINT64_C(0xd1fba762150c532c));
	assert_true(migrations_siphash13("1234567", 7) == UINT64_C(0xa33d651594fdae81));
	assert_true(migrations_siphash13("12345678", 8) == UINT64_C(0x3489982430560a87));
	assert_true(migrations_siphash13("123456789", 9) == UINT64_C(0x0fbc0f0007965fcf));
}

/* RFC 4648, section 10. */
static void test_migrations_base64_pads(void **state)
{
	static const char *const pairs[][2] = {{"", ""},
					       {"f", "Zg=="},
					       {"fo", "Zm8="},
					       {"foo", "Zm9v"},
					       {"foob", "Zm9vYg=="},
					       {"fooba", "Zm9vYmE="},
					       {"foobar", "Zm9vYmFy"}};
	char out[16];

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		migrations_base64((const unsigned char *)pairs[i][0], strlen(pairs[i][0]), out);
		assert_string_equal(out, pairs[i][1]);
	}
}

/* FIPS 180-4, "abc". */
static void test_migrations_sha_of_abc(void **state)
{
	(void)state;
	assert_true(migrations_is_sha1("abc", 3, "a9993e364706816aba3e25717850c26c9cd0d89d"));
	assert_true(migrations_is_sha384("abc", 3,
					 "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
					 "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"));
	assert_false(migrations_is_sha1("abd", 3, "a9993e364706816aba3e25717850c26c9cd0d89d"));
}

static void test_migrations_peek_leaves_the_digest_open(void **state)
{
	unsigned char first[SHA256_BYTES], whole[SHA256_BYTES], other[SHA256_BYTES];
	struct sha256 h;

	(void)state;
	sha256_init(&h);
	sha256_add(&h, "a", 1);
	sha256_peek(&h, first);
	sha256_add(&h, "bc", 2);
	sha256_final(&h, whole);
	sha256_of("a", 1, other);
	assert_memory_equal(first, other, SHA256_BYTES);
	sha256_of("abc", 3, other);
	assert_memory_equal(whole, other, SHA256_BYTES);
}

/* The strings of the last `x = ...`, joined; "-" when there is none, "?" when it is computed. */
static const char *python(struct arena *a, const char *text, const char *class)
{
	struct world w = {.arena = a, .scratch = a};
	struct source_strings found = migrations_python_strings(&w, text, class, "x");
	const char *joined = "";

	if (found.value != SOURCE_LITERAL)
		return found.value == SOURCE_ABSENT ? "-" : "?";
	for (size_t i = 0; i < found.n; i++)
		joined = arena_printf(a, "%s%s|", joined, found.items[i]);
	return joined;
}

static void test_migrations_reads_python_literals(void **state)
{
	static const char *const pairs[][2] = {
		{"x = 'one'\ny = 'two'\n", "one|"},
		{"x=\"one\"", "one|"},
		{"\xef\xbb\xbfx: str = 'one'\r\n", "one|"},
		{"x: Union[str, Sequence[str], None] = ('a', \"b\")", "a|b|"},
		{"x = [\n    ('a', 'b'), # not 'this'\n    ('c', 'd'),\n  ]\nz = 'e'", "a|b|c|d|"},
		{"x = None\n'no'", ""},
		{"x = '''one'''; y = 'no'", "one|"},
		{"x = r'a\\b'", "a\\b|"},
		{"x = \\\n 'a'", "a|"},
		{"x = 'a' # 'b'", "a|"},
		{"xx = 'no'\nself.x = 'no'\nx == 'no'", "-"},
		{"\"\"\"x = 'in a text', alas\"\"\"", "-"},
		{"'''\nx = 'a'\n'''\n# x = 'b'\ny = ('''\nx = 'c'\n''')\n", "-"},
		{"'\\'''\\\nx = 'a'\\\n'\n", "-"},
		{"y = f(x='a')\ndef f(x='a'):\n    x = 'b'\n\n    x = 'c'\n", "-"},
		{"class C:\n    x = 'a'\n", "-"},
		{"x", "-"},
		{"x:", "-"},
		{"", "-"},
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		assert_string_equal(python(a, pairs[i][0], NULL), pairs[i][1]);
	arena_free(a);
}

static void test_migrations_takes_the_last_assignment(void **state)
{
	static const char *const pairs[][2] = {
		{"x = 'a'\nx = 'b'\n", "b|"},
		{"x = 'a'\nx = f()\n", "?"},
		{"x = f()\nx = 'a'\n", "a|"},
		{"from y import x\nx = 'a'; x = 'b'", "b|"},
	};
	static const char *const computed[] = {
		"x = 'a' 'b'",
		"x = 'a' + 'b'",
		"x = ('a', 'b')[0]",
		"x = 'a' if y else 'b'",
		"x = y",
		"x = f'{y}'",
		"x = b'a'",
		"x = 'a\\'b'",
		"x = 'never ends",
		"x, y = 'a', 'b'",
		"y = x = 'a'",
		"x = y = 'a'",
		"x += 'a'",
		"from y import x",
		"from y import (\n    z, x)",
		"x = 'a'\nif y:\n    x = 'b'\n",
		"x = ['a'\n] + y",
		"x = 'a'.upper()",
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		assert_string_equal(python(a, pairs[i][0], NULL), pairs[i][1]);
	for (size_t i = 0; i < sizeof(computed) / sizeof(*computed); i++)
		assert_string_equal(python(a, computed[i], NULL), "?");
	arena_free(a);
}

static void test_migrations_reads_the_body_of_a_class(void **state)
{
	static const char *const pairs[][2] = {
		{"class M(B):\n    '''\n    x = 'a'\n    '''\n    x = [('a', 'b')]\n", "a|b|"},
		{"x = 'a'\nclass M:\n\n  x = 'b'\n  x = 'c'\n  def f():\n    x = 'd'\nx = 'e'",
		 "c|"},
		{"class M:\n    x = [migrations.swappable_dependency(g('a')), ('b', 'c')]", "b|c|"},
		{"class M:\n    if y:\n        x = 'a'\n", "?"},
		{"class M:\n    x = [('a', 'b')] + y\n", "?"},
		{"class M:\n    y = 'a'\nclass Mx:\n    x = 'a'\n", "-"},
		{"from y import M\n", "?"},
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		assert_string_equal(python(a, pairs[i][0], "M"), pairs[i][1]);
	arena_free(a);
}

static void test_migrations_keeps_code_alone(void **state)
{
	static const struct {
		enum source_language language;
		const char *text, *code;
	} rows[] = {
		{SOURCE_JS, "a // b\nc /* d\ne */ f", "a     \nc     \n     f"},
		{SOURCE_JS, "a('b\\'', `c\n`) / d", "a(\"\"\"\"\", \"\"\"\") / d"},
		{SOURCE_JS, "a = /['/]`/ b", "a = \"\"\"\"\"\"\" b"},
		{SOURCE_PHP, "#[A] a # b\n'c\nd' e", "#[A] a    \n\"\"\"\"\" e"},
		{SOURCE_PHP, "<<<X\nclass a\n  X; b", "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"; b"},
		{SOURCE_XML, "a <!-- b\nc --> \"d\"", "a       \n      \"d\""},
		{SOURCE_XML, "<![CDATA[<a>]]>b", "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"b"},
		{SOURCE_YAML, "a: b#c # d\ne: 'f # g' # h", "a: b#c    \ne: 'f # g'    "},
		{SOURCE_YAML, "a: don't # b", "a: don't    "},
		{SOURCE_PYTHON, "a(\nb) # c\nd", "a( b)    \nd"},
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(migrations_code(a, rows[i].text, rows[i].language),
				    rows[i].code);
	arena_free(a);
}

static void test_migrations_finds_words(void **state)
{
	struct arena *a = arena_new();
	const char *text = "subclass no; class of Things, class Version1\\X {";

	(void)state;
	assert_string_equal(migrations_word_after(a, &text, "class "), "of");
	assert_string_equal(migrations_word_after(a, &text, "class "), "Version1\\X");
	assert_null(migrations_word_after(a, &text, "class "));
	arena_free(a);
}

static void test_migrations_orders(void **state)
{
	(void)state;
	assert_true(migrations_order_number("9", "10") < 0);
	assert_true(migrations_order_number("20240101", "3") > 0);
	assert_true(migrations_order_dotted("1.9", "1.10") < 0);
	assert_true(migrations_order_dotted("1", "1.1") < 0);
	assert_true(migrations_order_dotted("", "1") < 0);
	assert_int_equal(migrations_order_dotted("1.2.3", "1.2.3"), 0);
}

/* The names a definition may use are in the order of the table. */
static const struct framework *framework(const char *name)
{
	for (size_t i = 0; i < migrations_n_frameworks; i++)
		if (strcmp(migrations_frameworks[i]->name, name) == 0)
			return migrations_frameworks[i];
	fail_msg("no framework %s", name);
	return NULL;
}

/* A migration and perhaps a file beside it: can it be undone? */
static bool has_down(const char *name, const char *path, const char *text, const char *beside)
{
	struct arena *a = arena_new();
	struct migration_file files[] = {{.dir = "/m", .path = path, .base = path},
					 {.dir = "/m", .path = beside, .base = beside}};
	struct migration m = {.file = &files[0]};
	struct world w = {.arena = a, .scratch = a, .framework = framework(name), .files = files};
	bool found;

	w.n_files = beside ? 2 : 1;
	found = migrations_has_down(&w, &m, text);
	arena_free(a);
	return found;
}

static void test_migrations_tell_what_can_be_undone(void **state)
{
	static const struct {
		const char *name, *down, *none;
	} texts[] = {
		{"goose", "-- +goose Up\nx;\n-- +goose Down\ny;\n", "-- +goose Up\nx;\n"},
		{"dbmate", "-- migrate:up\n-- migrate:down\n", "-- migrate:up\n"},
		{"rails", "def change\n", "def up\n"},
		{"ecto", "def down do\n", "def up do\n"},
		{"knex", "exports.down = f", "exports.up = f"},
		{"sequelize", "async down(q) {", "async up(q) {"},
		{"laravel", "public function down(): void", "public function up(): void"},
		{"efcore", "protected override void Down(", "protected override void Up("},
		{"typeorm", "public async down(", "public async up("},
		{"doctrine", "public function down(", "public function up("},
		{"alembic", "def downgrade():\n    op.drop_column('a', 'b')\n",
		 "def downgrade() -> None:\n    \"\"\"Downgrade schema.\"\"\"\n\n    # no\n    "
		 "pass\n"},
		{"alembic", "def downgrade():\n\n    op.x()\n", "def downgrade():\n    raise No\n"},
		{"alembic", "def downgrade():\n    op.x()\n", "def upgrade():\n    op.x()\n"},
		{"django", "operations = [AddField()]", "operations = [RunSQL('x')]"},
		{"django", "operations = [RunPython(f, reverse_code=g)]",
		 "operations = [RunPython(f)]"},
		{"liquibase", "<createTable/>", "<sql>x</sql>"},
		{"liquibase", "--liquibase formatted sql\n--rollback x",
		 "--liquibase formatted sql\nx"},
	};
	static const struct {
		const char *name, *path, *beside;
	} files[] = {
		{"golang-migrate", "1_a.up.sql", "1_a.down.sql"},
		{"sqlx", "1_a.up.sql", "1_a.down.sql"},
		{"diesel", "2024-01-01-1_a/up.sql", "2024-01-01-1_a/down.sql"},
		{"prisma", "1_a/migration.sql", "1_a/down.sql"},
		{"flyway", "a/V1__a.sql", "a/U1__a.sql"},
		{"sqitch", "deploy/a.sql", "revert/a.sql"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(has_down(texts[i].name, "a", texts[i].down, NULL));
		assert_false(has_down(texts[i].name, "a", texts[i].none, NULL));
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		assert_true(has_down(files[i].name, files[i].path, "x", files[i].beside));
		assert_false(has_down(files[i].name, files[i].path, "x", "other.sql"));
		assert_false(has_down(files[i].name, files[i].path, "x", NULL));
	}
	assert_false(has_down("atlas", "1_a.sql", "x", NULL));
	assert_false(has_down("refinery", "V1__a.sql", "x", "U1__a.sql"));
	assert_false(has_down("drizzle", "0001_a.sql", "x", NULL));
}

static void test_migrations_names_are_those_of_the_table(void **state)
{
	(void)state;
	assert_string_equal(migrations_framework_names[0], "auto");
	for (size_t i = 0; i < migrations_n_frameworks; i++)
		assert_string_equal(migrations_framework_names[i + 1],
				    migrations_frameworks[i]->name);
	assert_null(migrations_framework_names[migrations_n_frameworks + 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_migrations_crc_ignores_line_ends),
		cmocka_unit_test(test_migrations_siphash_knows_every_tail),
		cmocka_unit_test(test_migrations_base64_pads),
		cmocka_unit_test(test_migrations_sha_of_abc),
		cmocka_unit_test(test_migrations_peek_leaves_the_digest_open),
		cmocka_unit_test(test_migrations_reads_python_literals),
		cmocka_unit_test(test_migrations_takes_the_last_assignment),
		cmocka_unit_test(test_migrations_reads_the_body_of_a_class),
		cmocka_unit_test(test_migrations_keeps_code_alone),
		cmocka_unit_test(test_migrations_finds_words),
		cmocka_unit_test(test_migrations_orders),
		cmocka_unit_test(test_migrations_tell_what_can_be_undone),
		cmocka_unit_test(test_migrations_names_are_those_of_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
