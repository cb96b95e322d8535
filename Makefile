# assize: build, test, install. `make help` lists what there is to make.
#
# A variant (asan, tsan, cov) is a build in a folder of its own below $(BUILD), made by calling this
# makefile again: variants never share objects. A folder's objects are made anew when the compiler or
# its flags change.

BUILD   ?= build
VARIANT ?= release
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= cc
AR      ?= ar
GIT     ?= git

.DEFAULT_GOAL := all

# Library flags, found once. Goals that promise to set the machine up may install packages; a plain
# build only says what is missing.
PROMISING := demo test asan tsan coverage bench bench-db bench-rollback torture torture-ledger torture-foreign torture-power torture-clones torture-rollback
SETUP     := tests/setup $(if $(filter $(PROMISING),$(MAKECMDGOALS)),--install)
ifneq ($(filter-out help clean uninstall,$(or $(MAKECMDGOALS),all)),)
include $(BUILD)/libraries.mk
endif
$(BUILD)/libraries.mk: tests/setup tests/packages
	@$(SETUP) build $@

# What the sources say about themselves.
SOURCES := $(sort $(wildcard $(addsuffix /*.c,runner runner/* audits audits/* gates reports rollback)))
UNITS   := $(sort $(wildcard tests/unit/test_*.c))
TOOLS   := $(sort $(wildcard tests/tools/*.c))
HEADERS := $(sort $(wildcard $(addsuffix /*.h,runner runner/* audits audits/* gates reports rollback tests/*)))
PAGES   := $(sort $(wildcard runner/man/*.[157]))
OTHERS  := $(sort $(wildcard tests/bench/*.c tests/bench/*/*.c tests/torture/*.c))
SCRIPTS := $(sort $(wildcard tests/t/*.t tests/kinds/*.t))

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wcast-qual -Wvla -Wformat=2
ifneq ($(CI)$(WERROR),)
WARNINGS += -Werror
endif

FLAGS_release := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong
FLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
FLAGS_tsan    := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
FLAGS_cov     := -O0 -g --coverage -DASSIZE_COVERAGE

CPPFLAGS_ALL = -I. -D_POSIX_C_SOURCE=200809L -D_XOPEN_SOURCE=700 $(DRIVERS:%=-DASSIZE_%) \
	$(LIB_CFLAGS) $(DRIVER_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL   = -std=c17 $(WARNINGS) $(FLAGS_$(VARIANT)) -fPIE -pthread \
	-ffile-prefix-map=$(CURDIR)=. $(CFLAGS)
LDFLAGS_ALL  = $(FLAGS_$(VARIANT)) -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
LIBS_ALL     = $(LIB_LIBS) -lpthread -lm

# A driver whose library has no headers here is left out.
left-out     = $(if $(filter $(2),$(DRIVERS)),,$(wildcard runner/io/$(1)*.c))
SOURCES     := $(filter-out $(call left-out,db_postgres,POSTGRES) $(call left-out,db_mysql,MYSQL) \
	$(call left-out,db_odbc,ODBC) $(call left-out,archive_,ARCHIVE),$(SOURCES))
OBJECTS     := $(SOURCES:%.c=$(BUILD)/obj/%.o)
LIBRARY     := $(BUILD)/libassize.a
UNIT_BINS   := $(UNITS:%.c=$(BUILD)/%)
TOOL_BINS   := $(TOOLS:%.c=$(BUILD)/%)
OTHER_BINS  := $(OTHERS:%.c=$(BUILD)/%)
PROVE       ?= prove --jobs $(shell nproc)

# Tests of the sources say the same whatever the build: only the plain variant runs them. The longest
# comes first, so that no processor is idle at the end.
OF_SOURCES := $(addprefix tests/t/,build.t floors.t format.t setup.t style.t touches.t)
T ?= $(if $(filter release,$(VARIANT)),$(OF_SOURCES)) $(filter-out $(OF_SOURCES),$(SCRIPTS)) \
	$(UNIT_BINS)

all: $(BUILD)/assize

help:
	@echo 'make [all]         build $(BUILD)/assize'
	@echo 'make demo          install what is missing, build, and show the whole of it on a small shop'
	@echo 'make test          install what is missing, build, run every test (T="FILE..." runs those)'
	@echo 'make asan          the same under AddressSanitizer and UndefinedBehaviorSanitizer'
	@echo 'make tsan          the same under ThreadSanitizer'
	@echo 'make coverage      line coverage of the tests; fails below 90 %'
	@echo 'make bench         measure, beside other tools'
	@echo 'make bench-db      200 metrics of a table of 2,000,000 rows, on three engines'
	@echo 'make bench-rollback  a tag of REPO=DIR TAG=NAME proven, restored and compared, beside git'
	@echo 'make torture       kill -9 at N=500 random points, look at the record each time'
	@echo 'make torture-ledger  N=10000 honest runs of 16 writers; the ledger must not accuse anybody'
	@echo 'make torture-foreign  N=1000 runs, a million leaves, before verifiers that nobody here wrote'
	@echo 'make torture-power  N=1000 records whose disk fails or loses power; nothing acknowledged is lost'
	@echo 'make torture-clones  verify N=1000 clones that were damaged at random; every pass must be true'
	@echo 'make torture-rollback  kill -9 at N=300 moments of warm and drill, look at the copy each time'
	@echo 'make warnings      what the compiler says of every C file, without making any'
	@echo 'make check-format  is every C file as clang-format would write it?'
	@echo 'make install       into $$DESTDIR$$PREFIX ($(DESTDIR)$(PREFIX)); make uninstall takes it back'
	@echo 'make clean         remove $(BUILD)'
	@echo 'Variables: BUILD CC CFLAGS PREFIX DESTDIR WERROR=1'

$(BUILD)/tests.ready: tests/setup tests/packages
	@$(SETUP) tests $@

$(BUILD)/bench.ready: tests/setup tests/packages
	@$(SETUP) bench $@

# A file that changes exactly when the compiler or its flags do.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL)' | cmp -s - $@ || \
		echo '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL)' >$@

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(LIBRARY): $(filter-out $(BUILD)/obj/runner/main.o,$(OBJECTS))
	@rm -f $@
	$(AR) rcsD $@ $^

$(BUILD)/assize: $(BUILD)/obj/runner/main.o $(LIBRARY)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_ALL)

$(UNIT_BINS): LIBS_ALL += -lcmocka
$(UNIT_BINS) $(TOOL_BINS) $(OTHER_BINS): $(BUILD)/%: $(BUILD)/obj/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_ALL)

# Objects of the tests are kept between builds like all others.
.SECONDARY:

-include $(patsubst %.c,$(BUILD)/obj/%.d,$(SOURCES) $(UNITS) $(TOOLS) $(OTHERS))

demo: all $(BUILD)/tests/tools/testd
	@tests/demo/run $(abspath $(BUILD))/assize $(abspath $(BUILD))/tests/tools/testd

everything: $(BUILD)/assize $(UNIT_BINS) $(TOOL_BINS) $(OTHER_BINS)

# Validators from npm, by the exact versions and digests of the lock file.
$(BUILD)/npm/ready: tests/npm/package.json tests/npm/package-lock.json $(BUILD)/tests.ready
	@mkdir -p $(@D) && cp $(filter %.json,$^) $(@D)
	@cd $(@D) && npm ci --loglevel=error --no-audit --no-fund >npm.log || { cat npm.log; exit 3; }
	@touch $@

# The same for the tests, which need more packages than the build.
tests-built: $(BUILD)/tests.ready $(BUILD)/npm/ready
	@$(MAKE) --no-print-directory everything

test: tests-built
	@rm -rf $(BUILD)/failed
	@BUILD=$(abspath $(BUILD)) VARIANT=$(VARIANT) $(PROVE) --exec tests/lib/run $(T) || \
		tests/lib/failed $(BUILD)/failed

asan tsan:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/$@ VARIANT=$@ test

COVERED := runner/ audits/ gates/ reports/ rollback/
coverage:
	@find $(BUILD)/cov -name '*.gcda' -delete 2>/dev/null || true
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/cov VARIANT=cov test
	gcovr --root . --object-directory $(BUILD)/cov/obj $(COVERED:%=--filter %) \
		--sort-uncovered --fail-under-line 90 $(BUILD)/cov/obj

bench: tests-built $(BUILD)/bench.ready
	@BUILD=$(abspath $(BUILD)) tests/bench/run
bench-db: tests-built
	@BUILD=$(abspath $(BUILD)) tests/bench/db/run $(ROWS)

bench-rollback: tests-built
	@BUILD=$(abspath $(BUILD)) REPO=$(abspath $(REPO)) TAG=$(TAG) tests/bench/run rollback

# N kills; the same SEED kills after the same delays.
torture: tests-built
	@BUILD=$(abspath $(BUILD)) tests/torture/kill9.sh $(or $(N),500) $(SEED)

# N runs that nobody tampers with; the same SEED records the same values.
torture-ledger: tests-built
	@tests/torture/ledger.sh $(abspath $(BUILD))/tests/torture/honest $(or $(N),10000) $(SEED)

# N runs of 1,000 results, and verifiers that are not ours.
torture-foreign: tests-built
	@tests/torture/foreign.sh $(abspath $(BUILD)) $(or $(N),1000)

# N lives of a record that end in a loss of power; the same SEED, the same lives.
torture-power: tests-built
	@tests/torture/power.sh $(abspath $(BUILD))/tests/torture/power $(or $(N),1000) $(SEED)

# N damaged clones; the same SEED damages them in the same way.
torture-clones: tests-built
	@tests/torture/clones $(abspath $(BUILD))/tests/tools/restore $(or $(N),1000) $(SEED)
torture-rollback: tests-built
	@BUILD=$(abspath $(BUILD)) tests/torture/rollback.sh $(or $(N),300) $(SEED)

warnings:
	@printf '%s\n' $(SOURCES) $(UNITS) $(TOOLS) $(OTHERS) | xargs -P $(shell nproc) -n 16 \
		$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -fsyntax-only

check-format:
	clang-format --dry-run --Werror $(HEADERS) $(SOURCES) $(UNITS) $(TOOLS) $(OTHERS)

BIN := $(DESTDIR)$(PREFIX)/bin
MAN := $(DESTDIR)$(PREFIX)/share/man
install: all
	install -D -m 755 $(BUILD)/assize $(BIN)/assize
	$(foreach p,$(PAGES),install -D -m 644 $p $(MAN)/man$(subst .,,$(suffix $p))/$(notdir $p) &&) :

uninstall:
	rm -f $(BIN)/assize
	$(foreach p,$(PAGES),rm -f $(MAN)/man$(subst .,,$(suffix $p))/$(notdir $p) &&) :

clean:
	rm -rf $(BUILD)

FORCE:
.PHONY: all help demo everything tests-built test asan tsan coverage bench bench-db bench-rollback \
	torture torture-ledger torture-foreign torture-power torture-clones torture-rollback warnings \
	check-format install uninstall clean FORCE
.DELETE_ON_ERROR:
