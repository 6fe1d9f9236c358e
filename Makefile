# Propolis. `make help` lists the targets, V=1 shows the commands.
#
# One flat build: every C file of FOLDERS goes into one archive per variant, and the program, the unit tests and the
# fuzzers link against it. A variant (release, asan, tsan, fuzz) and a compiler have a folder of their own below
# build/, so objects of two kinds never meet. Generated sources stand in build/gen and are the same for all variants.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
SHELL := /bin/bash

# Use all processors unless told otherwise (GNU make 4.3 does not show -j in MAKEFLAGS while it reads this file).
ifeq ($(MAKELEVEL),0)
ifeq ($(shell tr '\0' '\n' < /proc/$$PPID/cmdline | grep -cE '^(-[a-zA-Z]*j|--jobs)'),0)
MAKEFLAGS += -j$(shell nproc)
endif
endif
MAKEFLAGS += --no-print-directory

ifeq ($(origin CC),default)
CC := gcc
endif
VARIANT ?= release
FOLDERS ?= base config pg storage thrift catalog catalog/sql server server/auth server/rest server/hms cli
PKGS := jansson libpq yaml-0.1 libmicrohttpd libcurl openssl gnutls zlib
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 30
ARGS ?=
T ?=

# ---- compilers and flags -------------------------------------------------------------------------------------------

SUFFIX := $(if $(findstring clang,$(notdir $(CC))),-clang)
OUT := build/$(VARIANT)$(SUFFIX)
TOOLS_OUT := build/tools$(SUFFIX)
GEN := build/gen

PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lm -pthread

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wpointer-arith -Wvla \
    -Wformat=2 -Wundef
INCLUDES := -I. -Ibuild
COMMON := -std=gnu11 $(INCLUDES) $(WARNINGS) -fno-common -pthread -g -MMD -MP
HARDENED := -O2 -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fPIE
HARDENED_LINK := -pie -Wl,-z,relro,-z,now,-z,noexecstack

FLAGS_release := $(HARDENED)
LINK_release := $(HARDENED_LINK)
# What the sanitizers insert makes gcc guess wrongly about these two.
SANITIZED := $(if $(SUFFIX),, -Wno-format-truncation -Wno-maybe-uninitialized)
FLAGS_asan := -O1 $(SANITIZED) -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -fPIE
LINK_asan := -fsanitize=address,undefined -pie
FLAGS_tsan := -O1 $(SANITIZED) -fno-omit-frame-pointer -fsanitize=thread -fPIE
LINK_tsan := -fsanitize=thread -pie
FLAGS_fuzz := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all -DFUZZING
LINK_fuzz := -fsanitize=address,undefined
ifeq ($(FLAGS_$(VARIANT)),)
$(error VARIANT must be release, asan, tsan or fuzz, not "$(VARIANT)")
endif

COMPILE := $(COMMON) $(FLAGS_$(VARIANT)) $(PKG_CFLAGS) $(CFLAGS)
LINK := $(LINK_$(VARIANT)) $(LDFLAGS)

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '%-4s %s\n' '$(1)' '$(2)'
endif

# ---- what there is -------------------------------------------------------------------------------------------------

# server/main.c holds main(); gen_*.c are programs of the build.
SOURCES := $(filter-out server/main.c,$(foreach d,$(FOLDERS),$(filter-out $(d)/gen_%.c,$(wildcard $(d)/*.c))))
OBJECTS := $(SOURCES:%.c=$(OUT)/%.o)
ARCHIVE := $(OUT)/libpropolis.a
MAIN := $(wildcard server/main.c)
PROGRAM := $(if $(MAIN),$(OUT)/propolis)

UNIT_TESTS := $(wildcard tests/unit/test_*.c)
UNIT_SHARED := $(filter-out $(UNIT_TESTS),$(wildcard tests/unit/*.c))
UNIT_SHARED_OBJECTS := $(UNIT_SHARED:%.c=$(OUT)/%.o)
UNIT_WANTED := $(if $(T),$(foreach t,$(T),tests/unit/test_$(t).c),$(UNIT_TESTS))
UNIT_PROGRAMS := $(UNIT_WANTED:%.c=$(OUT)/%)

FUZZ_TESTS := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_WANTED := $(if $(T),$(foreach t,$(T),tests/fuzz/fuzz_$(t).c),$(FUZZ_TESTS))
FUZZ_PROGRAMS := $(FUZZ_WANTED:%.c=$(OUT)/%)

OPTIONS_GENERATOR := $(wildcard config/gen_options.c)
MIGRATIONS := $(sort $(wildcard migrations/*.sql))
OPENAPI := $(wildcard server/rest/openapi.yaml)
IDL := $(wildcard thrift/idl/*.thrift)

GENERATED := $(if $(OPTIONS_GENERATOR),options) $(if $(MIGRATIONS),migrations) $(if $(OPENAPI),openapi) $(if $(IDL),hms)
GENERATED_HEADERS := $(GENERATED:%=$(GEN)/%.auto.h)
GENERATED_OBJECTS := $(GENERATED:%=$(OUT)/gen/%.auto.o)

# The tools of the build are plain programs, whatever the variant, and stand on base alone.
TOOL_OBJECTS := $(patsubst %.c,$(TOOLS_OUT)/%.o,$(wildcard base/*.c))
TOOL_MAINS := $(patsubst %.c,$(TOOLS_OUT)/%.o,$(wildcard tools/*.c) $(OPTIONS_GENERATOR) $(wildcard thrift/gen_*.c))
TOOL_FLAGS := $(COMMON) $(FLAGS_release) $(PKG_CFLAGS)

C_FILES := $(sort $(foreach d,$(FOLDERS) tools tests/unit tests/fuzz tests/oracle,$(filter-out %.auto.c %.auto.h,$(wildcard $(d)/*.c $(d)/*.h))))

.PHONY: all help deps deps-test run test unit blackbox asan tsan fuzz fuzz-programs unit-programs oracle format lint tidy bench \
    generate check-generated install clean FORCE

# Objects stay, also those that only a pattern rule asked for.
.SECONDARY: $(UNIT_SHARED_OBJECTS) $(UNIT_TESTS:%.c=$(OUT)/%.o) $(FUZZ_TESTS:%.c=$(OUT)/%.o) $(TOOL_OBJECTS) $(TOOL_MAINS)

# ---- the program ---------------------------------------------------------------------------------------------------

all: $(ARCHIVE) $(if $(PROGRAM),$(if $(filter release,$(VARIANT)),build/propolis,$(PROGRAM))) ## build build/propolis

# The last compiler asked for wins this name.
build/propolis: $(PROGRAM) FORCE
	@[ $@ -ef $< ] || ln -f $< $@

$(OUT)/propolis: $(OUT)/server/main.o $(ARCHIVE)
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) -o $@ $^ $(PKG_LIBS)

$(ARCHIVE): $(OBJECTS) $(GENERATED_OBJECTS) $(OUT)/members
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $(OBJECTS) $(GENERATED_OBJECTS)

# Two little files notice changed flags and a changed list of sources.
$(OUT)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(CC) $(COMPILE) $(LINK)' | cmp -s - $@ || printf '%s\n' '$(CC) $(COMPILE) $(LINK)' > $@
$(OUT)/members: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(OBJECTS) $(GENERATED_OBJECTS)' | cmp -s - $@ || printf '%s\n' '$(OBJECTS) $(GENERATED_OBJECTS)' > $@

$(OUT)/gen/%.o: $(GEN)/%.c $(OUT)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(COMPILE) -c $< -o $@

$(OUT)/%.o: %.c $(OUT)/flags | $(GENERATED_HEADERS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(COMPILE) -c $< -o $@

# ---- generated sources ---------------------------------------------------------------------------------------------

$(TOOLS_OUT)/%.o: %.c
	$(call say,CC,$< (build tool))
	@mkdir -p $(@D)
	$(Q)$(CC) $(TOOL_FLAGS) -c $< -o $@

$(TOOLS_OUT)/embed: $(TOOLS_OUT)/tools/embed.o $(TOOL_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK_release) -o $@ $^ $(PKG_LIBS)

$(TOOLS_OUT)/gen_options: $(TOOLS_OUT)/config/gen_options.o $(TOOL_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK_release) -o $@ $^ $(PKG_LIBS)

$(TOOLS_OUT)/gen_tables: $(TOOLS_OUT)/thrift/gen_tables.o $(TOOL_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK_release) -o $@ $^ $(PKG_LIBS)

# A stamp says "generated"; a result that did not change keeps its time, so nothing is rebuilt for it.
define replace_if_changed
@for f in $(1); do if cmp -s $$f.new $$f; then rm $$f.new; else mv $$f.new $$f; fi; done
@touch $@
endef

OPTIONS_RESULTS := $(addprefix $(GEN)/,options.auto.h options.auto.c propolis.yaml configuration.md)
$(GEN)/options.stamp: config/options.yaml $(TOOLS_OUT)/gen_options
	$(call say,GEN,$<)
	@mkdir -p $(@D)
	$(Q)$(TOOLS_OUT)/gen_options config/options.yaml --header $(GEN)/options.auto.h.new --source $(GEN)/options.auto.c.new \
	    --example $(GEN)/propolis.yaml.new --reference $(GEN)/configuration.md.new
	$(call replace_if_changed,$(OPTIONS_RESULTS))

MIGRATIONS_RESULTS := $(addprefix $(GEN)/,migrations.auto.h migrations.auto.c)
$(GEN)/migrations.stamp: $(MIGRATIONS) migrations $(TOOLS_OUT)/embed
	$(call say,GEN,migrations)
	@mkdir -p $(@D)
	$(Q)$(TOOLS_OUT)/embed migrations $(GEN)/migrations.auto.h.new $(GEN)/migrations.auto.c.new $(MIGRATIONS)
	$(call replace_if_changed,$(MIGRATIONS_RESULTS))

OPENAPI_RESULTS := $(addprefix $(GEN)/,openapi.auto.h openapi.auto.c)
$(GEN)/openapi.stamp: $(OPENAPI) $(TOOLS_OUT)/embed
	$(call say,GEN,$<)
	@mkdir -p $(@D)
	$(Q)$(TOOLS_OUT)/embed bytes $(GEN)/openapi.auto.h.new $(GEN)/openapi.auto.c.new openapi_yaml $(OPENAPI)
	$(call replace_if_changed,$(OPENAPI_RESULTS))

# The compiler of Thrift reads the IDL, and we read what it says about it.
HMS_RESULTS := $(addprefix $(GEN)/,hms.auto.h hms.auto.c)
$(GEN)/hms.stamp: $(IDL) $(TOOLS_OUT)/gen_tables
	$(call say,GEN,thrift/idl)
	@mkdir -p $(@D)
	$(Q)thrift --gen json:merge -out $(GEN) thrift/idl/hive_metastore.thrift
	$(Q)$(TOOLS_OUT)/gen_tables $(GEN)/hive_metastore.json --header $(GEN)/hms.auto.h.new --source $(GEN)/hms.auto.c.new
	$(call replace_if_changed,$(HMS_RESULTS))

# Lost results are made again.
$(OPTIONS_RESULTS): $(GEN)/options.stamp
$(MIGRATIONS_RESULTS): $(GEN)/migrations.stamp
$(OPENAPI_RESULTS): $(GEN)/openapi.stamp
$(HMS_RESULTS): $(GEN)/hms.stamp
$(OPTIONS_RESULTS) $(MIGRATIONS_RESULTS) $(OPENAPI_RESULTS) $(HMS_RESULTS):
	@test -f $@ || { rm -f $< && $(MAKE) $<; }

generate: $(if $(OPTIONS_GENERATOR),$(GEN)/propolis.yaml $(GEN)/configuration.md) ## write the committed generated files
ifneq ($(OPTIONS_GENERATOR),)
	@mkdir -p docs
	@cp $(GEN)/propolis.yaml config/propolis.yaml
	@cp $(GEN)/configuration.md docs/configuration.md
endif
	@tools/gen_rest_docs
	@tools/gen_hms_docs

check-generated: $(if $(OPTIONS_GENERATOR),$(GEN)/propolis.yaml $(GEN)/configuration.md) ## fail if they are not current
ifneq ($(OPTIONS_GENERATOR),)
	@cmp $(GEN)/propolis.yaml config/propolis.yaml && cmp $(GEN)/configuration.md docs/configuration.md || \
	    { echo "The committed files are older than config/options.yaml: run 'make generate' and commit the result."; exit 1; }
endif
	@tools/gen_rest_docs --check
	@tools/gen_hms_docs --check

# ---- packages and a running server ---------------------------------------------------------------------------------

deps: ## install what building and running need (apt; says what it installs, nothing when all is there)
	@tools/deps run

deps-test: ## install what the tests need besides
	@tools/deps run test

# Started as root the server goes on as the user propolis, who may not be able to look into a clone below /root.
DATA ?= $(if $(filter 0,$(shell id -u)),/var/lib/propolis,data)
run: ## install what is missing, build, and serve from ./data, as root from /var/lib/propolis (DATA=DIR, ARGS="...")
	@$(MAKE) deps
	@$(MAKE) all
	@exec build/propolis serve --data-dir $(DATA) $(ARGS)

install: all ## install the program and its example configuration (DESTDIR, PREFIX)
	install -D -m 755 build/propolis $(DESTDIR)$(PREFIX)/bin/propolis
	$(if $(wildcard config/propolis.yaml),install -D -m 644 config/propolis.yaml \
	    $(DESTDIR)$(PREFIX)/share/propolis/propolis.yaml)

# ---- tests ---------------------------------------------------------------------------------------------------------

test: ## install what is missing, then unit and black-box tests
	@$(MAKE) deps-test
	@$(MAKE) all unit-programs
	@status=0; $(MAKE) unit || status=1; $(MAKE) blackbox || status=1; exit $$status

unit-programs: $(UNIT_PROGRAMS)

unit: $(UNIT_PROGRAMS) ## unit tests (T="str json" picks some)
	@tools/run-unit $(UNIT_PROGRAMS)

# A test takes from the shared helpers what it uses, so a test of base links without the rest.
$(OUT)/libunit.a: $(UNIT_SHARED_OBJECTS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(OUT)/tests/unit/test_%: $(OUT)/tests/unit/test_%.o $(OUT)/libunit.a $(ARCHIVE)
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) -o $@ $^ -lcmocka $(PKG_LIBS)

# The Python clients are pinned and live in an ignored folder.
VENV := .cache/venv
$(VENV)/ready: tests/requirements.txt
	@echo "Installing $$(grep -cE '^[A-Za-z]' $<) pinned Python packages into $(VENV)"
	@python3 -m venv $(VENV) && $(VENV)/bin/pip install --quiet --disable-pip-version-check -r $< && touch $@

# The Metastore's clients for the tests: Thrift's own generator for Python over our IDL.
$(GEN)/py/ready: $(IDL)
	$(call say,GEN,$(GEN)/py)
	$(Q)mkdir -p $(GEN)/py && for f in $(IDL); do thrift -nowarn --allow-neg-keys --gen py -out $(GEN)/py -I thrift/idl $$f || exit 1; done
	$(Q)touch $@

blackbox: all $(if $(wildcard tests/blackbox/test_*.py),$(VENV)/ready $(GEN)/py/ready) ## black-box tests (ARGS="-k name" picks some)
ifeq ($(wildcard tests/blackbox/test_*.py),)
	@echo "tests/blackbox has no tests yet: 0 passed, 0 failed"
else
	@PROPOLIS_BIN=$(abspath $(if $(filter release,$(VARIANT)),build/propolis,$(PROGRAM))) PYTHONPATH=$(abspath $(GEN)/py) \
	    tools/run-blackbox $(VENV)/bin/python $(ARGS)
endif

test-engines: all ## real engines (Spark, Iceberg, PyIceberg) against a real server (ARGS="-k name" picks some)
	@tools/deps run test engines
	@tests/engines/fetch
	@tests/engines/run $(ARGS)

# leak checking of a program that drops its rights needs ptrace, which some machines forbid: ASAN_OPTIONS can be set.
SANITIZER_ENV := ASAN_OPTIONS=$${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=1} UBSAN_OPTIONS=print_stacktrace=1 \
    TSAN_OPTIONS=$${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}

asan: ## unit and black-box tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) VARIANT=asan all unit-programs
	@status=0; export $(SANITIZER_ENV); $(MAKE) VARIANT=asan unit || status=1; $(MAKE) VARIANT=asan blackbox || status=1; \
	    exit $$status

tsan: ## unit tests, and the black-box concurrency tests, under ThreadSanitizer
	@$(MAKE) VARIANT=tsan all unit-programs
	@status=0; export $(SANITIZER_ENV); $(MAKE) VARIANT=tsan unit || status=1; \
	    $(MAKE) VARIANT=tsan blackbox ARGS="-m concurrency" || status=1; exit $$status

fuzz-programs: $(FUZZ_PROGRAMS)

fuzz: ## run each fuzzer for FUZZ_SECONDS (30) over a copy of its corpus (T="json" picks some)
	@$(MAKE) VARIANT=fuzz CC=clang fuzz-programs
	@tools/run-fuzz $(FUZZ_SECONDS) $(FUZZ_WANTED:%.c=build/fuzz-clang/%)

$(OUT)/tests/fuzz/fuzz_%: $(OUT)/tests/fuzz/fuzz_%.o $(ARCHIVE)
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS)

# Thrift's own C GLib library as the other end of our codec. What its generator writes is large and not ours, so it is compiled
# without warnings.
ORACLE := $(OUT)/tests/oracle
$(ORACLE)/oracle.thrift: tests/oracle/make_idl.py $(GEN)/hms.auto.h
	@mkdir -p $(@D)
	$(Q)tests/oracle/make_idl.py $(GEN)/hive_metastore.json $@ $(ORACLE)/peer_types.c

$(ORACLE)/generated.o: $(ORACLE)/oracle.thrift
	$(call say,GEN,$<)
	$(Q)thrift -nowarn --allow-neg-keys --gen c_glib -out $(ORACLE) $<
	$(call say,CC,$(ORACLE)/oracle_oracle_types.c)
	$(Q)$(CC) -w -O0 $$(pkg-config --cflags thrift_c_glib) -c $(ORACLE)/oracle_oracle_types.c -o $(ORACLE)/oracle_types.o
	$(Q)$(CC) -w -O0 -I. $$(pkg-config --cflags thrift_c_glib) -c $(ORACLE)/peer_types.c -o $(ORACLE)/peer_types.o
	$(Q)$(LD) -r -o $@ $(ORACLE)/oracle_types.o $(ORACLE)/peer_types.o

$(ORACLE)/peer.o: tests/oracle/peer.c tests/oracle/peer.h $(OUT)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -Wcast-qual,$(COMPILE)) $$(pkg-config --cflags thrift_c_glib) -c $< -o $@

$(ORACLE)/test_oracle: $(ORACLE)/oracle.o $(ORACLE)/peer.o $(ORACLE)/generated.o $(OUT)/libunit.a $(ARCHIVE)
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) -o $@ $^ -lcmocka $(PKG_LIBS) $$(pkg-config --libs thrift_c_glib gobject-2.0)

oracle: ## our Thrift codec against that of Apache Thrift for C GLib, on random values of every struct
	@tools/deps run test oracle
	@$(MAKE) $(ORACLE)/test_oracle
	@tools/run-unit $(ORACLE)/test_oracle

bench: all ## speed beside pgbench
	@if [ -x tests/bench/run ]; then exec tests/bench/run $(ARGS); else echo "tests/bench/run is not there yet"; fi

# ---- tidiness ------------------------------------------------------------------------------------------------------

format: ## lay out all C files
	@clang-format -i $(C_FILES)

lint: ## include directions, banned functions, places of SQL, leftovers, unread options, layout, clang-tidy
	@$(MAKE) all unit-programs
	@status=0; tools/lint-includes || status=1; \
	    tools/lint-symbols $(OUT) || status=1; \
	    tools/lint-options || status=1; \
	    clang-format --dry-run -Werror $(C_FILES) || { echo "layout: run 'make format'"; status=1; }; \
	    $(MAKE) check-generated || status=1; \
	    $(MAKE) -k tidy || status=1; exit $$status

# A stamp per file, so that only what changed is looked at again.
TIDY_STAMPS := $(patsubst %.c,build/tidy/%.ok,$(filter-out %.auto.c,$(SOURCES)) $(MAIN))
tidy: $(TIDY_STAMPS)
build/tidy/%.ok: %.c .clang-tidy $(OUT)/%.o
	$(call say,TIDY,$<)
	@mkdir -p $(@D)
	$(Q)clang-tidy --quiet $< -- $(filter-out -MMD -MP -Werror,$(COMMON)) $(PKG_CFLAGS) 2>&1 | grep -v 'warnings generated' ; \
	    [ $${PIPESTATUS[0]} -eq 0 ] && touch $@

clean: ## remove everything built
	rm -rf build

help: ## this list
	@echo "make [TARGET] [V=1] [CC=clang] [VARIANT=release|asan|tsan]"
	@sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' Makefile | expand -t 20

FORCE:
-include $(OBJECTS:.o=.d) $(GENERATED_OBJECTS:.o=.d) $(TOOL_OBJECTS:.o=.d) $(TOOL_MAINS:.o=.d) $(OUT)/server/main.d \
    $(patsubst %.c,$(OUT)/%.d,$(UNIT_TESTS) $(UNIT_SHARED) $(FUZZ_TESTS))
