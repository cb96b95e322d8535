/* merkle: the tree against its definition, and proofs that hold for nothing but what they are of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "runner/base/err.h"
#include "runner/history/merkle.h"

#define MAX_LEAVES 140

struct leaves {
	struct merkle_hash items[MAX_LEAVES];
};

/* RFC 6962, 2.1, word for word. */
static struct merkle_hash root_of(struct leaves *l, size_t from, size_t n)
{
	struct merkle_hash out, left, right;
	size_t k = 1;

	if (n == 0) {
		sha256_of("", 0, out.bytes);
		return out;
	}
	if (n == 1)
		return l->items[from];
	while (k * 2 < n)
		k *= 2;
	left = root_of(l, from, k);
	right = root_of(l, from + k, n - k);
	merkle_hash_node(&left, &right, &out);
	return out;
}

static int node(void *ctx, unsigned level, uint64_t at, struct merkle_hash *out, struct err *e)
{
	(void)e;
	*out = root_of(ctx, (size_t)(at << level), (size_t)1 << level);
	return 0;
}

static void make_leaves(struct leaves *l)
{
	for (size_t i = 0; i < MAX_LEAVES; i++) {
		char leaf[8] = {MERKLE_LEAF_PREFIX};
		int n = snprintf(leaf + 1, sizeof(leaf) - 1, "%zu", i);

		merkle_hash_leaf(leaf, (size_t)n + 1, &l->items[i]);
	}
}

static bool is_same(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return memcmp(a->bytes, b->bytes, SHA256_BYTES) == 0;
}

static void test_tree_grows_as_defined(void **state)
{
	struct leaves l;
	struct merkle m, again;

	(void)state;
	make_leaves(&l);
	merkle_init(&m);
	for (size_t n = 0; n < MAX_LEAVES; n++) {
		unsigned char saved[MERKLE_LEVELS * SHA256_BYTES];
		struct merkle_hash root, path[MERKLE_LEVELS], expected = root_of(&l, 0, n);

		merkle_root(&m, &root);
		assert_true(is_same(&root, &expected));
		assert_int_equal(merkle_load(&again, n, saved, merkle_save(&m, saved)), 0);
		merkle_root(&again, &root);
		assert_true(is_same(&root, &expected));
		assert_int_equal(merkle_load(&again, n, saved, merkle_save(&m, saved) + 32), -1);
		for (unsigned i = 0, top = merkle_add(&m, &l.items[n], path); i <= top; i++) {
			expected = root_of(&l, (n >> i) << i, (size_t)1 << i);
			assert_true(is_same(&path[i], &expected));
		}
	}
}

static void flip(struct merkle_hash *h)
{
	h->bytes[7] ^= 4;
}

static void test_inclusion_is_proven_and_nothing_else(void **state)
{
	struct leaves l;
	struct merkle_nodes nodes = {node, &l};

	(void)state;
	make_leaves(&l);
	for (uint64_t size = 1; size < MAX_LEAVES; size++) {
		struct merkle_hash root = root_of(&l, 0, size);

		for (uint64_t i = 0; i < size; i++) {
			struct merkle_proof p;
			struct err e = {0};

			assert_int_equal(merkle_prove_inclusion(&nodes, i, size, &p, &e), 0);
			assert_true(merkle_includes(&l.items[i], i, size, &p, &root));
			assert_false(merkle_includes(&l.items[i], i ^ 1, size, &p, &root) &&
				     size > 1);
			assert_false(merkle_includes(&l.items[i], size, size, &p, &root));
			if (p.n > 0) {
				flip(&p.items[p.n / 2]);
				assert_false(merkle_includes(&l.items[i], i, size, &p, &root));
				flip(&p.items[p.n / 2]);
				p.n--;
				assert_false(merkle_includes(&l.items[i], i, size, &p, &root));
				p.n++;
			}
			p.items[p.n++] = root;
			assert_false(merkle_includes(&l.items[i], i, size, &p, &root));
		}
	}
}

static void test_extension_is_proven_and_nothing_else(void **state)
{
	struct leaves l;
	struct merkle_nodes nodes = {node, &l};

	(void)state;
	make_leaves(&l);
	for (uint64_t size = 1; size < MAX_LEAVES; size++) {
		struct merkle_hash root = root_of(&l, 0, size);

		for (uint64_t old = 1; old <= size; old++) {
			struct merkle_hash old_root = root_of(&l, 0, old);
			struct merkle_proof p;
			struct err e = {0};

			assert_int_equal(merkle_prove_consistency(&nodes, old, size, &p, &e), 0);
			assert_true(merkle_is_consistent(old, &old_root, size, &root, &p));
			flip(&old_root);
			assert_false(merkle_is_consistent(old, &old_root, size, &root, &p));
			flip(&old_root);
			assert_false(merkle_is_consistent(0, &old_root, size, &root, &p));
			if (old == size)
				continue;
			flip(&p.items[p.n / 2]);
			assert_false(merkle_is_consistent(old, &old_root, size, &root, &p));
			flip(&p.items[p.n / 2]);
			p.n--;
			assert_false(merkle_is_consistent(old, &old_root, size, &root, &p));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree_grows_as_defined),
		cmocka_unit_test(test_inclusion_is_proven_and_nothing_else),
		cmocka_unit_test(test_extension_is_proven_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
