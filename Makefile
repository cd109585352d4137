# hap: programs in bin/, one for each src/*/hap-NAME.c; everything else under
# src/ is the library. `make`, `make check`, `make lint`, `make bench`,
# `make install`; `make help` lists all. Variables: PORTABLE=1 (no -march=native; PORTABLE=avx2 for
# processors since 2013), BLAS=openblas|onednn|blis|mkl, ONEDNN=0 (no products
# in BF16), MPI=1 (for mpirun), ASAN=1, TSAN=1 (with clang), TESTS='NAME ...' (only these in check),
# PREFIX, DESTDIR.
# `make fuzz TIME=60 TARGETS='NAME ...'`: libFuzzer (clang) on each target for so many seconds;
# `make FUZZ=1 fuzzers` only builds them, as build-fuzz/fuzz/NAME.
# `make fuzz-drive RUNS=100000 TARGETS='NAME ...'`: so many inputs of each target, without clang.
# `make faults`: one call after another fails in every program, and each has too little of everything.
# `make fuzz-programs TIME=60`: whole programs on inputs with changed contents.
# `make coverage`: lines and branches that the tests reach, in build-coverage.
# `make analyse`: gcc -fanalyzer, clang-tidy and cppcheck.

VERSION := 0.1.0
comma := ,
CC ?= cc
PREFIX ?= /usr/local
CSTD := -std=c11 -D_GNU_SOURCE
WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wundef
CFLAGS ?= -O3 -g
ifndef PORTABLE
ARCH := -march=native
else
ARCH := -mavx2 -mfma -mf16c
ifneq ($(PORTABLE),avx2)
ARCH :=
endif
endif
BUILD := build
ifdef ASAN
BUILD := build-asan
SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS := -O1 -g
# Tests request absurd sizes. An allocation that is too large must fail as it
# does without the sanitizer.
export ASAN_OPTIONS := allocator_may_return_null=1
export UBSAN_OPTIONS := print_stacktrace=1
endif
ifdef TSAN
# clang's OpenMP runtime reports its barriers to the sanitizer, gcc's does not.
CC := clang
BUILD := build-tsan
SAN := -fsanitize=thread
CFLAGS := -O1 -g
export TSAN_OPTIONS := ignore_noninstrumented_modules=1
endif
ifdef FUZZ
CC := clang
BUILD := build-fuzz
SAN := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
CFLAGS := -O1 -g
endif
ifdef COVERAGE
BUILD := build-coverage
SAN := --coverage
CFLAGS := -O1 -g
endif
# `make MPI=1`: processes that share the work, for mpirun (docs/cluster.md); in build-mpi.
ifdef MPI
BUILD := $(BUILD)-mpi
MPICC ?= mpicc
CPPFLAGS += -DHAP_MPI $(shell $(MPICC) --showme:compile 2>/dev/null || $(MPICC) -compile_info | cut -d' ' -f2-)
MPI_LIBS := $(shell $(MPICC) --showme:link 2>/dev/null || $(MPICC) -link_info | cut -d' ' -f2-)
ifeq ($(MPI_LIBS),)
$(error MPI=1 needs an MPI: '$(MPICC)' tells no libraries)
endif
endif
ifeq ($(BUILD),build)
BIN := bin
else
BIN := $(BUILD)/bin
endif

CPPFLAGS += -Isrc -DHAP_VERSION='"$(VERSION)"'

# Hardening, as far as the compiler has it: position-independent code, checks of the stack and
# of buffers whose size is known, control flow (CET), and no lazy binding.
supported = $(foreach flag,$(1),$(shell echo 'int main(void) { return 0; }' | \
	$(CC) -Werror -O2 $(flag) -x c -o /dev/null - 2>/dev/null && echo '$(flag)'))
ifeq ($(SAN),)
HARDEN := $(call supported,-fPIE -fstack-protector-strong -fcf-protection \
	-D_FORTIFY_SOURCE=3)
HARDEN_LD := $(call supported,-pie -Wl$(comma)-z$(comma)relro -Wl$(comma)-z$(comma)now)
endif
ALL_CFLAGS = $(CSTD) $(CPPFLAGS) $(WARN) $(CFLAGS) $(ARCH) $(SAN) $(HARDEN) -fopenmp -ffp-contract=fast \
	-fno-math-errno -fno-trapping-math -MMD -MP
# src/forward/blas_library.c calls the library. MKL's folders: MKLROOT=DIR, or CPPFLAGS and LDFLAGS.
BLAS ?= openblas
BLAS_openblas := -lopenblas
BLAS_onednn := -ldnnl
BLAS_blis := -lblis
BLAS_mkl := $(MKLROOT:%=-L%/lib) -lmkl_intel_lp64 -lmkl_sequential -lmkl_core -lpthread -ldl
BLAS_LIBS := $(BLAS_$(BLAS))
ifeq ($(BLAS_LIBS),)
$(error BLAS is '$(BLAS)'; give openblas, onednn, blis or mkl)
endif
CPPFLAGS += -DHAP_BLAS_$(BLAS) $(if $(filter mkl,$(BLAS)),$(MKLROOT:%=-I%/include))
# BF16 products need oneDNN's header to build and its library to run, which is loaded when it is
# needed. `make ONEDNN=0` builds without them.
ONEDNN ?= $(shell printf '\043include <oneapi/dnnl/dnnl.h>\n' | $(CC) -E - >/dev/null 2>&1 && echo 1)
ifeq ($(ONEDNN),1)
CPPFLAGS += -DHAP_ONEDNN
endif
MSGPACK := $(shell pkg-config --libs msgpack-c 2>/dev/null || echo -lmsgpackc)
LDLIBS := $(MSGPACK) -ljansson -lpcre2-8 -lutf8proc -lxxhash $(BLAS_LIBS) -lz -ldl -lm $(MPI_LIBS)
ALL_LDFLAGS = $(LDFLAGS) $(SAN) $(HARDEN_LD) -fopenmp

SOURCES := $(sort $(wildcard src/*/*.c))
PROGRAM_SOURCES := $(filter $(foreach s,$(SOURCES),$(if $(findstring /hap-,$(s)),$(s))),$(SOURCES))
LIB_OBJECTS := $(patsubst src/%.c,$(BUILD)/%.o,$(filter-out $(PROGRAM_SOURCES),$(SOURCES))) \
	$(BUILD)/show/page_text.o
PROGRAMS := $(patsubst %.c,$(BIN)/%,$(notdir $(PROGRAM_SOURCES)))
UNIT_SOURCES := $(sort $(wildcard tests/unit/*.c))
UNITS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SOURCES))

all: $(PROGRAMS)

$(BUILD)/libhap.a: $(LIB_OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

# Objects are compiled again if the compiler or its flags have changed.
FLAGS := $(BUILD)/flags
$(FLAGS): force
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS))' | cmp -s - $@ || \
		echo '$(subst ','\'',$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS))' > $@

$(BUILD)/%.o: src/%.c $(FLAGS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

# The files of the page that hap-show --html writes, as C strings (src/show/page_text.h). The
# scripts are joined in this order.
PAGE := src/show/page
PAGE_SCRIPTS := $(addprefix $(PAGE)/,graph.js state.js view.js colours.js layout.js picture.js \
	table.js prompts.js panels.js main.js controls.js)
c_string = printf 'const char $(1)[] =\n'; \
	sed 's/\\/\\\\/g; s/"/\\"/g; s/?/\\?/g; s/.*/"&\\n"/' $(2); echo ';'
$(BUILD)/show/page_text.c: $(PAGE)/style.css $(PAGE)/body.html $(PAGE_SCRIPTS) Makefile
	@mkdir -p $(@D)
	{ echo '#include "show/page_text.h"'; $(call c_string,hap_page_style,$(PAGE)/style.css); \
		$(call c_string,hap_page_body,$(PAGE)/body.html); \
		$(call c_string,hap_page_script,$(PAGE_SCRIPTS)); } > $@
$(BUILD)/show/page_text.o: $(BUILD)/show/page_text.c $(FLAGS)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

# A program has the name of its file, without its room.
define program
$(BIN)/$(basename $(notdir $(1))): $(patsubst src/%.c,$(BUILD)/%.o,$(1)) $(BUILD)/libhap.a
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(LDLIBS)
endef
$(foreach s,$(PROGRAM_SOURCES),$(eval $(call program,$(s))))

$(BUILD)/unit/%: tests/unit/%.c tests/unit/unit.h $(BUILD)/libhap.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests/unit $(ALL_LDFLAGS) -o $@ $< $(UNIT_LIBS) $(BUILD)/libhap.a $(LDLIBS)

$(BUILD)/bench/%: bench/%.c $(BUILD)/libhap.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(BUILD)/libhap.a $(LDLIBS)

# Puts a clock around the parts of a step.
$(BUILD)/bench/parts: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,hap_mix_forward hap_mix_backward \
	hap_sparse_product hap_sparse_dots hap_mlp_forward hap_mlp_backward hap_heads_attend \
	hap_heads_backward hap_product_forward hap_product_backward hap_unembed_forward \
	hap_unembed_backward)

# The fuzz targets, which tests/unit/fuzz.c, the driver and libFuzzer's programs share.
FUZZ_SOURCES := $(filter-out %/drive.c %/libfuzzer.c,$(wildcard tests/fuzz/*.c))
FUZZ_NAMES := $(shell sed -n 's/^        {"\([a-z_]*\)", .*/\1/p' tests/fuzz/targets.c)
FUZZERS := $(addprefix $(BUILD)/fuzz/,$(FUZZ_NAMES))
$(BUILD)/fuzz/%.o: tests/fuzz/%.c $(FLAGS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<
$(BUILD)/fuzz/targets.a: $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%.o,$(FUZZ_SOURCES))
	@rm -f $@
	$(AR) rcs $@ $^
$(BUILD)/unit/fuzz: $(BUILD)/fuzz/targets.a
$(BUILD)/unit/fuzz: UNIT_LIBS := $(BUILD)/fuzz/targets.a
fuzz_program = $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(1) -o $@ $^ $(LDLIBS)
$(BUILD)/fuzz/drive: $(BUILD)/fuzz/drive.o $(BUILD)/fuzz/targets.a $(BUILD)/libhap.a
	$(call fuzz_program,)
$(BUILD)/fuzz/libfuzzer: $(BUILD)/fuzz/libfuzzer.o $(BUILD)/fuzz/targets.a $(BUILD)/libhap.a
	$(call fuzz_program,-fsanitize=fuzzer)
$(FUZZERS): $(BUILD)/fuzz/libfuzzer
	ln -f $< $@

fuzzers: $(FUZZERS)

# Seconds for each target; inputs of each. What libFuzzer finds is kept in build-fuzz/found.
TIME ?= 60
RUNS ?= 100000
PYTHON ?= python3
fuzz:
	$(MAKE) FUZZ=1 fuzz-run

fuzz-run: $(addprefix fuzz-run-,$(or $(TARGETS),$(FUZZ_NAMES)))
fuzz-run-%: $(BUILD)/fuzz/%
	@mkdir -p $(BUILD)/found/$*
	@OMP_NUM_THREADS=1 $< -max_total_time=$(TIME) -rss_limit_mb=4096 -timeout=20 \
		-print_final_stats=1 -artifact_prefix=$(BUILD)/found/$*- $(BUILD)/found/$* \
		$(firstword $(wildcard tests/fuzz/corpus/$* tests/fuzz/corpus/sections)) \
		$(wildcard tests/fuzz/grown/$*) \
		>$(BUILD)/found/$*.log 2>&1 || { tail -n 40 $(BUILD)/found/$*.log; exit 1; }
	@echo "$*: $$(sed -n 's/^stat::number_of_executed_units: *//p' $(BUILD)/found/$*.log) inputs"

fuzz-drive: $(BUILD)/fuzz/drive
	OMP_NUM_THREADS=1 $< --runs $(RUNS) $(TARGETS)

fuzz-programs: all
	$(PYTHON) -B tests/fuzz/programs --bin $(BIN) --time $(TIME) \
		$(addprefix --replay ,$(wildcard tests/fuzz/corpus/programs))

# Counts of every line and branch in src/, after the units and the tests of the programs.
coverage:
	$(MAKE) COVERAGE=1 all units
	-tests/run --bin build-coverage/bin --units build-coverage/unit $(TESTS)
	tests/coverage build-coverage

# What a checker reports is mended, or has its reason beside the line.
TIDY := clang-analyzer-*,bugprone-*,cert-err34-c,misc-redundant-expression,-bugprone-easily-swappable-parameters,-bugprone-narrowing-conversions,-bugprone-implicit-widening-of-multiplication-result,-bugprone-reserved-identifier,-bugprone-assignment-in-if-condition,-bugprone-branch-clone,-clang-analyzer-security.insecureAPI.*,-clang-analyzer-optin.portability.UnixAPI,-bugprone-macro-parentheses,-bugprone-sizeof-expression,-bugprone-not-null-terminated-result,-bugprone-multi-level-implicit-pointer-conversion
ANALYSED ?= $(SOURCES)
# What only these two define, the others learn from tests/analyse.h.
DEFINING := $(filter %/error.c %/scratch.c,$(ANALYSED))
TAUGHT := $(addprefix taught/,$(filter-out $(DEFINING),$(ANALYSED)))
ANALYSE_GCC := $(addprefix analyse-gcc/,$(DEFINING) $(TAUGHT))
ANALYSE_TIDY := $(addprefix analyse-tidy/,$(DEFINING) $(TAUGHT))
analysis = $(CSTD) $(CPPFLAGS) $(if $(filter taught/%,$*),-include tests/analyse.h)
analyse: analyse-cppcheck analyse-gcc analyse-tidy
analyse-cppcheck:
	cppcheck -q --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr \
		--suppress=missingIncludeSystem --library=tests/cppcheck.cfg -D_GNU_SOURCE \
		-DHAP_VERSION='""' -Isrc -j2 $(ANALYSED)
# gcc 12 takes memory that is kept at a variable index for leaked, and a float that memcpy() reads
# for uninitialised. clang's analyser checks both.
analyse-gcc: $(ANALYSE_GCC)
$(ANALYSE_GCC): analyse-gcc/%:
	@$(CC) $(analysis) -fanalyzer -Wno-analyzer-malloc-leak \
		-Wno-analyzer-use-of-uninitialized-value -Werror -S -o /dev/null $(*:taught/%=%)
analyse-tidy: $(ANALYSE_TIDY)
$(ANALYSE_TIDY): analyse-tidy/%:
	@clang-tidy -quiet -warnings-as-errors='*' -checks='-*,$(TIDY)' $(*:taught/%=%) -- $(analysis)

units: $(UNITS)

check: all units benches $(BUILD)/faults.so
	tests/run --bin $(BIN) --units $(BUILD)/unit $(TESTS)

# SYSROOT=DIR: where the libraries for arm64 are.
arm64-check:
	tests/arm64 $(SYSROOT:%=--sysroot %) $(TESTS)

# The Debian package of the last commit, in build-debian.
deb:
	debian/check

# A library that makes one call fail; see tests/faults/run.
$(BUILD)/faults.so: tests/faults/faults.c
	@mkdir -p $(@D)
	$(CC) $(CSTD) -D_GNU_SOURCE $(WARN) -O1 -g -fPIC -shared -o $@ $< -ldl

faults: all $(BUILD)/faults.so
	tests/faults/run --bin $(BIN) --library $(BUILD)/faults.so
	tests/faults/limits --bin $(BIN)

SCRIPTS := setup.sh completions/generate .ci/run tests/run tests/page-examples tests/arm64 tests/helper.bash \
	debian/check \
	$(wildcard bench/run bench/load bench/growth bench/table bench/prompts bench/peers/run pipelines/plan pipelines/timed pipelines/table pipelines/drop-stale \
	pipelines/cluster/submit pipelines/cluster/stage pipelines/zoo-* tests/slurm)

lint:
	shellcheck $(SCRIPTS)
	mandoc -Tlint -W warning man/hap*.[157]

BENCHES := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/*.c))

benches: $(BENCHES)

bench: all benches
	bench/run --bin $(BIN) --build $(BUILD)

# Completions of the shells, from the programs' tables of options.
COMPLETIONS := $(foreach p,$(notdir $(PROGRAMS)),$(BUILD)/completions/bash/$(p) \
	$(BUILD)/completions/zsh/_$(p) $(BUILD)/completions/fish/$(p).fish)
completion = @mkdir -p $(@D); completions/generate $(1) $< > $@.tmp && mv $@.tmp $@
$(BUILD)/completions/bash/%: $(BIN)/% completions/generate
	$(call completion,bash)
$(BUILD)/completions/zsh/_%: $(BIN)/% completions/generate
	$(call completion,zsh)
$(BUILD)/completions/fish/%.fish: $(BIN)/% completions/generate
	$(call completion,fish)
completions: $(COMPLETIONS)

# Programs find what is installed from their own place, so that PREFIX changes no object.
SHARE = $(DESTDIR)$(PREFIX)/share
DOCUMENTS := README.md CHANGELOG.md CONTRIBUTING.md CITATION.cff LICENSE
install: all completions
	install -d $(DESTDIR)$(PREFIX)/bin $(SHARE)/man/man1 $(SHARE)/man/man5 $(SHARE)/man/man7 \
		$(SHARE)/hap/models $(SHARE)/doc/hap/docs/curves $(SHARE)/bash-completion/completions \
		$(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	install -m 644 man/*.1 $(SHARE)/man/man1
	install -m 644 man/*.5 $(SHARE)/man/man5
	install -m 644 man/*.7 $(SHARE)/man/man7
	cp -R models/demo $(SHARE)/hap/models/
	cp -R circuits pipelines python $(SHARE)/hap/
	install -m 644 $(DOCUMENTS) $(SHARE)/doc/hap
	install -m 644 $(wildcard docs/*.md docs/*.svg) $(SHARE)/doc/hap/docs
	install -m 644 $(wildcard docs/curves/*) $(SHARE)/doc/hap/docs/curves
	install -m 644 $(BUILD)/completions/bash/* $(SHARE)/bash-completion/completions
	install -m 644 $(BUILD)/completions/zsh/* $(SHARE)/zsh/site-functions
	install -m 644 $(BUILD)/completions/fish/* $(SHARE)/fish/vendor_completions.d

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,$(notdir $(PROGRAMS))) \
		$(addprefix $(SHARE)/man/man1/,$(notdir $(wildcard man/*.1))) \
		$(addprefix $(SHARE)/man/man5/,$(notdir $(wildcard man/*.5))) \
		$(addprefix $(SHARE)/man/man7/,$(notdir $(wildcard man/*.7))) \
		$(addprefix $(SHARE)/bash-completion/completions/,$(notdir $(PROGRAMS))) \
		$(addprefix $(SHARE)/zsh/site-functions/_,$(notdir $(PROGRAMS))) \
		$(patsubst %,$(SHARE)/fish/vendor_completions.d/%.fish,$(notdir $(PROGRAMS)))
	rm -rf $(SHARE)/hap $(SHARE)/doc/hap

# The files in git, as they are committed.
dist:
	@mkdir -p $(BUILD)
	git archive --prefix=hap-$(VERSION)/ -o $(BUILD)/hap-$(VERSION).tar.gz HEAD
	@echo $(BUILD)/hap-$(VERSION).tar.gz

help:
	@echo 'all          build the programs in bin/ (the default)'
	@echo 'check        build and run all tests; TESTS="NAME ..." runs only these'
	@echo 'units        build the tests in C'
	@echo 'arm64-check  build the tests in C for arm64 and run them under qemu; SYSROOT=DIR, TESTS'
	@echo 'deb          build the Debian package of the last commit and check it with lintian'
	@echo 'lint         check the scripts and the manual pages'
	@echo 'bench        measure speed'
	@echo 'faults       make one system call after another fail in every program'
	@echo 'fuzz         run each fuzz target with libFuzzer (clang) for TIME seconds; TARGETS'
	@echo 'fuzz-drive   run RUNS inputs of each fuzz target; TARGETS="NAME ..." runs only these'
	@echo 'completions  write completions for bash, zsh and fish to $(BUILD)/completions'
	@echo 'install      install to PREFIX [$(PREFIX)], below DESTDIR []'
	@echo 'uninstall    remove what install installs'
	@echo 'dist         pack the files of the last commit as $(BUILD)/hap-$(VERSION).tar.gz'
	@echo 'clean        remove all builds'
	@echo
	@echo 'PORTABLE=1|avx2, BLAS=openblas|onednn|blis|mkl, ONEDNN=0, MPI=1, ASAN=1, TSAN=1: see README.md'

clean:
	rm -rf build build-asan build-tsan build-fuzz build-coverage build-arm64 build-debian build*-mpi bin

.PHONY: all units benches fuzz fuzzers fuzz-run fuzz-drive fuzz-programs coverage analyse analyse-cppcheck \
	analyse-gcc analyse-tidy $(ANALYSE_GCC) $(ANALYSE_TIDY) faults check arm64-check deb lint bench completions install uninstall dist help \
	clean force
.SECONDARY:

-include $(patsubst src/%.c,$(BUILD)/%.d,$(SOURCES)) $(UNITS:=.d) $(wildcard $(BUILD)/fuzz/*.d)
