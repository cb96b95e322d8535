/*
 * git_library: libgit2, loaded when the first repository is opened.
 *
 * Linked, it would cost every start its own libraries and a quarter of the time of a small run. The
 * functions go by their own names, so that whoever knows libgit2 can read the doors; include this
 * instead of <git2.h>. Private to runner/io/git*.c and the rollback room, after git_door_init()
 * said 0.
 */
#ifndef ASSIZE_IO_GIT_LIBRARY_H
#define ASSIZE_IO_GIT_LIBRARY_H

#include <git2.h>
#include <git2/sys/config.h>
#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>

struct err;

#define GIT_FUNCTIONS(X)                                                                           \
	X(int, attr_get_many_ext,                                                                  \
	  (const char **, git_repository *, git_attr_options *, const char *, size_t,              \
	   const char **))                                                                         \
	X(git_attr_value_t, attr_value, (const char *))                                            \
	X(int, blob_create_from_buffer, (git_oid *, git_repository *, const void *, size_t))       \
	X(void, blob_free, (git_blob *))                                                           \
	X(int, blob_lookup, (git_blob **, git_repository *, const git_oid *))                      \
	X(const void *, blob_rawcontent, (const git_blob *))                                       \
	X(git_object_size_t, blob_rawsize, (const git_blob *))                                     \
	X(void, buf_dispose, (git_buf *))                                                          \
	X(int, commit_create,                                                                      \
	  (git_oid *, git_repository *, const char *, const git_signature *,                       \
	   const git_signature *, const char *, const char *, const git_tree *, size_t,            \
	   const git_commit *[]))                                                                  \
	X(void, commit_free, (git_commit *))                                                       \
	X(int, commit_lookup, (git_commit **, git_repository *, const git_oid *))                  \
	X(const git_oid *, commit_parent_id, (const git_commit *, unsigned))                       \
	X(unsigned, commit_parentcount, (const git_commit *))                                      \
	X(git_time_t, commit_time, (const git_commit *))                                           \
	X(int, commit_tree, (git_tree **, const git_commit *))                                     \
	X(const git_oid *, commit_tree_id, (const git_commit *))                                   \
	X(void, config_entry_free, (git_config_entry *))                                           \
	X(void, config_free, (git_config *))                                                       \
	X(int, config_get_entry, (git_config_entry **, const git_config *, const char *))          \
	X(void, config_iterator_free, (git_config_iterator *))                                     \
	X(int, config_iterator_new, (git_config_iterator **, const git_config *))                  \
	X(int, config_new, (git_config **))                                                        \
	X(int, config_next, (git_config_entry **, git_config_iterator *))                          \
	X(int, config_open_ondisk, (git_config **, const char *))                                  \
	X(int, config_parse_bool, (int *, const char *))                                           \
	X(int, credential_ssh_key_from_agent, (git_credential **, const char *))                   \
	X(int, credential_ssh_key_new,                                                             \
	  (git_credential **, const char *, const char *, const char *, const char *))             \
	X(const git_error *, error_last, (void))                                                   \
	X(int, error_set_str, (int, const char *))                                                 \
	X(int, fetch_options_init, (git_fetch_options *, unsigned))                                \
	X(int, filter_list_apply_to_blob, (git_buf *, git_filter_list *, git_blob *))              \
	X(void, filter_list_free, (git_filter_list *))                                             \
	X(int, filter_list_load_ext,                                                               \
	  (git_filter_list **, git_repository *, git_blob *, const char *, git_filter_mode_t,      \
	   git_filter_options *))                                                                  \
	X(int, graph_descendant_of, (git_repository *, const git_oid *, const git_oid *))          \
	X(int, index_add, (git_index *, const git_index_entry *))                                  \
	X(void, index_free, (git_index *))                                                         \
	X(int, index_new, (git_index **))                                                          \
	X(int, libgit2_init, (void))                                                               \
	X(int, libgit2_features, (void))                                                           \
	X(int, libgit2_opts, (int, ...))                                                           \
	X(int, libgit2_version, (int *, int *, int *))                                             \
	X(void, object_free, (git_object *))                                                       \
	X(int, object_peel, (git_object **, const git_object *, git_object_t))                     \
	X(const git_oid *, object_id, (const git_object *))                                        \
	X(git_object_t, object_string2type, (const char *))                                        \
	X(const char *, object_type2string, (git_object_t))                                        \
	X(int, odb_add_backend, (git_odb *, git_odb_backend *, int))                               \
	X(void *, odb_backend_data_alloc, (git_odb_backend *, size_t))                             \
	X(void, odb_backend_data_free, (git_odb_backend *, void *))                                \
	X(int, odb_backend_one_pack, (git_odb_backend **, const char *))                           \
	X(int, odb_exists, (git_odb *, const git_oid *))                                           \
	X(void, odb_free, (git_odb *))                                                             \
	X(int, odb_hash, (git_oid *, const void *, size_t, git_object_t))                          \
	X(int, odb_new, (git_odb **))                                                              \
	X(const void *, odb_object_data, (git_odb_object *))                                       \
	X(void, odb_object_free, (git_odb_object *))                                               \
	X(size_t, odb_object_size, (git_odb_object *))                                             \
	X(git_object_t, odb_object_type, (git_odb_object *))                                       \
	X(int, odb_read, (git_odb_object **, git_odb *, const git_oid *))                          \
	X(int, odb_read_header, (size_t *, git_object_t *, git_odb *, const git_oid *))            \
	X(int, oid_cmp, (const git_oid *, const git_oid *))                                        \
	X(int, oid_cpy, (git_oid *, const git_oid *))                                              \
	X(int, oid_equal, (const git_oid *, const git_oid *))                                      \
	X(int, oid_fromraw, (git_oid *, const unsigned char *))                                    \
	X(int, oid_fromstr, (git_oid *, const char *))                                             \
	X(int, oid_fromstrn, (git_oid *, const char *, size_t))                                    \
	X(int, oid_is_zero, (const git_oid *))                                                     \
	X(char *, oid_tostr, (char *, size_t, const git_oid *))                                    \
	X(char *, oid_tostr_s, (const git_oid *))                                                  \
	X(int, push_options_init, (git_push_options *, unsigned))                                  \
	X(int, reference_create,                                                                   \
	  (git_reference **, git_repository *, const char *, const git_oid *, int, const char *))  \
	X(void, reference_free, (git_reference *))                                                 \
	X(void, reference_iterator_free, (git_reference_iterator *))                               \
	X(int, reference_iterator_glob_new,                                                        \
	  (git_reference_iterator **, git_repository *, const char *))                             \
	X(int, reference_lookup, (git_reference **, git_repository *, const char *))               \
	X(int, reference_name_is_valid, (int *, const char *))                                     \
	X(int, reference_name_to_id, (git_oid *, git_repository *, const char *))                  \
	X(int, reference_next_name, (const char **, git_reference_iterator *))                     \
	X(int, reference_peel, (git_object **, const git_reference *, git_object_t))               \
	X(const char *, reference_symbolic_target, (const git_reference *))                        \
	X(const git_oid *, reference_target, (const git_reference *))                              \
	X(git_reference_t, reference_type, (const git_reference *))                                \
	X(int, remote_create_anonymous, (git_remote **, git_repository *, const char *))           \
	X(int, remote_fetch,                                                                       \
	  (git_remote *, const git_strarray *, const git_fetch_options *, const char *))           \
	X(void, remote_free, (git_remote *))                                                       \
	X(int, remote_push, (git_remote *, const git_strarray *, const git_push_options *))        \
	X(const char *, repository_commondir, (const git_repository *))                            \
	X(int, repository_config_snapshot, (git_config **, git_repository *))                      \
	X(void, repository_free, (git_repository *))                                               \
	X(int, repository_hashfile,                                                                \
	  (git_oid *, git_repository *, const char *, git_object_t, const char *))                 \
	X(int, repository_init, (git_repository **, const char *, unsigned))                       \
	X(int, repository_is_shallow, (git_repository *))                                          \
	X(int, repository_odb, (git_odb **, git_repository *))                                     \
	X(int, repository_open_ext, (git_repository **, const char *, unsigned, const char *))     \
	X(const char *, repository_path, (const git_repository *))                                 \
	X(int, repository_set_config, (git_repository *, git_config *))                            \
	X(int, repository_set_index, (git_repository *, git_index *))                              \
	X(int, repository_set_odb, (git_repository *, git_odb *))                                  \
	X(const char *, repository_workdir, (const git_repository *))                              \
	X(int, repository_wrap_odb, (git_repository **, git_odb *))                                \
	X(int, revparse_single, (git_object **, git_repository *, const char *))                   \
	X(void, revwalk_free, (git_revwalk *))                                                     \
	X(int, revwalk_new, (git_revwalk **, git_repository *))                                    \
	X(int, revwalk_next, (git_oid *, git_revwalk *))                                           \
	X(int, revwalk_push, (git_revwalk *, const git_oid *))                                     \
	X(int, revwalk_sorting, (git_revwalk *, unsigned))                                         \
	X(void, signature_free, (git_signature *))                                                 \
	X(int, signature_new, (git_signature **, const char *, const char *, git_time_t, int))     \
	X(void, tag_free, (git_tag *))                                                             \
	X(int, tag_lookup, (git_tag **, git_repository *, const git_oid *))                        \
	X(const char *, tag_name, (const git_tag *))                                               \
	X(const git_oid *, tag_target_id, (const git_tag *))                                       \
	X(const git_tree_entry *, tree_entry_byindex, (const git_tree *, size_t))                  \
	X(const git_tree_entry *, tree_entry_byname, (const git_tree *, const char *))             \
	X(int, tree_entry_bypath, (git_tree_entry **, const git_tree *, const char *))             \
	X(git_filemode_t, tree_entry_filemode, (const git_tree_entry *))                           \
	X(void, tree_entry_free, (git_tree_entry *))                                               \
	X(const git_oid *, tree_entry_id, (const git_tree_entry *))                                \
	X(const char *, tree_entry_name, (const git_tree_entry *))                                 \
	X(git_object_t, tree_entry_type, (const git_tree_entry *))                                 \
	X(size_t, tree_entrycount, (const git_tree *))                                             \
	X(void, tree_free, (git_tree *))                                                           \
	X(int, tree_lookup, (git_tree **, git_repository *, const git_oid *))                      \
	X(int, tree_walk, (const git_tree *, git_treewalk_mode, git_treewalk_cb, void *))          \
	X(void, treebuilder_free, (git_treebuilder *))                                             \
	X(int, treebuilder_insert,                                                                 \
	  (const git_tree_entry **, git_treebuilder *, const char *, const git_oid *,              \
	   git_filemode_t))                                                                        \
	X(int, treebuilder_new, (git_treebuilder **, git_repository *, const git_tree *))          \
	X(int, treebuilder_write, (git_oid *, git_treebuilder *))

struct git_api {
#define GIT_MEMBER(result, name, arguments) result(*name) arguments;
	GIT_FUNCTIONS(GIT_MEMBER)
#undef GIT_MEMBER
};

/* -1: it could not be loaded, e says why. Thread-safe. */
int git_library(struct err *e);
/* After git_library() said 0. */
const struct git_api *git_functions(void);

#define git_attr_get_many_ext		  git_functions()->attr_get_many_ext
#define git_attr_value			  git_functions()->attr_value
#define git_blob_create_from_buffer	  git_functions()->blob_create_from_buffer
#define git_blob_free			  git_functions()->blob_free
#define git_blob_lookup			  git_functions()->blob_lookup
#define git_blob_rawcontent		  git_functions()->blob_rawcontent
#define git_blob_rawsize		  git_functions()->blob_rawsize
#define git_buf_dispose			  git_functions()->buf_dispose
#define git_commit_create		  git_functions()->commit_create
#define git_commit_free			  git_functions()->commit_free
#define git_commit_lookup		  git_functions()->commit_lookup
#define git_commit_parent_id		  git_functions()->commit_parent_id
#define git_commit_parentcount		  git_functions()->commit_parentcount
#define git_commit_time			  git_functions()->commit_time
#define git_commit_tree			  git_functions()->commit_tree
#define git_commit_tree_id		  git_functions()->commit_tree_id
#define git_config_entry_free		  git_functions()->config_entry_free
#define git_config_free			  git_functions()->config_free
#define git_config_get_entry		  git_functions()->config_get_entry
#define git_config_iterator_free	  git_functions()->config_iterator_free
#define git_config_iterator_new		  git_functions()->config_iterator_new
#define git_config_new			  git_functions()->config_new
#define git_config_next			  git_functions()->config_next
#define git_config_open_ondisk		  git_functions()->config_open_ondisk
#define git_config_parse_bool		  git_functions()->config_parse_bool
#define git_credential_ssh_key_from_agent git_functions()->credential_ssh_key_from_agent
#define git_credential_ssh_key_new	  git_functions()->credential_ssh_key_new
#define git_error_last			  git_functions()->error_last
#define git_error_set_str		  git_functions()->error_set_str
#define git_fetch_options_init		  git_functions()->fetch_options_init
#define git_filter_list_apply_to_blob	  git_functions()->filter_list_apply_to_blob
#define git_filter_list_free		  git_functions()->filter_list_free
#define git_filter_list_load_ext	  git_functions()->filter_list_load_ext
#define git_graph_descendant_of		  git_functions()->graph_descendant_of
#define git_index_add			  git_functions()->index_add
#define git_index_free			  git_functions()->index_free
#define git_index_new			  git_functions()->index_new
#define git_libgit2_features		  git_functions()->libgit2_features
#define git_libgit2_init		  git_functions()->libgit2_init
#define git_libgit2_opts		  git_functions()->libgit2_opts
#define git_libgit2_version		  git_functions()->libgit2_version
#define git_object_free			  git_functions()->object_free
#define git_object_id			  git_functions()->object_id
#define git_object_peel			  git_functions()->object_peel
#define git_object_string2type		  git_functions()->object_string2type
#define git_object_type2string		  git_functions()->object_type2string
#define git_odb_add_backend		  git_functions()->odb_add_backend
#define git_odb_backend_data_alloc	  git_functions()->odb_backend_data_alloc
#define git_odb_backend_data_free	  git_functions()->odb_backend_data_free
#define git_odb_backend_one_pack	  git_functions()->odb_backend_one_pack
#define git_odb_exists			  git_functions()->odb_exists
#define git_odb_free			  git_functions()->odb_free
#define git_odb_hash			  git_functions()->odb_hash
#define git_odb_new			  git_functions()->odb_new
#define git_odb_object_data		  git_functions()->odb_object_data
#define git_odb_object_free		  git_functions()->odb_object_free
#define git_odb_object_size		  git_functions()->odb_object_size
#define git_odb_object_type		  git_functions()->odb_object_type
#define git_odb_read			  git_functions()->odb_read
#define git_odb_read_header		  git_functions()->odb_read_header
#define git_oid_cmp			  git_functions()->oid_cmp
#define git_oid_cpy			  git_functions()->oid_cpy
#define git_oid_equal			  git_functions()->oid_equal
#define git_oid_fromraw			  git_functions()->oid_fromraw
#define git_oid_fromstr			  git_functions()->oid_fromstr
#define git_oid_fromstrn		  git_functions()->oid_fromstrn
#define git_oid_is_zero			  git_functions()->oid_is_zero
#define git_oid_tostr			  git_functions()->oid_tostr
#define git_oid_tostr_s			  git_functions()->oid_tostr_s
#define git_push_options_init		  git_functions()->push_options_init
#define git_reference_create		  git_functions()->reference_create
#define git_reference_free		  git_functions()->reference_free
#define git_reference_iterator_free	  git_functions()->reference_iterator_free
#define git_reference_iterator_glob_new	  git_functions()->reference_iterator_glob_new
#define git_reference_lookup		  git_functions()->reference_lookup
#define git_reference_name_is_valid	  git_functions()->reference_name_is_valid
#define git_reference_name_to_id	  git_functions()->reference_name_to_id
#define git_reference_next_name		  git_functions()->reference_next_name
#define git_reference_peel		  git_functions()->reference_peel
#define git_reference_symbolic_target	  git_functions()->reference_symbolic_target
#define git_reference_target		  git_functions()->reference_target
#define git_reference_type		  git_functions()->reference_type
#define git_remote_create_anonymous	  git_functions()->remote_create_anonymous
#define git_remote_fetch		  git_functions()->remote_fetch
#define git_remote_free			  git_functions()->remote_free
#define git_remote_push			  git_functions()->remote_push
#define git_repository_commondir	  git_functions()->repository_commondir
#define git_repository_config_snapshot	  git_functions()->repository_config_snapshot
#define git_repository_free		  git_functions()->repository_free
#define git_repository_hashfile		  git_functions()->repository_hashfile
#define git_repository_init		  git_functions()->repository_init
#define git_repository_is_shallow	  git_functions()->repository_is_shallow
#define git_repository_odb		  git_functions()->repository_odb
#define git_repository_open_ext		  git_functions()->repository_open_ext
#define git_repository_path		  git_functions()->repository_path
#define git_repository_set_config	  git_functions()->repository_set_config
#define git_repository_set_index	  git_functions()->repository_set_index
#define git_repository_set_odb		  git_functions()->repository_set_odb
#define git_repository_workdir		  git_functions()->repository_workdir
#define git_repository_wrap_odb		  git_functions()->repository_wrap_odb
#define git_revparse_single		  git_functions()->revparse_single
#define git_revwalk_free		  git_functions()->revwalk_free
#define git_revwalk_new			  git_functions()->revwalk_new
#define git_revwalk_next		  git_functions()->revwalk_next
#define git_revwalk_push		  git_functions()->revwalk_push
#define git_revwalk_sorting		  git_functions()->revwalk_sorting
#define git_signature_free		  git_functions()->signature_free
#define git_signature_new		  git_functions()->signature_new
#define git_tag_free			  git_functions()->tag_free
#define git_tag_lookup			  git_functions()->tag_lookup
#define git_tag_name			  git_functions()->tag_name
#define git_tag_target_id		  git_functions()->tag_target_id
#define git_tree_entry_byindex		  git_functions()->tree_entry_byindex
#define git_tree_entry_byname		  git_functions()->tree_entry_byname
#define git_tree_entry_bypath		  git_functions()->tree_entry_bypath
#define git_tree_entry_filemode		  git_functions()->tree_entry_filemode
#define git_tree_entry_free		  git_functions()->tree_entry_free
#define git_tree_entry_id		  git_functions()->tree_entry_id
#define git_tree_entry_name		  git_functions()->tree_entry_name
#define git_tree_entry_type		  git_functions()->tree_entry_type
#define git_tree_entrycount		  git_functions()->tree_entrycount
#define git_tree_free			  git_functions()->tree_free
#define git_tree_lookup			  git_functions()->tree_lookup
#define git_tree_walk			  git_functions()->tree_walk
#define git_treebuilder_free		  git_functions()->treebuilder_free
#define git_treebuilder_insert		  git_functions()->treebuilder_insert
#define git_treebuilder_new		  git_functions()->treebuilder_new
#define git_treebuilder_write		  git_functions()->treebuilder_write

#endif
